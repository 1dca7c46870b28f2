import { type CodedError, isCodedError } from "@aios/kernel/coded-error";
import { weiAmount } from "@aios/kernel/units";
import type { Signer } from "../domain/chain-transaction.js";
import { contractsNotDeployed, signerNotAllowed, unknownContract } from "../domain/errors.js";
import { gasRuleOf } from "../domain/gas-policy.js";
import type { ChainCall, ChainNode, ContractBook, SignerVault } from "../domain/ports.js";
import { mayUseSigner } from "../domain/signer-policy.js";

export interface Simulation {
  /** What it would take, or the bound that it would be sent under. */
  readonly gasEstimate: bigint;
  /** Why the call would fail; `undefined` when it would succeed. */
  readonly failure: CodedError | undefined;
}

/** Tells what a submission would do now, under the same policy, without queueing it. */
export class SimulateTransactionUseCase {
  constructor(
    private readonly contracts: ContractBook,
    private readonly node: ChainNode,
    private readonly vault: SignerVault,
  ) {}

  async execute(
    caller: string,
    signer: Signer,
    contract: string,
    data: Uint8Array,
    valueWei: string,
  ): Promise<Simulation> {
    if (!this.contracts.loaded) throw contractsNotDeployed();
    const to = this.contracts.addressOf(contract);
    if (to === undefined) throw unknownContract(contract);
    const functionName = this.contracts.functionOf(contract, data);
    if (!mayUseSigner(caller, signer, contract, functionName)) {
      throw signerNotAllowed(caller, signer, contract, functionName ?? "unknown function");
    }
    const call = {
      from: this.vault.addressOf(signer),
      to,
      data,
      valueWei: weiAmount(valueWei === "" ? "0" : valueWei, "valueWei"),
    };
    try {
      return { gasEstimate: await this.#gas(contract, functionName, call), failure: undefined };
    } catch (error) {
      if (isCodedError(error) && (error.code === "reverted" || error.code === "execution-halted")) {
        return { gasEstimate: 0n, failure: error };
      }
      throw error;
    }
  }

  async #gas(contract: string, functionName: string | undefined, call: ChainCall): Promise<bigint> {
    const rule = gasRuleOf(contract, functionName);
    if (rule.kind === "estimated") return this.node.estimateGas(call);
    await this.node.tryCall(call, rule.gasLimit);
    return rule.gasLimit;
  }
}
