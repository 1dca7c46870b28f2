import type { WorkKind } from "@aios/core-scheduler/placement-model";
import type { Clock } from "@aios/kernel/clock";
import type { JobId } from "@aios/kernel/identifiers";
import { actingFor } from "@aios/service-kit/caller-context";
import { crashPoint } from "@aios/service-kit/crash-point";
import { codedErrorOf } from "@aios/service-kit/database-outage";
import type { Logger } from "@aios/service-kit/logger";
import { inSpan } from "@aios/service-kit/tracing";
import { type Job, keptReplica, liveLease } from "../domain/job.js";
import { askToSignAgain, dropReplica, endOffer, fail, startReplica } from "../domain/job-transitions.js";
import { type NextStep, nextStep, type StepPolicy } from "../domain/next-step.js";
import type { JobStore, ProviderLinks } from "../domain/ports.js";
import { metrics } from "../metrics.js";
import type { DrawSample } from "./draw-sample.js";
import { KeyedRunner } from "./keyed-runner.js";
import type { PlaceJobOnProvider, PlacementOutcome } from "./place-job-on-provider.js";
import type { ProveResult } from "./prove-result.js";
import type { WriteToChain } from "./write-to-chain.js";

/** More steps in a row than this mean a loop; the job is then left to its timer. */
const MAX_STEPS_IN_A_ROW = 25;
/** About as many as there are database connections: more would only wait for each other. */
const MAX_JOBS_AT_ONCE = 8;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 10_000;
const WAITING_AT_ONCE = 32;
const MAX_REMEMBERED_FAILURES = 10_000;

export interface JobSteps {
  readonly chain: WriteToChain;
  readonly placement: PlaceJobOnProvider;
  readonly proof: ProveResult;
  readonly draw: DrawSample;
}

/**
 * Moves jobs: asks the stored state what comes next and does it, until only time or others can move the job. Holds
 * nothing that a crash could lose; whoever runs next asks the same state and gets the same answer.
 */
export class JobEngine {
  readonly #jobs: JobStore;
  readonly #steps: JobSteps;
  readonly #links: ProviderLinks;
  readonly #clock: Clock;
  readonly #policy: StepPolicy;
  readonly #logger: Logger;
  readonly #runner: KeyedRunner<JobId>;
  readonly #waiting: KeyedRunner<"all">;
  readonly #failures = new Map<JobId, number>();

  constructor(
    jobs: JobStore,
    steps: JobSteps,
    links: ProviderLinks,
    clock: Clock,
    policy: StepPolicy,
    logger: Logger,
  ) {
    this.#jobs = jobs;
    this.#steps = steps;
    this.#links = links;
    this.#clock = clock;
    this.#policy = policy;
    this.#logger = logger;
    this.#runner = new KeyedRunner(MAX_JOBS_AT_ONCE, (jobId) => this.#advance(jobId));
    this.#waiting = new KeyedRunner(1, () => this.#placeWaiting());
  }

  /** Jobs that are being moved or wait to be. */
  get busy(): number {
    return this.#runner.size;
  }

  /** Looks at the job soon; asking often costs nothing. */
  advance(jobId: JobId): void {
    this.#runner.run(jobId);
  }

  /** A provider became free or came online: jobs that wait for one are looked at, oldest first. */
  placeWaiting(): void {
    this.#waiting.run("all");
  }

  /** Oldest first, until all providers are busy: one that became free costs one placement, however many jobs wait. */
  async #placeWaiting(): Promise<void> {
    try {
      const full = new Set<WorkKind>();
      for (const { jobId, kind } of await this.#jobs.waiting(WAITING_AT_ONCE)) {
        if (!full.has(kind) && (await this.#placeOne(jobId)) === "full") full.add(kind);
      }
    } catch (error) {
      this.#logger.warn({ error }, "waiting jobs could not be looked at; their own timers remain");
    }
  }

  async #placeOne(jobId: JobId): Promise<PlacementOutcome> {
    const job = await this.#jobs.find(jobId);
    if (job === undefined || job.state !== "funded" || liveLease(job) !== undefined) return "moot";
    return this.#inTraceOf(job, { kind: "place" }, () => this.#steps.placement.execute(jobId));
  }

  async close(): Promise<void> {
    await this.#waiting.close();
    await this.#runner.close();
  }

