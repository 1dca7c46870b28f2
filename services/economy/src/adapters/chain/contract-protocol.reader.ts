import { type Address, address } from "@aios/kernel/identifiers";
import { toBeHex } from "ethers";
import { chainUnavailable, contractsNotDeployed } from "../../domain/errors.js";
import type { AccountBalances, ContractBook, ProtocolReader, ProtocolTerms } from "../../domain/ports.js";
import { type JsonRpcCall, type JsonRpcClient, JsonRpcError } from "./json-rpc-client.js";
import { PROTOCOL_INTERFACES } from "./protocol-abis.js";

const RETRY_AFTER_MS = 500;

interface View {
  readonly contract: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

export class ContractProtocolReader implements ProtocolReader {
  #terms: ProtocolTerms | undefined;

  constructor(
    private readonly rpc: JsonRpcClient,
    private readonly contracts: Pick<ContractBook, "addressOf">,
  ) {}

  /** Asked once: the contracts are immutable. */
  async terms(): Promise<ProtocolTerms> {
    if (this.#terms === undefined) {
      const [treasury, feeBps, windowSeconds, ...tauG2] = await this.#read("latest", [
        { contract: "JobEscrow", name: "treasury", args: [] },
        { contract: "JobEscrow", name: "protocolFeeBps", args: [] },
        { contract: "DeliveryResultVerifier", name: "challengeWindowSeconds", args: [] },
        ...["tauXImaginary", "tauXReal", "tauYImaginary", "tauYReal"].map((name) => ({
          contract: "HonkVerifier",
          name,
          args: [],
        })),
      ]);
      this.#terms = {
        treasury: address(treasury),
        protocolFeeBps: Number(feeBps),
        challengeWindowSeconds: Number(windowSeconds),
        honkTauG2: tauG2.map((word) => toBeHex(BigInt(String(word)), 32)),
      };
    }
    return this.#terms;
  }

  async balances(account: Address): Promise<AccountBalances> {
    const height = String(await this.rpc.request("eth_blockNumber").catch(notAnswered));
    const [native, wrapped, fromJobs, fromLicences, staked] = await this.#read(
      height,
      [
        { contract: "WrappedAios", name: "balanceOf", args: [account] },
        { contract: "JobEscrow", name: "withdrawable", args: [account] },
        { contract: "ModelLicence", name: "withdrawable", args: [account] },
        { contract: "ProviderRegistry", name: "stakeOf", args: [account] },
      ],
      { method: "eth_getBalance", params: [account, height] },
    );
    return {
      nativeWei: BigInt(String(native)),
      wrappedWei: BigInt(String(wrapped)),
      withdrawableWei: BigInt(String(fromJobs)) + BigInt(String(fromLicences)),
      stakedWei: BigInt(String(staked)),
      atBlock: BigInt(height),
    };
  }

  /** One batch: the plain calls' results as they are, then each view's first return value. */
  async #read(
    tag: string,
    views: readonly View[],
    ...plainCalls: readonly JsonRpcCall[]
  ): Promise<readonly unknown[]> {
    const calls = views.map((view) => {
      const to = this.contracts.addressOf(view.contract);
      const contract = PROTOCOL_INTERFACES.get(view.contract);
      if (to === undefined || contract === undefined) throw contractsNotDeployed();
      return {
        method: "eth_call",
        params: [{ to, data: contract.encodeFunctionData(view.name, view.args) }, tag],
      };
    });
    const answers = await this.rpc.batch([...plainCalls, ...calls]).catch(notAnswered);
    return answers.map((answer, index) => {
      const view = views[index - plainCalls.length];
      if (view === undefined) return answer;
      return PROTOCOL_INTERFACES.get(view.contract)?.decodeFunctionResult(
        view.name,
        String(answer),
      )[0] as unknown;
    });
  }
}

/** Nothing that is read here is ever refused for what is asked: an error is the node's, behind or busy. */
function notAnswered(error: unknown): never {
  throw error instanceof JsonRpcError ? chainUnavailable(RETRY_AFTER_MS, error) : error;
}
