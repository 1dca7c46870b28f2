import { drawNote } from "@aios/core-settlement/sample-draw";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { contradictsDelivery } from "./counted-output.js";
import { fencingTokenStale, leaseNotOffered } from "./errors.js";
import {
  attemptOf,
  type ChainPosition,
  isTerminalJob,
  type Job,
  type JobError,
  type JobProgress,
  type JobStepRecord,
  keptReplica,
  type Lease,
  type LeaseFailure,
  type LeaseResult,
  type LeaseRole,
  type LeaseTerms,
  liveLease,
  nextFencingToken,
  type PermitTerms,
  type ProofProgress,
  REPLICA_KEPT,
  type SampleDraw,
  type StepAttempt,
} from "./job.js";

/** Why a lease fails whose output the prover finds wrong. */
export const WRONG_OUTPUT = "wrong-output";
/** Steps and leases are bounded so that a job that keeps failing cannot grow without end. */
const MAX_STEPS = 200;

export const NO_PROOF: ProofProgress = {
  state: "none",
  fencingToken: 0,
  attempt: 0,
  checkAtMs: 0,
  heldByProver: false,
  evidence: "",
  evidenceCid: "",
  error: undefined,
  refutingOutput: undefined,
};

/** What the indexer saw happen to the job's escrow. */
export interface EscrowFact {
  readonly state: "funded" | "leased" | "delivered" | "pending" | "settled" | "refunded";
  readonly fencingToken: number;
  readonly transactionHash: string;
  readonly gasUsed: number;
  readonly position: ChainPosition;
  readonly chainTimeMs: number;
  readonly pendingUntilMs: number;
  /** As delivered, 0x and 64 hex digits each; empty before a delivery. */
  readonly output: string;
  readonly outputHash: string;
  /** When this service heard of it. Chain time has whole seconds only and decides deadlines; this is for people. */
  readonly seenAtMs: number;
}

/** The buyer's signatures arrived. Only a prepared job takes them; later calls change nothing. */
export function sign(job: Job, orderSignature: string, permitSignature: string, atMs: number): Job {
  if (job.state !== "prepared") return job;
  const next: Job = { ...job, state: "funding", orderSignature, permitSignature, error: undefined };
  return withStep(next, { name: "signed", atMs });
}

/**
 * The chain refused the signed permit because another one was used first. No money moved and the order stands: the job
 * waits for the buyer's signature again, until the order expires.
 */
export function askToSignAgain(job: Job, error: JobError, atMs: number): Job {
  const open = attemptOf(job, "open", 0);
  if (job.state !== "funding" || open === undefined) return job;
  const next: Job = { ...job, state: "prepared", orderSignature: "", permitSignature: "", error };
  return withStep(withAttempt(next, { ...open, state: "void" }), { name: "permit-overtaken", atMs });
}

/** The permit that the buyer is asked for, as long as nothing is signed. All other terms stay. */
export function renewPermit(job: Job, permit: PermitTerms | undefined): Job {
  return job.state === "prepared" ? { ...job, terms: { ...job.terms, permit } } : job;
}

/** Before any money moved: the job ends without a trace on chain. */
export function fail(job: Job, error: JobError, atMs: number): Job {
  if (job.state !== "prepared" && job.state !== "funding") return job;
  return withStep({ ...job, state: "failed", error }, { name: "failed", atMs, note: error.code });
}

/** A new offer under the next fencing token. Throws `lease-not-offered` unless funded and without a live lease. */
export function offer(
  job: Job,
  offered: Pick<Lease, "provider" | "terms" | "offerExpiresAtMs"> & { readonly role?: LeaseRole },
  atMs: number,
): Job {
  if (job.state !== "funded" || liveLease(job) !== undefined) throw leaseNotOffered(job.jobId, job.state);
  const fencingToken = nextFencingToken(job);
  const lease: Lease = {
    ...offered,
    role: offered.role ?? "lease",
    fencingToken,
    state: "offered",
    signature: "",
    offeredAtMs: atMs,
    leasedAtMs: 0,
    deliverByMs: 0,
    leaseTransactionHash: "",
    result: undefined,
    failure: undefined,
    endedBecause: "",
  };
  const next = {
    ...job,
    leases: [...job.leases, lease],
    proof: NO_PROOF,
    progress: undefined,
    placementRounds: 0,
  };
  const name = offered.role === "replica" ? "replica-matched" : "matched";
  return withStep(next, { name, atMs, note: `${offered.provider} under token ${fencingToken}` });
}

/** The provider signed the terms. Repeating the answer changes nothing. Throws `stale-fencing-token`. */
export function agree(job: Job, fencingToken: number, signature: string): Job {
  const lease = requireLive(job, fencingToken);
  if (lease.state !== "offered") return job;
  return withLease(job, { ...lease, state: "agreed", signature });
}

