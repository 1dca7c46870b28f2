import type { Account } from "./account.js";
import { type Code, EMPTY_CODE } from "./code.js";
import { GAS, LIMITS } from "./gas.js";
import { setNumber, toBigint, toNumber } from "./word.js";

/** Why a frame stopped with all its gas gone. */
export type HaltReason =
  | "out of gas"
  | "stack underflow"
  | "stack overflow"
  | "invalid opcode"
  | "invalid jump"
  | "write protection"
  | "return data out of bounds"
  | "address collision"
  | "invalid code"
  | "code too large"
  | "init code too large"
  | "precompile failed";

export const STATUS = { running: 0, succeeded: 1, reverted: 2, halted: 3, calling: 4 } as const;
export type Status = (typeof STATUS)[keyof typeof STATUS];

export type CallKind = "CALL" | "CALLCODE" | "DELEGATECALL" | "STATICCALL" | "CREATE" | "CREATE2";

export const NO_BYTES = new Uint8Array(0);
/** Above this no block has the gas for it; it bounds what one frame can ask of the machine. */
const MAX_MEMORY_BYTES = 2 ** 31;
/** Gas beyond this waits in `reserve`, so that sums of doubles stay exact. No real block comes near it. */
const GAS_CHUNK = 2 ** 52;
const KEPT_MEMORY_BYTES = 1 << 20;

/** One message call in progress (Yellow Paper 9.4: machine state and execution environment). Reused by depth. */
export class Frame {
  readonly stack = new Int32Array(LIMITS.stackWords * 8);
  /** Index behind the top word, in limbs. */
  sp = 0;
  /** Of the next instruction; while an instruction runs it is behind its opcode. */
  pc = 0;
  gas = 0;
  /** Further gas, in units of 2^52. */
  reserve = 0;
  status: Status = STATUS.running;
  halt: HaltReason | undefined;
  /** At least `memorySize` bytes; the rest is zero. */
  memory: Uint8Array = new Uint8Array(1_024);
  view = new DataView(this.memory.buffer);
  /** Active bytes, a multiple of 32. */
  memorySize = 0;
  code: Code = EMPTY_CODE;
  input: Uint8Array = NO_BYTES;
  /** What the last call returned. */
  returnData: Uint8Array = NO_BYTES;
  output: Uint8Array = NO_BYTES;
  kind: CallKind = "CALL";
  isStatic = false;
  /** Wei, as word and as amount. */
  readonly value = new Int32Array(8);
  amount = 0n;
  /** Where the caller wants the output. */
  outputOffset = 0;
  outputSize = 0;
  /** To undo it. */
  checkpoint = 0;
  refundBefore = 0;
  /** Gas it started with. */
  gasGiven = 0;
  /** Gas that it could not pay, when it ran out of it. */
  unpaid = 0;

  /** The account whose storage and balance are used, the one that called, and the one whose code runs. */
  self: Account;
  caller: Account;
  codeOwner: Account;

  constructor(
    /** 0 for the call of the transaction itself. */
    readonly depth: number,
    account: Account,
  ) {
    this.self = account;
    this.caller = account;
    this.codeOwner = account;
  }

  /** Makes the frame ready for another call. */
  reset(): void {
    this.sp = 0;
    this.pc = 0;
    this.status = STATUS.running;
    this.halt = undefined;
    if (this.memory.length > KEPT_MEMORY_BYTES) this.#allocate(1_024);
    else this.memory.fill(0, 0, this.memorySize);
    this.memorySize = 0;
    this.unpaid = 0;
    this.returnData = NO_BYTES;
    this.output = NO_BYTES;
  }

  /** Takes gas. False, with the frame halted, when there is not enough. */
  charge(gas: number): boolean {
    if (gas > this.gas && !(this.refill() && gas <= this.gas)) {
      this.unpaid = gas;
      this.fail("out of gas");
      return false;
    }
    this.gas -= gas;
    return true;
  }

  /** Takes one unit from the reserve. False when it is empty. */
  refill(): boolean {
    if (this.reserve === 0) return false;
    this.reserve--;
    this.gas += GAS_CHUNK;
    return true;
  }

  /** Gas left, reserve included. */
  get totalGas(): bigint {
    return BigInt(this.reserve) * BigInt(GAS_CHUNK) + BigInt(this.gas);
  }

  set totalGas(total: bigint) {
    this.reserve = Number(total / BigInt(GAS_CHUNK));
    this.gas = Number(total % BigInt(GAS_CHUNK));
  }

  /** Takes back what an ended call has left. */
  addGasOf(ended: Frame): void {
    this.gas += ended.gas;
    this.reserve += ended.reserve;
    if (this.gas >= GAS_CHUNK) {
      this.gas -= GAS_CHUNK;
      this.reserve++;
    }
  }

  /** The gas that `passGas` would move; of more than 2^53 the nearest double. */
  gasToPass(at: number | undefined): number {
    const total = Number(this.totalGas);
    const most = total - Math.floor(total / 64);
    return at === undefined ? most : Math.min(most, toNumber(this.stack, at));
  }

  /** Moves gas to a call: at most all but a 64th (EIP-150), at most what the word at `at` asks for. */
  passGas(child: Frame, at: number | undefined): void {
    if (this.reserve > 0) {
      const total = this.totalGas;
      const most = total - total / 64n;
      const asked = at === undefined ? most : toBigint(this.stack, at);
      child.totalGas = asked < most ? asked : most;
      this.totalGas = total - child.totalGas;
      return;
    }
    const most = this.gas - Math.floor(this.gas / 64);
    child.reserve = 0;
    child.gas = at === undefined ? most : Math.min(most, toNumber(this.stack, at));
    this.gas -= child.gas;
  }

  fail(reason: HaltReason): void {
    this.status = STATUS.halted;
    this.halt = reason;
  }

  /** Ends the frame with a copy of a memory range, which `expand` has paid for. */
  finish(status: Status, offset: number, size: number): void {
    this.output = size === 0 ? NO_BYTES : this.memory.slice(offset, offset + size);
    this.status = status;
  }

  /** Makes `[offset, offset + size)` active memory and charges for it. False when the gas does not suffice. */
  expand(offset: number, size: number): boolean {
    if (size === 0) return true;
    const end = offset + size;
    if (end <= this.memorySize) return true;
    if (end > MAX_MEMORY_BYTES) {
      this.fail("out of gas");
      return false;
    }
    const words = Math.ceil(end / 32);
    if (!this.charge(memoryGas(words) - memoryGas(this.memorySize / 32))) return false;
    this.memorySize = words * 32;
    if (this.memorySize > this.memory.length) this.#allocate(this.memorySize);
    return true;
  }

  #allocate(size: number): void {
    const kept = this.memory;
    let length = 1_024;
    while (length < size) length *= 2;
    this.memory = new Uint8Array(length);
    if (length > kept.length) this.memory.set(kept);
    this.view = new DataView(this.memory.buffer);
  }

  /** Copies into active memory from any bytes, with zeros where they end. */
  copyIn(target: number, source: Uint8Array, from: number, size: number): void {
    if (size === 0) return;
    const available = from >= source.length ? 0 : Math.min(size, source.length - from);
    if (available > 0) this.memory.set(source.subarray(from, from + available), target);
    if (available < size) this.memory.fill(0, target + available, target + size);
  }

  /** Pushes a number below 2^53. The interpreter has checked that there is room. */
  push(value: number): void {
    setNumber(this.stack, this.sp, value);
    this.sp += 8;
  }
}

function memoryGas(words: number): number {
  return GAS.memoryWord * words + Math.floor((words * words) / 512);
}
