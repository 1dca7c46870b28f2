import type { Address } from "@aios/kernel/identifiers";
import type { Log } from "../block.js";
import type { StateView } from "../state.js";

/** What a tracer answers: plain JSON, so that it crosses threads and needs no further formatting. */
export type TraceJson =
  | null
  | boolean
  | string
  | number
  | readonly TraceJson[]
  | { readonly [key: string]: TraceJson | undefined };

/** The transaction or call under the tracer. `gas` is its whole limit, intrinsic gas included. */
export interface TracedTransaction {
  readonly from: Address;
  /** `null` creates a contract. */
  readonly to: Address | null;
  readonly input: Uint8Array;
  readonly value: bigint;
  readonly gas: bigint;
  /** Receives the tips of the block. */
  readonly feeRecipient: Address;
  /** Who signed its authorizations (EIP-7702). */
  readonly authorities: readonly Address[];
  /** Logs of the block before it. */
  readonly logsBefore: number;
  /** SELFDESTRUCT removes no contract but those of the same transaction (EIP-6780, from Cancun). */
  readonly destroysOnlyNew: boolean;
}

/** A call or creation that begins. */
export interface TracedFrame {
  /** CALL, CALLCODE, DELEGATECALL, STATICCALL, CREATE, CREATE2 or SELFDESTRUCT. */
  readonly type: string;
  readonly from: Address;
  readonly to: Address | null;
  readonly input: Uint8Array;
  /** Absent where the call cannot carry any. */
  readonly value: bigint | undefined;
  readonly gas: bigint;
  readonly isPrecompile: boolean;
}

/** How a call or creation ended. */
export interface FrameResult {
  readonly output: Uint8Array;
  readonly gasUsed: bigint;
  /** Ethereum's name of the fault, `execution reverted` among them. */
  readonly error: string | undefined;
  /** Of a creation that succeeded. */
  readonly created: Address | undefined;
}

/** One instruction, before it runs. Valid during the call of `step` only. */
export interface TraceStep {
  readonly pc: number;
  readonly op: string;
  readonly code: number;
  readonly gas: bigint;
  /** 1 in the outermost call. */
  readonly depth: number;
  readonly refund: bigint;
  /** Whose storage the instruction sees. */
  readonly address: Address;
  /** Bottom first. */
  readonly stack: readonly bigint[];
  readonly memory: Uint8Array;
}

/** How the whole transaction ended. */
export interface TraceEnd {
  readonly gasUsed: bigint;
  readonly output: Uint8Array;
  readonly error: string | undefined;
}

/**
 * Follows one transaction. An engine calls the hooks in the order of execution; frames nest. Hooks read the state as
 * it is at that moment. An absent hook costs nothing.
 */
export interface Tracer {
  /** Before the sender pays. */
  begin?(transaction: TracedTransaction, state: StateView): void;
  enter?(frame: TracedFrame): void;
  exit?(result: FrameResult): void;
  /** Throws `trace-too-large` when the trace outgrows its limit; the engine ends the execution. */
  step?(step: TraceStep, state: StateView): void;
  /** What the last instruction costs, gas passed to a call included. Comes before the call that it makes. */
  stepCost?(gasCost: bigint): void;
  /** The last instruction failed, after its cost: `unaffordable` says how where stack or gas were not enough for it. */
  stepFailed?(unaffordable: string | undefined): void;
  /** After fees and refunds. */
  end(result: TraceEnd, state: StateView): TraceJson;
}

/** Which built-in tracer, with Geth's options. */
export type TraceOptions =
  | {
      readonly tracer: "structLogger";
      readonly enableMemory: boolean;
      readonly disableStack: boolean;
      readonly disableStorage: boolean;
      readonly enableReturnData: boolean;
      /** Steps to keep; 0 keeps all. */
      readonly limit: number;
    }
  | { readonly tracer: "callTracer"; readonly onlyTopCall: boolean; readonly withLog: boolean }
  | {
      readonly tracer: "prestateTracer";
      readonly diffMode: boolean;
      readonly disableCode: boolean;
      readonly disableStorage: boolean;
      /** Accounts that have nothing before are shown too. */
      readonly includeEmpty: boolean;
    }
  | { readonly tracer: "4byteTracer" };

const WORD = 32;

/** The bytes that an instruction reads from memory; beyond its end memory is zero. */
export function memorySlice(memory: Uint8Array, offset: bigint, size: bigint, limit: number): Uint8Array {
  if (size > BigInt(limit)) return new Uint8Array(0);
  const out = new Uint8Array(Number(size));
  if (offset < BigInt(memory.length)) out.set(memory.subarray(Number(offset), Number(offset + size)));
  return out;
}

/** The log that a LOG0 to LOG4 instruction is about to emit; `undefined` for any other instruction. */
export function logOf(step: TraceStep, maxBytes: number): Log | undefined {
  if (step.code < 0xa0 || step.code > 0xa4) return undefined;
  const count = step.code - 0xa0;
  const [offset, size, ...topics] = step.stack.slice(-(count + 2)).reverse();
  if (offset === undefined || size === undefined || topics.length !== count) return undefined;
  return {
    address: step.address,
    topics: topics.map((topic) => `0x${topic.toString(16).padStart(2 * WORD, "0")}` as Log["topics"][number]),
    data: memorySlice(step.memory, offset, size, maxBytes),
  };
}

/** The address in the low 20 bytes of a stack word. */
export function addressOfWord(word: bigint): Address {
  return `0x${(word & ((1n << 160n) - 1n)).toString(16).padStart(40, "0")}` as Address;
}