/** The offer came to nothing before it reached the chain. */
export function endOffer(job: Job, fencingToken: number, because: string): Job {
  const lease = liveLease(job);
  if (lease?.fencingToken !== fencingToken) return job;
  // Nothing of a replica is on chain, so it can end at any time.
  const isOffChain = lease.state === "offered" || lease.state === "agreed" || lease.role === "replica";
  if (!isOffChain) return job;
  return withLease(job, { ...lease, state: "ended", endedBecause: because });
}

/**
 * The provider gave up, or its result was refused or is wrong; the chain has to take the lease back. What is delivered on
 * chain only a wrong output takes back.
 */
export function failLease(job: Job, fencingToken: number, failure: LeaseFailure): Job {
  const lease = liveLease(job);
  if (lease?.fencingToken !== fencingToken || lease.failure !== undefined) return job;
  if (isDelivered(job) && failure.code !== WRONG_OUTPUT) return job;
  if (lease.state === "offered" || lease.state === "agreed" || lease.role === "replica")
    return endOffer(job, fencingToken, failure.code);
  return withLease(job, { ...lease, failure });
}

/** The second provider agreed: it may start at once, since nothing of a replica goes on chain before its result does. */
export function startReplica(job: Job, fencingToken: number, atMs: number): Job {
  const lease = liveLease(job);
  if (lease?.fencingToken !== fencingToken || lease.role !== "replica" || lease.state !== "agreed")
    return job;
  const deliverByMs = atMs + Number(job.terms.order.deliverWithinSeconds) * 1_000;
  return withLease(job, { ...lease, state: "leased", leasedAtMs: atMs, deliverByMs });
}

/**
 * The prover found the lease's output right, so the replica's was wrong: it no longer counts. A lease that is not
 * delivered yet names its provider to be paid, and goes back to be made anew.
 */
export function dropReplica(job: Job, atMs: number): Job {
  const replica = keptReplica(job);
  if (replica === undefined) return job;
  const dropped = withLease(job, { ...replica, endedBecause: "wrong-output" });
  const step = { name: "replica-refuted", atMs, note: replica.provider };
  const lease = liveLease(job);
  if (job.state !== "leased" || lease === undefined) return withStep(dropped, step);
  const failure = { code: "replica-refuted", message: "The second provider's output was wrong." };
  return withStep(failLease(dropped, lease.fencingToken, failure), step);
}

/** Whether a sampled delivery was drawn; the first draw counts. */
export function withDraw(job: Job, draw: SampleDraw, atMs: number): Job {
  if (!isDelivered(job) || job.draw !== undefined) return job;
  const { secret, blockHash } = draw;
  const because = contradictsDelivery(job, liveLease(job))
    ? "its provider handed over another output"
    : "no secret was left that nobody knew";
  const note =
    secret === ""
      ? `always: ${because}`
      : drawNote({ secret, blockHash, shareBps: job.terms.sampleShareBps });
  return withStep({ ...job, draw }, { name: draw.drawn ? "drawn" : "not-drawn", atMs, note });
}

/**
 * The provider is gone. Unlike `failLease` it keeps agreed terms: they may be on their way to the chain, and are taken
 * back from there as soon as they have arrived.
 */
export function desert(job: Job, fencingToken: number, failure: LeaseFailure): Job {
  const lease = liveLease(job);
  if (lease?.fencingToken !== fencingToken || lease.state !== "agreed")
    return failLease(job, fencingToken, failure);
  return lease.failure === undefined ? withLease(job, { ...lease, failure }) : job;
}

/** The checked result is kept. The first one counts; the same again changes nothing. Throws `stale-fencing-token`. */
export function complete(job: Job, fencingToken: number, result: LeaseResult, atMs: number): Job {
  const lease = requireLive(job, fencingToken);
  if (lease.state === "computed") return job;
  if (lease.state !== "leased" || lease.failure !== undefined)
    throw fencingTokenStale(job.jobId, fencingToken);
  if (lease.role === "replica") {
    const kept: Lease = { ...lease, state: "ended", endedBecause: REPLICA_KEPT, result };
    return withStep(withLease({ ...job, progress: undefined }, kept), { name: "replicated", atMs });
  }
  const next = withLease({ ...job, progress: undefined }, { ...lease, state: "computed", result });
  return withStep(next, { name: "computed", atMs });
}

export function reportProgress(job: Job, fencingToken: number, progress: JobProgress): Job {
  const lease = liveLease(job);
  if (lease?.fencingToken !== fencingToken || lease.state !== "leased") return job;
  return { ...job, progress };
}

