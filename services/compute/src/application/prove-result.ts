import type { Clock } from "@aios/kernel/clock";
import { isCodedError } from "@aios/kernel/coded-error";
import { crashPoint } from "@aios/service-kit/crash-point";
import { toBeHex } from "ethers";
import { claimedOutput } from "../domain/counted-output.js";
import { type Job, type JobError, liveLease, type ProofProgress } from "../domain/job.js";
import { failLease, NO_PROOF, WRONG_OUTPUT, withProof } from "../domain/job-transitions.js";
import type { JobChange, JobStore, ProofOutcome, Prover } from "../domain/ports.js";
import { metrics } from "../metrics.js";

/** A proof that should have been told of is asked for after this long. */
const ASK_AFTER_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** A proof that failed so often is not asked for again: the buyer gets the money back once the time to settle is over. */
const MAX_ATTEMPTS = 5;
/** What the prover says when its own evaluation gives another output than the provider's. */
const WRONG_OUTPUT_CODES: ReadonlySet<string> = new Set([
  WRONG_OUTPUT,
  "output-mismatch",
  "oracle-disagrees",
]);

/** Has the provider's output proven, and takes the lease away when the prover finds it wrong. */
export class ProveResult {
  readonly #jobs: Pick<JobStore, "change">;
  readonly #prover: Pick<Prover, "request">;
  readonly #clock: Clock;

  constructor(jobs: Pick<JobStore, "change">, prover: Pick<Prover, "request">, clock: Clock) {
    this.#jobs = jobs;
    this.#prover = prover;
    this.#clock = clock;
  }

  /** Noted first, so that the prover's word finds the note however fast it comes. */
  async request(job: Job, fencingToken: number, attempt: number): Promise<void> {
    const nowMs = this.#clock.now();
    const requested = { fencingToken, attempt, state: "requested" as const, checkAtMs: nowMs + ASK_AFTER_MS };
    const noted = await this.#jobs.change(job.jobId, (stored) => ({
      job: withProof(
        stored,
        { ...NO_PROOF, ...requested, refutingOutput: refutingOutput(stored, fencingToken) },
        nowMs,
      ),
    }));
    crashPoint("compute.proof.before-request");
    if (noted !== undefined) await this.check(noted, fencingToken);
    crashPoint("compute.proof.after-request");
  }

  /** Asks by requesting again: the same request is the same proof, and the answer is about this output, no earlier one. */
  async check(job: Job, fencingToken: number): Promise<void> {
    const { proof } = job;
    if (
      liveLease(job)?.fencingToken !== fencingToken ||
      proof.fencingToken !== fencingToken ||
      proof.state !== "requested"
    )
      return;
    let outcome: ProofOutcome;
    try {
      outcome = await this.#prover.request(job);
    } catch (error) {
      if (!isCodedError(error) || error.errorClass !== "user") throw error;
      outcome = {
        state: "failed",
        evidence: "",
        evidenceCid: "",
        error: { code: error.code, message: error.message, detailsJson: JSON.stringify(error.details) },
      };
    }
    await this.#store(job, fencingToken, proof.attempt, outcome);
  }

  /** The prover said that it is done; what came of it is asked, not taken from the event. */
  async ended(job: Job): Promise<void> {
    await this.check(job, job.proof.fencingToken);
  }

  async #store(job: Job, fencingToken: number, attempt: number, outcome: ProofOutcome): Promise<void> {
    await this.#jobs.change(job.jobId, (stored) => {
      // Another output may count by now; about that one nothing was said.
      if (claimedOutput(stored) !== claimedOutput(job)) return undefined;
      return this.#change(stored, fencingToken, attempt, outcome);
    });
    if (outcome.state !== "running") metrics.proofs.add(1, { outcome: outcome.error?.code ?? "proven" });
  }

  #change(job: Job, fencingToken: number, attempt: number, outcome: ProofOutcome): JobChange {
    const nowMs = this.#clock.now();
    const base = { ...NO_PROOF, fencingToken, attempt, refutingOutput: refutingOutput(job, fencingToken) };
    if (outcome.state === "proven") {
      const { evidence, evidenceCid } = outcome;
      return {
        job: withProof(job, { ...base, state: "proven", checkAtMs: 0, evidence, evidenceCid }, nowMs),
      };
    }
    if (outcome.state === "running") {
      const checkAtMs = nowMs + ASK_AFTER_MS;
      return { job: withProof(job, { ...base, state: "requested", checkAtMs, heldByProver: true }, nowMs) };
    }
    const error = outcome.error ?? {
      code: "proof-failed",
      message: "The proof could not be made.",
      detailsJson: "{}",
    };
    return this.#failed(job, { ...base, state: "failed", checkAtMs: 0, error }, error, nowMs);
  }

  #failed(job: Job, proof: ProofProgress, error: JobError, nowMs: number): JobChange {
    const lease = liveLease(job);
    if (!WRONG_OUTPUT_CODES.has(error.code) || lease?.fencingToken !== proof.fencingToken) {
      if (proof.attempt >= MAX_ATTEMPTS) return { job: withProof(job, proof, nowMs) };
      const pauseMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(proof.attempt - 1, 10));
      return { job: withProof(job, { ...proof, state: "none", checkAtMs: nowMs + pauseMs }, nowMs) };
    }
    const failure = {
      code: WRONG_OUTPUT,
      message: "The prover's evaluation of the committed model gives another output.",
    };
    const refuted = { ...proof, refutingOutput: computedOutput(error) };
    return {
      job: failLease(withProof(job, refuted, nowMs), proof.fencingToken, failure),
      fault: { provider: lease.provider, fencingToken: lease.fencingToken, reason: failure.code },
    };
  }
}

/** What is proven against the lease's output; it belongs to that lease alone. */
function refutingOutput(job: Job, fencingToken: number): string | undefined {
  return job.proof.fencingToken === fencingToken ? job.proof.refutingOutput : undefined;
}

/** The prover's own output, as its error says it in decimal; undefined when it says none that fits 32 bytes. */
function computedOutput({ detailsJson }: JobError): string | undefined {
  const { computed } = JSON.parse(detailsJson) as { readonly computed?: unknown };
  if (typeof computed !== "string" || !/^[0-9]{1,77}$/.test(computed)) return undefined;
  return toBeHex(BigInt(computed), 32);
}
