import { decodeOffer, decodePlacementLog, replayPlacement } from "@aios/core-scheduler/placement-log";
import type { PlacementDecision } from "@aios/core-scheduler/placement-model";
import type { Address, JobId } from "@aios/kernel/identifiers";
import { liveLease } from "../domain/job.js";
import type { JobStore, PlacementRecord } from "../domain/ports.js";
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

/** Candidates of one placement that are explained one by one; the counts and the advice speak of all. */
const EXPLAINED_CANDIDATES = 50;
/** Offers that are gone through for one answer; the latest placements come first. */
const MOST_OFFERS = 250_000;

/** Why this provider and not that one, by making the logged decisions again; or what would place a waiting job. */
export class ExplainPlacement {
  readonly #jobs: JobStore;

  constructor(jobs: JobStore) {
    this.#jobs = jobs;
  }

  /** `provider` is explained in any case. Throws `job-not-found`, `not-owner`. */
  async execute(
    account: Address,
    jobId: JobId,
    provider: Address | undefined,
  ): Promise<PlacementExplanation> {
    const job = await ownJob(this.#jobs, account, jobId);
    const placements: ExplainedPlacement[] = [];
    let offersRead = 0;
    for (const record of (await this.#jobs.placements(jobId)).toReversed()) {
      if (offersRead > MOST_OFFERS) break;
      const decision = await this.#decisionOf(record, provider);
      offersRead += decision.considered;
      const lease = job.leases.find(({ fencingToken }) => fencingToken === record.fencingToken);
      const { fencingToken, decidedAtMs } = record;
      placements.unshift({ fencingToken, decidedAtMs, decision, endedBecause: lease?.endedBecause ?? "" });
    }
    if (job.state === "prepared")
      return { placements, advice: ["Sign the order: a job is placed once it is funded."] };
    const waits = job.state === "funded" && liveLease(job) === undefined;
    const advice = waits ? (placements.at(-1)?.decision.advice ?? []).map((entry) => entry.message) : [];
    return { placements, advice };
  }

  async #decisionOf(record: PlacementRecord, provider: Address | undefined): Promise<PlacementDecision> {
    const entry = decodePlacementLog(record.log);
    const offers =
      record.marketHead === undefined
        ? entry.offers
        : (await this.#jobs.offersAt(record.marketHead)).map(decodeOffer);
    return replayPlacement(entry, offers, { most: EXPLAINED_CANDIDATES, provider });
  }
}
