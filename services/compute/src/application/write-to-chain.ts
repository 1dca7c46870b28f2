import type { Clock } from "@aios/kernel/clock";
import { isCodedError } from "@aios/kernel/coded-error";
import { crashPoint } from "@aios/service-kit/crash-point";
import { fundingRefusal } from "../domain/funding-refusal.js";
import type { ChainStep, Job, JobError, StepAttempt } from "../domain/job.js";
import { endAttempt, withAttempt } from "../domain/job-transitions.js";
import type { ChainWriter, JobStore, TransactionOutcome } from "../domain/ports.js";
import { metrics } from "../metrics.js";

/** An event that should have told of a transaction's end is asked for after this long. */
const ASK_AFTER_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;

/** The states in which a step's transaction is still waited for. */
const WAITED_FOR_IN: Readonly<Record<ChainStep, readonly Job["state"][]>> = {
  open: ["funding"],
  lease: ["funded"],
  deliver: ["leased"],
  release: ["leased"],
  refute: ["delivered", "pending"],
  settle: ["delivered"],
  accept: ["delivered", "pending"],
  finish: ["pending"],
  refund: ["funded", "leased", "delivered"],
};

/** Same job, step, lease and attempt: same transaction, however often it is asked for. */
export function idempotencyKey(job: Job, step: ChainStep, fencingToken: number, attempt: number): string {
  return `job:${job.jobId}:${step}:${fencingToken}:${attempt}`;
}

/** Reads what `idempotencyKey` wrote; undefined for keys of others. */
export function parseIdempotencyKey(key: string):
  | {
      readonly jobId: string;
      readonly step: ChainStep;
      readonly fencingToken: number;
      readonly attempt: number;
    }
  | undefined {
  const match =
    /^job:(0x[0-9a-f]{64}):(open|lease|deliver|release|refute|settle|accept|finish|refund):([0-9]{1,9}):([0-9]{1,9})$/.exec(
      key,
    );
  if (match === null) return undefined;
  return {
    jobId: match[1] ?? "",
    step: match[2] as ChainStep,
    fencingToken: Number(match[3]),
    attempt: Number(match[4]),
  };
}

/** Hands a job's step to the relayer and keeps track of how it ended. */
export class WriteToChain {
  readonly #jobs: JobStore;
  readonly #chain: ChainWriter;
  readonly #clock: Clock;

  constructor(jobs: JobStore, chain: ChainWriter, clock: Clock) {
    this.#jobs = jobs;
    this.#chain = chain;
    this.#clock = clock;
  }

  /** The stored state asks for it; the relayer knows the key: a crash on either side of the call repeats it safely. */
  async submit(job: Job, step: ChainStep, fencingToken: number, attempt: number): Promise<void> {
    const key = idempotencyKey(job, step, fencingToken, attempt);
    crashPoint(`compute.${step}.before-submit`);
    let outcome: TransactionOutcome;
    try {
      outcome = await this.#chain.submit(job, step, fencingToken, key);
    } catch (error) {
      if (!isCodedError(error) || error.errorClass !== "user" || error.kind === "rate-limited") throw error;
      outcome = {
        transactionId: "",
        state: "failed",
        transactionHash: "",
        error: refusal(error.code, error.message, error.details),
      };
    }
    crashPoint(`compute.${step}.after-submit`);
    metrics.chainWrites.add(1, { step, outcome: outcome.state });
    const submitted: StepAttempt = {
      step,
      fencingToken,
      attempt,
      state: "submitted",
      transactionId: outcome.transactionId,
      checkAtMs: this.#clock.now() + ASK_AFTER_MS,
      error: undefined,
    };
    await this.#jobs.change(job.jobId, (stored) => {
      const known = stored.attempts.find(
        (other) => other.step === step && other.fencingToken === fencingToken,
      );
      if (known !== undefined && known.attempt >= attempt) return undefined;
      return { job: this.#ended(withAttempt(stored, submitted), step, fencingToken, attempt, outcome) };
    });
  }

  /** No word of the transaction for a while: asks the relayer. */
  async check(job: Job, attempt: StepAttempt): Promise<void> {
    const outcome =
      attempt.transactionId === ""
        ? await this.#chain.submit(
            job,
            attempt.step,
            attempt.fencingToken,
            idempotencyKey(job, attempt.step, attempt.fencingToken, attempt.attempt),
          )
        : await this.#chain.outcome(attempt.transactionId);
    await this.#jobs.change(job.jobId, (stored) => {
      const next = this.#ended(stored, attempt.step, attempt.fencingToken, attempt.attempt, outcome);
      if (next !== stored) return { job: next };
      return {
        job: withAttempt(stored, {
          ...attempt,
          transactionId: outcome.transactionId,
          checkAtMs: this.#clock.now() + ASK_AFTER_MS,
        }),
      };
    });
  }

  /**
   * A transaction ended, as the relayer's event says. Of one that succeeded the escrow's own event told earlier, and
   * the job has gone on: then there is nothing to note.
   */
  async ended(key: string, error: JobError | undefined): Promise<Job | undefined> {
    const named = parseIdempotencyKey(key);
    if (named === undefined) return undefined;
    const { attempt } = named;
    if (error === undefined) {
      const job = await this.#jobs.find(named.jobId as Job["jobId"]);
      if (job === undefined || !WAITED_FOR_IN[named.step].includes(job.state)) return job;
    }
    return this.#jobs.change(named.jobId as Job["jobId"], (stored) => ({
      job: endAttempt(stored, named, explained(named.step, error), this.#checkAgainAt(attempt, error)),
    }));
  }

  #ended(job: Job, step: ChainStep, fencingToken: number, attempt: number, outcome: TransactionOutcome): Job {
    if (outcome.state === "running") return job;
    const error =
      outcome.state === "failed"
        ? (outcome.error ?? refusal("reverted", "The chain refused it.", {}))
        : undefined;
    const ended = { step, fencingToken, attempt };
    return endAttempt(job, ended, explained(step, error), this.#checkAgainAt(attempt, error));
  }

  #checkAgainAt(attempt: number, error: JobError | undefined): number {
    const delayMs =
      error === undefined
        ? LONGEST_RETRY_MS
        : Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 10));
    return this.#clock.now() + delayMs;
  }
}

/** The buyer is told why the escrow did not open; the other steps are this service's own business. */
function explained(step: ChainStep, error: JobError | undefined): JobError | undefined {
  return error === undefined || step !== "open" ? error : fundingRefusal(error);
}

function refusal(code: string, message: string, details: Readonly<Record<string, unknown>>): JobError {
  return { code, message, detailsJson: JSON.stringify(details) };
}
