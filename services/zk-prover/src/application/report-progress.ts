import type { Claim } from "@aios/core-proving-queue/work-queue";
import type { Clock } from "@aios/kernel/clock";
import type { JobId } from "@aios/kernel/identifiers";
import type { DurationMs } from "@aios/kernel/units";
import type { ProofStore } from "../domain/ports.js";
import type { ProgressBoard } from "./progress-board.js";

/** Most proofs of small models are done before anything is written. */
const WRITE_EVERY_MS = 500;

/**
 * Writes down how far a proof of this process is, for whoever asks another replica: what changed, at most twice a second,
 * until the signal aborts. Nothing depends on it: a write that fails is not repeated.
 */
export async function reportProgress(
  claim: Claim,
  jobId: JobId,
  ports: {
    readonly proofs: Pick<ProofStore, "report">;
    readonly progress: Pick<ProgressBoard, "get">;
    readonly clock: Clock;
  },
  ended: AbortSignal,
): Promise<void> {
  let written: unknown;
  while (!ended.aborted) {
    await ports.clock.wait(WRITE_EVERY_MS as DurationMs, ended).catch(() => undefined);
    const progress = ports.progress.get(jobId);
    if (ended.aborted || progress === undefined || progress === written) continue;
    written = progress;
    await ports.proofs.report(claim, progress).catch(() => undefined);
  }
}
