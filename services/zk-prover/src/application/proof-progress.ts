import type { ProofStore } from "../domain/ports.js";
import type { Progress } from "../domain/progress.js";
import type { ProofJobRecord } from "../domain/proof-job.js";
import type { ProgressBoard } from "./progress-board.js";

/**
 * How far a proof is, wherever it is made: this process knows at once, of other replicas the database says what they last
 * wrote, and what nobody works on has a place in the queue. Undefined once it has ended.
 */
export async function progressOfProof(
  record: ProofJobRecord,
  ports: { readonly proofs: Pick<ProofStore, "place">; readonly progress: Pick<ProgressBoard, "get"> },
): Promise<Progress | undefined> {
  if (record.state === "proven" || record.state === "failed") return undefined;
  const { jobId } = record.request;
  const own = ports.progress.get(jobId);
  if (own !== undefined) return own;
  const standing = await ports.proofs.place(jobId);
  if (standing === undefined) return record.progress ?? TAKEN;
  const { place, waiting } = standing;
  return {
    stage: "queued",
    percent: 0,
    message: `The proof waits: place ${place} of ${waiting} in the queue.`,
    figures: { place: String(place), waiting: String(waiting) },
  };
}

/** A replica has it and has said nothing yet. */
const TAKEN: Progress = { stage: "taken", percent: 1, message: "A prover has taken the proof.", figures: {} };
