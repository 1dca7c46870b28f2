import type { Clock } from "@aios/kernel/clock";
import type { JobId } from "@aios/kernel/identifiers";
import type { DurationMs } from "@aios/kernel/units";
import { proofNotFound } from "../domain/errors.js";
import type { ProofStore } from "../domain/ports.js";
import type { Progress } from "../domain/progress.js";
import type { ProofJobRecord } from "../domain/proof-job.js";
import type { ProgressBoard } from "./progress-board.js";
import { progressOfProof } from "./proof-progress.js";

export interface ProofView {
  readonly record: ProofJobRecord;
  readonly progress: Progress | undefined;
}

/** Another replica's work, and a place in the queue, show only in the database. */
const POLL_MS = 500;
/** People follow no more changes than four a second. */
const SHORTEST_PAUSE_MS = 250;

/** The proof at once and at each change, at most four times a second, until it ended. Throws `proof-not-found`. */
export async function* watchProof(
  jobId: JobId,
  ports: { readonly proofs: ProofStore; readonly progress: ProgressBoard; readonly clock: Clock },
  signal: AbortSignal,
): AsyncGenerator<ProofView> {
  let bell = Promise.withResolvers<void>();
  const watch = ports.progress.watch(jobId, () => bell.resolve());
  const pause = (durationMs: number, until: AbortSignal): Promise<void> =>
    ports.clock.wait(durationMs as DurationMs, until).catch(() => undefined);
  try {
    let shown = "";
    while (!signal.aborted) {
      bell = Promise.withResolvers();
      const record = await ports.proofs.find(jobId);
      if (record === undefined) throw proofNotFound();
      const progress = await progressOfProof(record, ports);
      const text = JSON.stringify([record.state, progress]);
      if (text !== shown) yield { record, progress };
      shown = text;
      if (record.state === "proven" || record.state === "failed") return;
      await pause(SHORTEST_PAUSE_MS, signal);
      const rung = new AbortController();
      await Promise.race([
        bell.promise,
        pause(POLL_MS - SHORTEST_PAUSE_MS, AbortSignal.any([signal, rung.signal])),
      ]);
      rung.abort();
    }
  } finally {
    watch[Symbol.dispose]();
  }
}
