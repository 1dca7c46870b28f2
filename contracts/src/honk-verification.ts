import { ExecutionContext, FramePool } from "@aios/core-evm/context";
import { executeTransaction } from "@aios/core-evm/execute-transaction";
import { rulesOf } from "@aios/core-evm/rules";
import type { TransactionResult } from "@aios/core-evm/transaction-result";
import { WorldState } from "@aios/core-evm/world-state";
import { decodeHonkKey } from "@aios/core-ultra-honk/honk-key";
import { CodedError } from "@aios/kernel/coded-error";
import { Interface } from "ethers/abi";
import { concat, getBytes, toBeHex } from "ethers/utils";
import { abi as verifierAbi } from "../generated/abi/honk-verifier.js";
import { bytecode as verifierCode } from "../generated/bytecode/honk-verifier.js";

const verifier = new Interface(verifierAbi);
const CALLER = new Uint8Array(20).fill(0xca);
const ZERO = new Uint8Array(32);
const GAS_LIMIT = 16_000_000n;
const FIELD_WORDS = 1n << 256n;
/** Reference strings whose contracts are kept; a process meets one or two. */
const MAX_CONTRACTS = 8;

/** tau·G2 of the reference string, as EIP-197 orders it: four words in hex. */
export type TauG2 = readonly [string, string, string, string];

/** The verifier's contract in a state of its own. Creating it takes some milliseconds. */
class VerifierContract {
  readonly #context: ExecutionContext;
  readonly #address: Uint8Array;
  #nonce = 0n;

  constructor(tauG2: TauG2) {
    this.#context = new ExecutionContext(
      new WorldState({
        account: () => undefined,
        code: () => new Uint8Array(),
        storage: () => new Uint8Array(),
      }),
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

  call(data: string): TransactionResult {
    return this.#run(this.#address, data);
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
        data: getBytes(data),
        maxFeePerGas: 0n,
        maxPriorityFeePerGas: 0n,
        accessList: [],
      },
      { unchecked: true },
    );
  }
}

const contracts = new Map<string, VerifierContract>();

/** One contract a reference string: it keeps nothing between calls. */
function contractUnder(tauG2: TauG2): VerifierContract {
  const name = tauG2.join().toLowerCase();
  const known = contracts.get(name);
  if (known !== undefined) return known;
  const made = new VerifierContract(tauG2);
  const oldest = contracts.keys().next().value;
  if (contracts.size >= MAX_CONTRACTS && oldest !== undefined) contracts.delete(oldest);
  contracts.set(name, made);
  return made;
}

/**
 * The verifier that is on chain, in our own EVM: the same code in Node and browsers, with nothing in common with the
 * prover. Verifying takes about a quarter of a second.
 */
export class HonkVerification {
  readonly #contract: VerifierContract;

  constructor(tauG2: TauG2) {
    this.#contract = contractUnder(tauG2);
  }

  /**
   * Whether the proof holds for exactly these public inputs, of this key. False for a proof that does not, or whose form
   * is not that of the key. Throws `malformed-verifying-key`.
   */
  verify(key: Uint8Array, publicInputs: readonly bigint[], proof: Uint8Array): boolean {
    decodeHonkKey(key);
    if (publicInputs.some((input) => input < 0n || input >= FIELD_WORDS)) return false;
    const inputs = publicInputs.map((input) => toBeHex(input, 32));
    const { status, output } = this.#contract.call(
      verifier.encodeFunctionData("verify", [key, inputs, proof]),
    );
    return status === "succeeded" && verifier.decodeFunctionResult("verify", output)[0] === true;
  }
}

function notCreated(): CodedError {
  return new CodedError({
    code: "verifier-not-created",
    kind: "internal",
    message: "The verifier's contract could not be created.",
  });
}
