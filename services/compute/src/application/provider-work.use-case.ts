import { leaseTermsTypedData } from "@aios/core-settlement/order-digest";
import { signerOf } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import type { Clock } from "@aios/kernel/clock";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Address, JobId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { FAULT_REASONS } from "../domain/burned-leases.js";
import { fencingTokenStale, jobNotFound, resultRefused } from "../domain/errors.js";
import { type Job, type JobProgress, liveLease } from "../domain/job.js";
import { agree, complete, desert, endOffer, failLease, reportProgress } from "../domain/job-transitions.js";
import type { JobStore, ProviderLinks } from "../domain/ports.js";
import { reportedProgress } from "../domain/reported-progress.js";
import { type ClaimedResult, checkResult, requireLease } from "../domain/result-check.js";
import { metrics } from "../metrics.js";
import type { JobEngine } from "./job-engine.js";

const MAX_REASON_CHARACTERS = 500;

/** What providers say about leases: answers, progress, results, failures, and what they still work on. */
export class ProviderWork {
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

  /** The provider signed the offered terms. Throws `stale-fencing-token`, `lease-terms-forged`. */
  async accept(provider: Address, jobId: JobId, fencingToken: number, signature: string): Promise<void> {
    await this.#change(jobId, (job) => {
      const lease = requireLease(job, provider, fencingToken, this.#clock.now());
      const { chainId, jobEscrow } = job.terms.contracts;
      const offered = leaseTermsTypedData(signingDomain(chainId, jobEscrow), lease.terms);
      if (signerOf(offered, signature) !== provider) {
        throw resultRefused(
          "lease-terms-forged",
          "signature",
          "The lease terms are not signed by the provider.",
        );
      }
      return agree(job, fencingToken, signature);
    });
    crashPoint("compute.agree.after-store");
  }

  async refuse(provider: Address, jobId: JobId, fencingToken: number): Promise<void> {
    await this.#change(jobId, (job) => {
      requireLease(job, provider, fencingToken, this.#clock.now());
      return endOffer(job, fencingToken, "provider-refused");
    });
    metrics.leasesEnded.add(1, { because: "provider-refused" });
    this.#engine.placeWaiting();
  }

  async progress(
    provider: Address,
    jobId: JobId,
    fencingToken: number,
    progress: JobProgress,
  ): Promise<void> {
    await this.#change(jobId, (job) => {
      const own = liveLease(job)?.provider === provider;
      return own ? reportProgress(job, fencingToken, reportedProgress(progress)) : job;
    });
  }

  /**
   * Keeps a checked result, once; it may be acknowledged afterwards. A result that does not hold loses its provider the
   * lease. Throws `stale-fencing-token`, `lease-expired` and the errors of `checkResult`.
   */
  async deliver(provider: Address, jobId: JobId, claimed: ClaimedResult): Promise<void> {
    let refused: unknown;
    await this.#change(jobId, (job) => {
      refused = undefined;
      const nowMs = this.#clock.now();
      const lease = requireLease(job, provider, claimed.fencingToken, nowMs);
      if (lease.state === "computed") return job;
      try {
        return complete(job, claimed.fencingToken, checkResult(job, lease, claimed, nowMs), nowMs);
      } catch (error) {
        if (!isCodedError(error) || error.code === "stale-fencing-token") throw error;
        refused = error;
        const fault = FAULT_REASONS.has(error.code)
          ? { provider, fencingToken: claimed.fencingToken, reason: error.code }
          : undefined;
        return {
          job: failLease(job, claimed.fencingToken, { code: error.code, message: error.message }),
          fault,
        };
      }
    });
    crashPoint("compute.result.after-store");
    if (refused !== undefined) {
      metrics.resultsRefused.add(1, { code: isCodedError(refused) ? refused.code : "internal" });
      throw refused;
    }
    this.#engine.placeWaiting();
  }

  async fail(
    provider: Address,
    jobId: JobId,
    fencingToken: number,
    code: string,
    message: string,
  ): Promise<void> {
    await this.#change(jobId, (job) => {
      requireLease(job, provider, fencingToken, this.#clock.now());
      const named = /^[a-z0-9-]{1,64}$/.test(code) ? code : "failed";
      return failLease(job, fencingToken, {
        code: `provider-${named}`,
        message: message.slice(0, MAX_REASON_CHARACTERS),
      });
    });
  }

  /** After a connect: sends again what the provider has to answer or work on. */
  async reconcile(provider: Address): Promise<void> {
    for (const job of await this.#jobs.liveOf(provider)) {
      const lease = liveLease(job);
      if (lease?.provider !== provider) continue;
      if (lease.state === "offered") this.#links.offerLease(job);
      else if (lease.state === "leased" && lease.failure === undefined) this.#links.grantLease(job);
    }
  }

  /** Takes back what the provider still works on without holding its live lease. */
  async revokeStale(provider: Address, claimed: ReadonlyMap<string, number>): Promise<void> {
    if (claimed.size === 0) return;
    const live = new Map<string, number>();
    for (const job of await this.#jobs.liveOf(provider))
      live.set(job.jobId, liveLease(job)?.fencingToken ?? 0);
    for (const [jobId, fencingToken] of claimed) {
      if (live.get(jobId) === fencingToken) continue;
      this.#links.revokeLease(provider, jobId as JobId, fencingToken, "The lease is not live any more.");
    }
  }

  /** The provider stayed away too long: its leases go to others now instead of at their deadlines. */
  async vanished(provider: Address): Promise<void> {
    for (const job of await this.#jobs.liveOf(provider)) {
      const lease = liveLease(job);
      if (lease === undefined || lease.provider !== provider || lease.state === "computed") continue;
      const failure = {
        code: "provider-vanished",
        message: "The provider's link broke and did not come back.",
      };
      await this.#change(job.jobId, (stored) => desert(stored, lease.fencingToken, failure));
    }
  }

  async #change(
    jobId: JobId,
    work: (job: Job) =>
      | Job
      | {
          readonly job: Job;
          readonly fault: { provider: Address; fencingToken: number; reason: string } | undefined;
        },
  ): Promise<void> {
    const changed = await this.#jobs.change(jobId, (job) => {
      const result = work(job);
      if (!("fault" in result)) return { job: result };
      return result.fault === undefined ? { job: result.job } : { job: result.job, fault: result.fault };
    });
    if (changed === undefined) throw jobNotFound(jobId);
  }
}

/** True when the error says that the provider's work on a lease is void. */
export function isVoidLease(error: unknown): boolean {
  return (
    isCodedError(error) && (error.code === fencingTokenStale("", 0).code || error.code === "lease-expired")
  );
}
