import type { Clock } from "@aios/kernel/clock";
import { durationMs } from "@aios/kernel/units";
import type { ChainTransaction } from "../domain/chain-transaction.js";
import type { TransactionStore } from "../domain/ports.js";
import type { TransactionFeed } from "./transaction-feed.js";

/** Another process may have moved it: the store is read at least this often. */
const REREAD_EVERY_MS = durationMs(1_000);

/** Yields the transaction now and after each change until it is final, failed for good, or the signal ends it. */
export async function* watchTransaction(
  transactions: TransactionStore,
  feed: TransactionFeed,
  clock: Clock,
  idOrHash: string,
  signal: AbortSignal,
): AsyncGenerator<ChainTransaction> {
  let current = await transactions.find(idOrHash);
  let changed = new AbortController();
  const stopListening = feed.listen(current.id, () => changed.abort());
  try {
    current = await transactions.find(current.id);
    yield current;
    while (!isEnded(current) && !signal.aborted) {
      await clock.wait(REREAD_EVERY_MS, AbortSignal.any([changed.signal, signal])).catch(() => undefined);
      changed = new AbortController();
      const next = await transactions.find(current.id);
      if (next.state !== current.state || next.hash !== current.hash) yield next;
      current = next;
    }
  } finally {
    stopListening();
  }
}

function isEnded(transaction: ChainTransaction): boolean {
  return transaction.state === "final" || transaction.state === "failed";
}
