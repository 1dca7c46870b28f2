import type { Clock } from "@aios/kernel/clock";
import type { JobId } from "@aios/kernel/identifiers";
import type { DurationMs } from "@aios/kernel/units";
import { proofNotFound } from "../domain/errors.js";
import type { ProofStore } from "../domain/ports.js";
import type { ProofJobRecord } from "../domain/proof-job.js";
import type { Progress, ProgressBoard } from "./progress-board.js";

export interface ProofView {
  readonly record: ProofJobRecord;
  readonly progress: Progress | undefined;
}

/** Another replica's work shows only in the database. */
const POLL_MS = 500;

/** Each change of a proof until it ended. Throws `proof-not-found`. */
export async function* watchProof(
  jobId: JobId,
  ports: { readonly proofs: ProofStore; readonly progress: ProgressBoard; readonly clock: Clock },
  signal: AbortSignal,
): AsyncGenerator<ProofView> {
  let bell = Promise.withResolvers<void>();
  const watch = ports.progress.watch(jobId, () => bell.resolve());
  try {
    let shown = "";
    while (!signal.aborted) {
      const record = await ports.proofs.find(jobId);
      if (record === undefined) throw proofNotFound();
      const progress = ports.progress.get(jobId);
      const state = `${record.state}/${progress?.stage ?? ""}/${progress?.percent ?? ""}`;
      if (state !== shown) yield { record, progress };
      shown = state;
      if (record.state === "proven" || record.state === "failed") return;
      const pause = new AbortController();
      const wait = ports.clock.wait(POLL_MS as DurationMs, AbortSignal.any([signal, pause.signal]));
      await Promise.race([bell.promise, wait.catch(() => undefined)]);
      pause.abort();
      bell = Promise.withResolvers();
    }
  } finally {
    watch[Symbol.dispose]();
  }
}