export function accept(job: Job, signature: string, atMs: number): Job {
  if ((job.state !== "delivered" && job.state !== "pending") || job.acceptanceSignature !== "") return job;
  return withStep({ ...job, acceptanceSignature: signature }, { name: "accepted", atMs });
}

/** What became of the proof of the live lease's output. What is known about an attempt is not unlearnt. */
export function withProof(job: Job, proof: ProofProgress, atMs: number): Job {
  const { fencingToken, attempt, state } = job.proof;
  if (liveLease(job)?.fencingToken !== proof.fencingToken || state === "proven") return job;
  const known =
    fencingToken === proof.fencingToken &&
    (attempt > proof.attempt || (attempt === proof.attempt && state !== "requested"));
  if (known) return job;
  if (proof.state === "failed") {
    const failed = { ...job, proof, error: proof.error };
    if (proof.refutingOutput !== undefined) return failed;
    return withStep(failed, { name: "unproven", atMs, note: proof.error?.code ?? "" });
  }
  const next = { ...job, proof };
  if (proof.state !== "proven") return next;
  return withStep(next, { name: proof.refutingOutput === undefined ? "proven" : "disproven", atMs });
}

/** Notes an attempt at a chain write; attempts of the same step and token replace each other. */
export function withAttempt(job: Job, attempt: StepAttempt): Job {
  const others = job.attempts.filter(
    (other) => other.step !== attempt.step || other.fencingToken !== attempt.fencingToken,
  );
  return { ...job, attempts: [...others, attempt] };
}

export function postponePlacement(job: Job, untilMs: number): Job {
  return { ...job, placeAtMs: untilMs, placementRounds: job.placementRounds + 1 };
}

/**
 * A chain write ended; the word of it may come before the note that it was handed over. Which transaction it was does
 * not matter here: states follow from escrow facts.
 */
export function endAttempt(
  job: Job,
  ended: Pick<StepAttempt, "step" | "fencingToken" | "attempt">,
  error: JobError | undefined,
  checkAtMs: number,
): Job {
  const known = attemptOf(job, ended.step, ended.fencingToken);
  const newer = known === undefined || known.attempt < ended.attempt;
  if (!newer && (known.attempt !== ended.attempt || known.state !== "submitted")) return job;
  const { step, fencingToken, attempt } = ended;
  const state = error === undefined ? "succeeded" : "failed";
  const transactionId = newer ? "" : known.transactionId;
  return withAttempt(job, { step, fencingToken, attempt, transactionId, state, error, checkAtMs });
}

/**
 * Follows the escrow. Facts that are not newer than the last one change nothing, so duplicates and late deliveries
 * of the same history always end in the same job.
 */
export function applyEscrowFact(job: Job, fact: EscrowFact): Job {
  if (!isNewer(fact.position, job.chainPosition)) return job;
  if (isTerminalJob(job) && job.state !== "failed") return job;
  const moved: Job = { ...job, chainPosition: fact.position };
  const step = { atMs: fact.seenAtMs, transactionHash: fact.transactionHash, gasUsed: fact.gasUsed };
  switch (fact.state) {
    case "funded":
      return funded(moved, step);
    case "leased":
      return leased(moved, fact, step);
    case "delivered":
      return withStep(delivered(moved, fact), { name: "delivered", ...step });
    case "pending":
      return withStep(
        { ...moved, state: "pending", pendingUntilMs: fact.pendingUntilMs },
        { name: "pending", ...step },
      );
    case "settled":
      return withStep(
        {
          ...endLive(moved, "settled"),
          state: "settled",
          settlementTransactionHash: fact.transactionHash,
          progress: undefined,
        },
        { name: "settled", ...step },
      );
    case "refunded":
      return withStep(
        { ...endLive(moved, "refunded"), state: "refunded", progress: undefined },
        { name: "refunded", ...step },
      );
  }
}

type StepFacts = Pick<JobStepRecord, "atMs" | "transactionHash" | "gasUsed">;

/** First funding, or a released lease: the token stays burned and the job waits for another provider. */
function funded(job: Job, step: StepFacts): Job {
  const lease = liveLease(job);
  const released = job.state === "leased" || job.state === "delivered" || job.state === "pending";
  if (!released) return withStep({ ...job, state: "funded", error: undefined }, { name: "funded", ...step });
  const because = lease?.failure?.code ?? "expired";
  const next: Job = {
    ...endLive(job, because),
    state: "funded",
    proof: NO_PROOF,
    // It was for the delivery under this lease.
    acceptanceSignature: "",
    held: undefined,
    draw: undefined,
    drawSecret: job.draw === undefined ? job.drawSecret : "",
    progress: undefined,
    placeAtMs: 0,
  };
  return withStep(next, { name: "released", ...step, note: because });
}