  async #advance(jobId: JobId): Promise<void> {
    try {
      for (let count = 0; count < MAX_STEPS_IN_A_ROW; count++) {
        const job = await this.#jobs.find(jobId);
        if (job === undefined) return;
        const next = nextStep(job, this.#clock.now(), this.#policy);
        if (next.kind === "wait") {
          this.#failures.delete(jobId);
          return;
        }
        await this.#inTraceOf(job, next, () => this.#perform(job, next));
      }
      this.#logger.warn({ jobId }, "a job took many steps in a row; it goes on after a pause");
      await this.#jobs.postpone(jobId, this.#clock.now() + LONGEST_RETRY_MS);
    } catch (error) {
      await this.#retryLater(jobId, error);
    }
  }

  #inTraceOf<T>(job: Job, next: NextStep, work: () => Promise<T>): Promise<T> {
    const name = next.kind === "submit" ? `${next.kind} ${next.step}` : next.kind;
    const parent = job.traceparent === "" ? {} : { parent: { traceparent: job.traceparent } };
    return inSpan(`job ${name}`, { attributes: { "aios.job.id": job.jobId }, ...parent }, () =>
      actingFor({ account: job.buyer, tenant: job.tenant }, work),
    );
  }

  async #perform(job: Job, next: Exclude<NextStep, { kind: "wait" }>): Promise<void> {
    switch (next.kind) {
      case "submit":
        return this.#steps.chain.submit(job, next.step, next.fencingToken, next.attempt);
      case "check-transaction":
        return this.#steps.chain.check(job, next.attempt);
      case "place":
        await this.#steps.placement.execute(job.jobId);
        return;
      case "request-proof":
        return this.#steps.proof.request(job, next.fencingToken, next.attempt);
      case "check-proof":
        return this.#steps.proof.check(job, next.fencingToken);
      case "start-replica":
        return this.#startReplica(job, next.fencingToken);
      case "drop-replica":
        return this.#dropReplica(job);
      case "draw":
        return this.#steps.draw.execute(job);
      case "end-offer":
        return this.#endOffer(job, next.fencingToken, next.because);
      case "ask-to-sign-again":
        metrics.permitsOvertaken.add(1);
        await this.#jobs.change(job.jobId, (stored) => ({
          job: askToSignAgain(stored, next.error, this.#clock.now()),
        }));
        return;
      case "fail":
        metrics.jobsEnded.add(1, { state: "failed", kind: job.kind });
        await this.#jobs.change(job.jobId, (stored) => ({
          job: fail(stored, next.error, this.#clock.now()),
        }));
    }
  }

  async #startReplica(job: Job, fencingToken: number): Promise<void> {
    const started = await this.#jobs.change(job.jobId, (stored) => ({
      job: startReplica(stored, fencingToken, this.#clock.now()),
    }));
    crashPoint("compute.replica.after-start");
    if (started !== undefined) this.#links.grantLease(started);
  }

  async #dropReplica(job: Job): Promise<void> {
    await this.#jobs.change(job.jobId, (stored) => {
      const replica = keptReplica(stored);
      if (replica === undefined) return undefined;
      const { provider, fencingToken } = replica;
      return {
        job: dropReplica(stored, this.#clock.now()),
        fault: { provider, fencingToken, reason: "wrong-output" },
      };
    });
    metrics.leasesEnded.add(1, { because: "replica-refuted" });
  }

  async #endOffer(job: Job, fencingToken: number, because: string): Promise<void> {
    const lease = job.leases.find((candidate) => candidate.fencingToken === fencingToken);
    await this.#jobs.change(job.jobId, (stored) => ({ job: endOffer(stored, fencingToken, because) }));
    metrics.leasesEnded.add(1, { because });
    if (lease !== undefined) this.#links.revokeLease(lease.provider, job.jobId, fencingToken, because);
    this.placeWaiting();
  }

  /** A peer that is down delays the job, it never ends it. */
  async #retryLater(jobId: JobId, error: unknown): Promise<void> {
    const failures = (this.#failures.get(jobId) ?? 0) + 1;
    if (this.#failures.size < MAX_REMEMBERED_FAILURES) this.#failures.set(jobId, failures);
    const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10));
    const coded = codedErrorOf(error);
    const level = coded.errorClass === "bug" ? "error" : "warn";
    this.#logger[level]({ error, jobId, retryInMs: delayMs }, "a job's step could not be done yet");
    metrics.stepRetries.add(1, { code: coded.code });
    try {
      await this.#jobs.postpone(jobId, this.#clock.now() + delayMs);
    } catch (failure) {
      this.#logger.warn(
        { error: failure, jobId },
        "the retry could not be stored; the job's own timer remains",
      );
    }
  }
}
