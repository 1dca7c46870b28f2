import type { HaltReason } from "./frame.js";
import type { LogEntry } from "./world-state.js";

/** What a transaction did. */
export interface TransactionResult {
  readonly status: "succeeded" | "reverted" | "halted";
  /** Why it halted. */
  readonly halt: HaltReason | undefined;
  /** What the sender pays for, refund taken off. */
  readonly gasUsed: bigint;
  /** What was taken off (EIP-3529). */
  readonly gasRefunded: bigint;
  /** Gas spent before that, and before EIP-7623's floor. */
  readonly gasBeforeRefund: bigint;
  /** Return value, revert data, or the code that was deployed. */
  readonly output: Uint8Array;
  /** Of a creation, whether it succeeded or not. */
  readonly createdAddress: Uint8Array | undefined;
  readonly logs: readonly LogEntry[];
  /** Wei per gas that the sender paid. */
  readonly effectiveGasPrice: bigint;
  readonly blobGasUsed: number;
}
