import type { Account } from "./account.js";
import { Frame } from "./frame.js";
import type { Precompile } from "./precompiles/precompile.js";
import type { Rules } from "./rules.js";
import type { Tracer } from "./tracer.js";
import { setBigint, setBytes } from "./word.js";
import type { WorldState } from "./world-state.js";

/** The fields of a block that its transactions can see. */
export interface BlockEnvironment {
  readonly number: number;
  /** Seconds. */
  readonly timestamp: number;
  readonly gasLimit: bigint;
  /** Wei per gas; 0 before London. */
  readonly baseFeePerGas: bigint;
  /** Wei per blob gas; ignored before Cancun. */
  readonly blobBaseFee: bigint;
  /** 20 bytes. */
  readonly coinbase: Uint8Array;
  /** 32 bytes; the difficulty before Paris. */
  readonly prevRandao: Uint8Array;
  /** Hash of one of the 256 blocks before this one, 32 bytes; `undefined` where there is none. */
  blockHash(number: number): Uint8Array | undefined;
}

function wordOf(value: bigint): Int32Array {
  const word = new Int32Array(8);
  setBigint(word, 0, value);
  return word;
}

function wordOfBytes(bytes: Uint8Array): Int32Array {
  const word = new Int32Array(8);
  setBytes(word, 0, bytes, 0, bytes.length);
  return word;
}

/** Everything that instructions reach beside their own frame. One per block; transactions set the fields below. */
export class ExecutionContext {
  readonly gasLimit: Int32Array;
  readonly baseFee: Int32Array;
  readonly blobBaseFee: Int32Array;
  readonly prevRandao: Int32Array;
  readonly chainId: Int32Array;
  readonly coinbase: Account;
  tracer: Tracer | undefined;
  /** Refund counter of the transaction (EIP-2200). */
  refund = 0;
  origin: Account;
  gasPrice: Int32Array = new Int32Array(8);
  blobHashes: readonly Uint8Array[] = [];
  /** The frame that a call instruction has made ready. */
  child: Frame | undefined;
  /** What answers at these addresses instead of what the rules say; `undefined`: their own code. For simulations. */
  precompileOverrides: ReadonlyMap<Account, Precompile | undefined> | undefined;

  constructor(
    readonly state: WorldState,
    readonly rules: Rules,
    readonly block: BlockEnvironment,
    readonly frames: FramePool,
  ) {
    this.gasLimit = wordOf(block.gasLimit);
    this.baseFee = wordOf(block.baseFeePerGas);
    this.blobBaseFee = wordOf(block.blobBaseFee);
    this.prevRandao = wordOfBytes(block.prevRandao);
    this.chainId = wordOf(rules.chainId);
    this.coinbase = state.accountAt(block.coinbase);
    this.origin = this.coinbase;
  }

  setGasPrice(price: bigint): void {
    setBigint(this.gasPrice, 0, price);
  }

  frame(depth: number): Frame {
    return this.frames.take(depth, this.coinbase);
  }

  /** What answers for an account in place of its code. */
  precompileOf(account: Account): Precompile | undefined {
    if (this.precompileOverrides?.has(account) === true) return this.precompileOverrides.get(account);
    return account.small === 0 ? undefined : this.rules.precompiles.get(account.small);
  }

  /** Adds an account to the warm ones. Whether it was cold (EIP-2929; precompiles are always warm). */
  warm(account: Account): boolean {
    if (account.small !== 0 && this.rules.precompiles.has(account.small)) return false;
    return this.state.warm(account);
  }
}

/** Frames by depth, kept for the next call: a stack is 32 KiB, and there are never more than 1,025. */
export class FramePool {
  readonly #frames: Frame[] = [];

  take(depth: number, account: Account): Frame {
    const kept = this.#frames[depth];
    if (kept !== undefined) {
      kept.reset();
      return kept;
    }
    const frame = new Frame(depth, account);
    this.#frames[depth] = frame;
    return frame;
  }

  /** The frame at a depth that is in use. */
  at(depth: number): Frame {
    const frame = this.#frames[depth];
    if (frame === undefined) throw new RangeError(`No call is at depth ${depth}`);
    return frame;
  }
}
