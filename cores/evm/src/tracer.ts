import type { CallKind, HaltReason } from "./frame.js";

/** A frame as a tracer sees it. Everything is live: copy what you keep, change nothing. */
export interface FrameView {
  readonly depth: number;
  readonly kind: CallKind;
  readonly pc: number;
  /** Gas left. */
  readonly gas: number;
  /** Gas that the frame started with. */
  readonly gasGiven: number;
  /** Words of eight limbs, least significant first (`word.ts`); `sp` is the index behind the top. */
  readonly stack: Int32Array;
  readonly sp: number;
  /** Valid up to `memorySize`. */
  readonly memory: Uint8Array;
  readonly memorySize: number;
  readonly input: Uint8Array;
  readonly returnData: Uint8Array;
  readonly output: Uint8Array;
  /** Wei. */
  readonly amount: bigint;
  readonly isStatic: boolean;
  readonly code: { readonly bytes: Uint8Array };
  /** Whose storage is used, who called, whose code runs (for EIP-7702 the account that delegates). */
  readonly self: { readonly bytes: Uint8Array };
  readonly caller: { readonly bytes: Uint8Array };
  readonly codeOwner: { readonly bytes: Uint8Array };
  readonly halt: HaltReason | undefined;
}

/** A call or creation that never began. Its gas stays with the caller. */
export interface RefusedCall {
  readonly kind: CallKind;
  /** Where a creation would have put its contract. */
  readonly to: Uint8Array;
  readonly input: Uint8Array;
  /** Wei. */
  readonly amount: bigint;
  /** Gas that it would have started with, stipend included, and the part of it that the caller would have passed on. */
  readonly gas: number;
  readonly gasPassed: number;
  readonly reason: "depth" | "balance" | "nonce";
}

/**
 * Watches one execution. Each hook is optional; without a tracer the interpreter runs a loop that knows nothing of
 * them. A hook that throws ends the execution with its error, which leaves the `WorldState` unusable.
 */
export interface Tracer {
  /** Before each instruction; `frame.gas` is what is left before it is paid. `refund`: the counter so far. */
  onStep?(frame: FrameView, opcode: number, refund: number): void;
  /**
   * After each instruction that did not fail. `cost` is what it took from the frame, gas that calls and creations have
   * passed on included. A call's own result is not yet there.
   */
  onStepEnd?(frame: FrameView, opcode: number, cost: number): void;
  /** An instruction failed; the frame ends. `frame.halt` says why, `cost` is the gas it asked for up to there. */
  onFault?(frame: FrameView, opcode: number, cost: number): void;
  /** A call or creation begins, precompiles and accounts without code included. */
  onEnter?(frame: FrameView): void;
  /**
   * It ended. `succeeded` false: all its effects are undone; `frame.halt` is undefined for REVERT. `gasUsed` includes
   * the price of deployed code.
   */
  onExit?(frame: FrameView, succeeded: boolean, gasUsed: number): void;
  /** A call or creation was refused before it began: depth, balance or nonce. `frame` is the caller's. */
  onRefused?(frame: FrameView, call: RefusedCall): void;
  /** A contract was destroyed or its balance sent on (SELFDESTRUCT), inside `frame`. */
  onSelfDestruct?(frame: FrameView, beneficiary: Uint8Array, amount: bigint): void;
  /** LOG0 to LOG4, inside `frame`. */
  onLog?(frame: FrameView, topics: readonly Uint8Array[], data: Uint8Array): void;
}
