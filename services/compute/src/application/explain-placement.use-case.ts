import { decodePlacementLog, replayPlacement } from "@aios/core-scheduler/placement-log";
import type { PlacementDecision } from "@aios/core-scheduler/placement-model";
import type { Address, JobId } from "@aios/kernel/identifiers";
import { liveLease } from "../domain/job.js";
import type { JobStore } from "../domain/ports.js";
import { ownJob } from "./own-job.js";

export interface ExplainedPlacement {
  readonly fencingToken: number;
  readonly decidedAtMs: number;
  readonly decision: PlacementDecision;
  readonly endedBecause: string;
}

export interface PlacementExplanation {
  readonly placements: readonly ExplainedPlacement[];
  readonly advice: readonly string[];
}

/** Why this provider and not that one, by making the logged decisions again; or what would place a waiting job. */
export class ExplainPlacement {
  readonly #jobs: JobStore;

  constructor(jobs: JobStore) {
    this.#jobs = jobs;
  }

  async execute(account: Address, jobId: JobId): Promise<PlacementExplanation> {
    const job = await ownJob(this.#jobs, account, jobId);
    const placements = (await this.#jobs.placements(jobId)).map((record) => ({
      fencingToken: record.fencingToken,
      decidedAtMs: record.decidedAtMs,
      decision: replayPlacement(decodePlacementLog(record.log)),
      endedBecause:
        job.leases.find((lease) => lease.fencingToken === record.fencingToken)?.endedBecause ?? "",
    }));
    if (job.state === "prepared")
      return { placements, advice: ["Sign the order: a job is placed once it is funded."] };
    const waits = job.state === "funded" && liveLease(job) === undefined;
    const advice = waits ? (placements.at(-1)?.decision.advice ?? []).map((entry) => entry.message) : [];
    return { placements, advice };
  }
}