function leased(job: Job, fact: EscrowFact, step: StepFacts): Job {
  const lease = job.leases.find((candidate) => candidate.fencingToken === fact.fencingToken);
  if (lease === undefined) return { ...job, state: "leased" };
  const deliverByMs = fact.chainTimeMs + Number(job.terms.order.deliverWithinSeconds) * 1_000;
  // A later offer cannot be live: offers are made only while the escrow is funded and without a lease.
  const revived: Lease = {
    ...lease,
    state: lease.state === "computed" ? "computed" : "leased",
    leasedAtMs: fact.chainTimeMs,
    deliverByMs,
    leaseTransactionHash: fact.transactionHash,
    endedBecause: "",
  };
  const others = endLiveExcept(job, fact.fencingToken);
  return withStep(withLease({ ...others, state: "leased" }, revived), { name: "leased", ...step });
}

/** What the escrow holds counts from now on: what was found about another output says nothing about it. */
function delivered(job: Job, fact: EscrowFact): Job {
  const lease = liveLease(job);
  const output = fact.output || (lease?.result?.output ?? "");
  const outputHash = fact.outputHash || (lease?.result?.delivery.outputHash ?? "");
  const held = { output, outputHash, blockNumber: fact.position.blockNumber };
  const next: Job = { ...job, state: "delivered", deliveredAtMs: fact.chainTimeMs, held };
  if (lease === undefined) return next;
  const isKnown = lease.result !== undefined && !contradictsDelivery(next, lease);
  if (isKnown && (lease.failure === undefined || lease.failure.code === WRONG_OUTPUT)) return next;
  const unfailed = withLease(next, { ...lease, failure: undefined });
  return isKnown ? unfailed : { ...unfailed, proof: NO_PROOF };
}

/** Whether the escrow holds a delivery whose challenge is not over. */
function isDelivered({ state }: Job): boolean {
  return state === "delivered" || state === "pending";
}

function endLive(job: Job, because: string): Job {
  return {
    ...job,
    leases: job.leases.map((lease) =>
      lease.state === "ended" ? lease : { ...lease, state: "ended" as const, endedBecause: because },
    ),
  };
}

function endLiveExcept(job: Job, fencingToken: number): Job {
  return {
    ...job,
    leases: job.leases.map((lease) =>
      lease.state === "ended" || lease.fencingToken === fencingToken
        ? lease
        : { ...lease, state: "ended" as const, endedBecause: "superseded" },
    ),
  };
}

function requireLive(job: Job, fencingToken: number): Lease {
  const lease = liveLease(job);
  if (lease?.fencingToken !== fencingToken) throw fencingTokenStale(job.jobId, fencingToken);
  return lease;
}

function withLease(job: Job, lease: Lease): Job {
  return {
    ...job,
    leases: job.leases.map((other) => (other.fencingToken === lease.fencingToken ? lease : other)),
  };
}

function withStep(
  job: Job,
  step: Partial<JobStepRecord> & { readonly name: string; readonly atMs: number },
): Job {
  if (job.steps.length >= MAX_STEPS) return job;
  return { ...job, steps: [...job.steps, { transactionHash: "", gasUsed: 0, note: "", ...step }] };
}

function isNewer(a: ChainPosition, b: ChainPosition): boolean {
  return a.blockNumber > b.blockNumber || (a.blockNumber === b.blockNumber && a.logIndex > b.logIndex);
}

export const ZERO_BYTES32 = `0x${"00".repeat(32)}` as Bytes32;
/**
 * The terms that a lease under this token would have; the provider signs exactly these. A replicated job's lease names the
 * second provider and its price, so that the escrow pays both or neither; a replica's own terms name nobody.
 */
export function leaseTermsFor(
  job: Job,
  provider: LeaseTerms["provider"],
  providerPriceWei: bigint,
  acceptBySeconds: number,
  role: LeaseRole = "lease",
): LeaseTerms {
  const paid = role === "replica" ? NOBODY : secondPayment(job);
  return {
    jobId: job.jobId,
    provider,
    prover: paid.prover,
    fencingToken: nextFencingToken(job).toString(),
    providerPriceWei: providerPriceWei.toString(),
    proverFeeWei: paid.proverFeeWei,
    acceptBy: acceptBySeconds.toString(),
  };
}

const NOBODY = { prover: `0x${"00".repeat(20)}` as Address, proverFeeWei: "0" };

/** Who is paid beside the provider when the job settles: the prover, or the provider of the replica. */
function secondPayment(job: Job): Pick<LeaseTerms, "prover" | "proverFeeWei"> {
  const replica = keptReplica(job);
  if (replica === undefined) return job.terms;
  return { prover: replica.provider, proverFeeWei: replica.terms.providerPriceWei };
}
