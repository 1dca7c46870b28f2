import { abi as verifierAbi } from "@aios/contracts/abi/honk-verifier";
import { bytecode as verifierCode } from "@aios/contracts/bytecode/honk-verifier";
import { ExecutionContext, FramePool } from "@aios/core-evm/context";
import { executeTransaction, type TransactionResult } from "@aios/core-evm/execute-transaction";
import { rulesOf } from "@aios/core-evm/rules";
import { WorldState } from "@aios/core-evm/world-state";
import { decodeHonkKey } from "@aios/core-ultra-honk/honk-key";
import { CodedError } from "@aios/kernel/coded-error";
import { Interface } from "ethers/abi";
import { concat } from "ethers/utils";
import { fromHex, toHex32 } from "../hex.js";

const verifier = new Interface(verifierAbi);
const CALLER = new Uint8Array(20).fill(0xca);
const ZERO = new Uint8Array(32);
const GAS_LIMIT = 16_000_000n;

/** tau·G2 of the reference string, as EIP-197 orders it: four words in hex. */
export type TauG2 = readonly [string, string, string, string];

/**
 * The verifier that is on chain, in our own EVM: the same code in Node and browsers, with nothing in common with the
 * prover. Creating it takes some milliseconds, verifying about a quarter of a second.
 */
export class HonkVerification {
  readonly #state = new WorldState({
    account: () => undefined,
    code: () => new Uint8Array(),
    storage: () => new Uint8Array(),
  });
  readonly #context: ExecutionContext;
  readonly #address: Uint8Array;
  #nonce = 0n;

  constructor(tauG2: TauG2) {
    this.#context = new ExecutionContext(
      this.#state,
      rulesOf({ hardfork: "osaka", chainId: 1n }),
      {
        number: 1,
        timestamp: 0,
        gasLimit: GAS_LIMIT,
        baseFeePerGas: 0n,
        blobBaseFee: 1n,
        coinbase: new Uint8Array(20),
        prevRandao: ZERO,
        blockHash: () => undefined,
      },
      new FramePool(),
    );
    const created = this.#run(undefined, concat([verifierCode, verifier.encodeDeploy([tauG2])]));
    if (created.status !== "succeeded" || created.createdAddress === undefined) throw notCreated();
    this.#address = created.createdAddress;
  }

  /**
   * Whether the proof holds for exactly these public inputs, of this key. False for a proof that does not, or whose form
   * is not that of the key. Throws `malformed-verifying-key`.
   */
  verify(key: Uint8Array, publicInputs: readonly bigint[], proof: Uint8Array): boolean {
    decodeHonkKey(key);
    const inputs = publicInputs.map(toHex32);
    const { status, output } = this.#run(
      this.#address,
      verifier.encodeFunctionData("verify", [key, inputs, proof]),
    );
    return status === "succeeded" && verifier.decodeFunctionResult("verify", output)[0] === true;
  }

  #run(to: Uint8Array | undefined, data: string): TransactionResult {
    return executeTransaction(
      this.#context,
      {
        type: 2,
        from: CALLER,
        to,
        nonce: this.#nonce++,
        gasLimit: GAS_LIMIT,
        value: 0n,
        data: fromHex(data),
        maxFeePerGas: 0n,
        maxPriorityFeePerGas: 0n,
        accessList: [],
      },
      { unchecked: true },
    );
  }
}

function notCreated(): CodedError {
  return new CodedError({
    code: "verifier-not-created",
    kind: "internal",
    message: "The verifier's contract could not be created.",
  });
}
