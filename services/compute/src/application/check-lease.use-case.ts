import type { Clock } from "@aios/kernel/clock";
import type { Address, JobId } from "@aios/kernel/identifiers";
import { liveLease } from "../domain/job.js";
import type { JobStore } from "../domain/ports.js";

export interface LeaseStanding {
  readonly live: boolean;
  readonly reason: string;
  readonly modelId: number;
  /** Who published the model on chain; empty for training. */
  readonly modelOwner: Address | "";
  readonly contentCids: readonly string[];
  readonly expiresAtMs: number;
}

/** Whether this provider holds the job's live lease on chain, under this token: asked before a key is released. */
export class CheckLease {
  readonly #jobs: Pick<JobStore, "find">;
  readonly #clock: Clock;

  constructor(jobs: Pick<JobStore, "find">, clock: Clock) {
    this.#jobs = jobs;
    this.#clock = clock;
  }

  async execute(jobId: JobId, fencingToken: number, provider: Address): Promise<LeaseStanding> {
    const job = await this.#jobs.find(jobId);
    if (job === undefined) return dead("There is no such job.");
    const lease = liveLease(job);
    if (lease?.fencingToken !== fencingToken) return dead("The fencing token is not the live lease's.");
    if (lease.provider !== provider) return dead("The lease belongs to another provider.");
    if (lease.state !== "leased" && lease.state !== "computed") return dead("The lease is not on chain yet.");
    if (lease.failure !== undefined) return dead("The lease is being released.");
    if (lease.state === "leased" && this.#clock.now() > lease.deliverByMs)
      return dead("The delivery deadline has passed.");
    const { work, modelOwner, modelCid, inputCid } = job.terms;
    return {
      live: true,
      reason: "",
      modelId: work.kind === "inference" ? work.modelId : 0,
      modelOwner,
      contentCids: [modelCid, inputCid].filter((cid) => cid !== ""),
      expiresAtMs: lease.deliverByMs,
    };
  }
}

function dead(reason: string): LeaseStanding {
  return { live: false, reason, modelId: 0, modelOwner: "", contentCids: [], expiresAtMs: 0 };
}
