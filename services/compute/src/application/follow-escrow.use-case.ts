import type { Clock } from "@aios/kernel/clock";
import type { JobId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { contradictsDelivery } from "../domain/counted-output.js";
import { type Job, liveLease } from "../domain/job.js";
import { applyEscrowFact, type EscrowFact } from "../domain/job-transitions.js";
import type { JobChange, JobStore, ProviderLinks } from "../domain/ports.js";
import { metrics } from "../metrics.js";
import type { JobEngine } from "./job-engine.js";

/** A fact as it is heard: when the state's deadline is, 0 where an economy of an earlier release does not say it. */
type HeardFact = Omit<EscrowFact, "pendingUntilMs" | "seenAtMs"> & { readonly deadlineMs: number };

/** Follows what the chain says about the escrow; the chain's word is the job's state. */
export class FollowEscrow {
  readonly #jobs: JobStore;
  readonly #links: ProviderLinks;
  readonly #engine: JobEngine;
  readonly #clock: Clock;

  constructor(jobs: JobStore, links: ProviderLinks, engine: JobEngine, clock: Clock) {
    this.#jobs = jobs;
    this.#links = links;
    this.#engine = engine;
    this.#clock = clock;
  }

  /** Facts about jobs of others, and facts that are known, change nothing. */
  async execute(jobId: JobId, { deadlineMs, ...fact }: HeardFact): Promise<void> {
    let before: Job | undefined;
    const after = await this.#jobs.change(jobId, (job) => {
      before = job;
      const pendingUntilMs =
        deadlineMs || (job.deliveredAtMs || fact.chainTimeMs) + job.terms.challengeWindowSeconds * 1_000;
      const next = applyEscrowFact(job, { ...fact, pendingUntilMs, seenAtMs: this.#clock.now() });
      if (next === job) return undefined;
      const publishReceipt = next.state === "settled" && job.state !== "settled";
      return { job: next, publishReceipt, ...faultOf(fact, next) };
    });
    if (before === undefined || after === undefined || after === before) return;
    crashPoint(`compute.${fact.state}.after-store`);
    this.#tellProvider(before, after);
    if (after.state === "settled" || after.state === "refunded") this.#count(after);
  }

  #tellProvider(before: Job, after: Job): void {
    const lease = liveLease(after);
    if (after.state === "leased" && lease?.state === "leased") {
      metrics.leasesGranted.add(1);
      this.#links.grantLease(after);
      crashPoint("compute.grant.after-send");
    }
    const earlier = liveLease(before);
    if (earlier !== undefined && earlier.fencingToken !== lease?.fencingToken && after.state !== "settled") {
      const because =
        after.leases.find((one) => one.fencingToken === earlier.fencingToken)?.endedBecause ?? "";
      metrics.leasesEnded.add(1, { because });
      this.#links.revokeLease(earlier.provider, after.jobId, earlier.fencingToken, because);
    }
    // A provider that was freed may take the next waiting job.
    if (earlier !== undefined && lease === undefined) this.#engine.placeWaiting();
  }

  #count(job: Job): void {
    metrics.jobsEnded.add(1, { state: job.state, kind: job.kind });
    const signed = job.steps.find((step) => step.name === "signed");
    if (job.state === "settled" && signed !== undefined) {
      metrics.jobDuration.record(Math.max(0, this.#clock.now() - signed.atMs), { kind: job.kind });
    }
  }
}

/** Who signed for the chain something else than it handed over has done wrong, whichever of both is right. */
function faultOf({ state }: Pick<EscrowFact, "state">, job: Job): Pick<JobChange, "fault"> {
  const lease = liveLease(job);
  if (state !== "delivered" || lease === undefined || !contradictsDelivery(job, lease)) return {};
  const { provider, fencingToken } = lease;
  return { fault: { provider, fencingToken, reason: "delivery-mismatch" } };
}
