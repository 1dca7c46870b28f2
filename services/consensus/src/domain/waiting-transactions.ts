import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { SignedTransaction } from "./transaction.js";

/** What waits: in nonce order of each sender what can run now, and what cannot. */
export interface PoolContent {
  readonly pending: readonly SignedTransaction[];
  readonly queued: readonly SignedTransaction[];
}

/**
 * The transactions that wait, as users see them. The pool belongs to whoever makes blocks, which may be another
 * thread: every answer takes a while, and may be refused with `node-busy` or `node-timeout`.
 */
export interface WaitingTransactions {
  get(hash: Bytes32): Promise<SignedTransaction | undefined>;
  /** The nonce that the sender's next transaction should have, counting those that wait without a gap. */
  nextNonce(sender: Address): Promise<bigint>;
  counts(): Promise<{ readonly pending: number; readonly queued: number }>;
  /** Of one sender, or of all. */
  content(sender?: Address): Promise<PoolContent>;
}
