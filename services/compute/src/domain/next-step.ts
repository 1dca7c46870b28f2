import { claimedOutput, hasOutput, isAgreed } from "./counted-output.js";
import { PERMIT_STALE } from "./funding-refusal.js";
import {
  attemptOf,
  type ChainStep,
  isProven,
  type Job,
  type JobError,
  keptReplica,
  type Lease,
  liveLease,
  type StepAttempt,
} from "./job.js";

/** What has to happen to a job now; `wait` when only time or someone else can move it. */
export type NextStep =
  | {
      readonly kind: "submit";
      readonly step: ChainStep;
      readonly fencingToken: number;
      readonly attempt: number;
    }
  | { readonly kind: "check-transaction"; readonly attempt: StepAttempt }
  | { readonly kind: "place" }
  | { readonly kind: "start-replica"; readonly fencingToken: number }
  | { readonly kind: "drop-replica" }
  | { readonly kind: "draw" }
  | { readonly kind: "end-offer"; readonly fencingToken: number; readonly because: string }
  | { readonly kind: "request-proof"; readonly fencingToken: number; readonly attempt: number }
  | { readonly kind: "check-proof"; readonly fencingToken: number }
  | { readonly kind: "ask-to-sign-again"; readonly error: JobError }
  | { readonly kind: "fail"; readonly error: JobError }
  | { readonly kind: "wait"; readonly untilMs: number | undefined };

export interface StepPolicy {
  /** Chain and wall clock may differ by this much; deadlines are acted on this much later. */
  readonly clockMarginMs: number;
  /** A proof that takes this close to the delivery deadline is not waited for: the result goes on chain first. */
  readonly deliverMarginMs: number;
}

/** A transaction that the contract refused, as the relayer says it. */
const REVERTED = "reverted";
const WAIT: NextStep = { kind: "wait", untilMs: undefined };

/**
 * The next step of a job, from its stored state and the time alone: whoever asks, after whatever crash, gets the same
 * answer until the step's outcome is stored. Steps are idempotent by the keys that follow from their fields.
 */
export function nextStep(job: Job, nowMs: number, policy: StepPolicy): NextStep {
  switch (job.state) {
    case "prepared":
      return prepared(job, nowMs);
    case "funding":
      return funding(job, nowMs, policy);
    case "funded":
      return funded(job, nowMs, policy);
    case "leased":
      return leased(job, nowMs, policy);
    case "delivered":
      return delivered(job, nowMs, policy);
    case "pending":
      return pending(job, nowMs, policy);
    case "settled":
    case "refunded":
    case "failed":
      return WAIT;
  }
}

/** When somebody has to look at the job again if nothing happens to it before; undefined for never. */
export function wakeAtMs(job: Job, nowMs: number, policy: StepPolicy): number | undefined {
  const next = nextStep(job, nowMs, policy);
  return next.kind === "wait" ? next.untilMs : nowMs;
}

function prepared(job: Job, nowMs: number): NextStep {
  const leaseByMs = leaseBy(job);
  if (nowMs <= leaseByMs) return { kind: "wait", untilMs: leaseByMs + 1 };
  return {
    kind: "fail",
    error: {
      code: "order-expired",
      message: "The order was not signed in time. Prepare the job again.",
      detailsJson: "{}",
    },
  };
}

/** The escrow opens no order after its `leaseBy`. Word of one that opened in time still moves the failed job. */
function funding(job: Job, nowMs: number, policy: StepPolicy): NextStep {
  const open = attemptOf(job, "open", 0);
  if (open?.state === "failed") {
    const error = open.error ?? unexplained();
    const mendable = error.code === PERMIT_STALE && nowMs <= leaseBy(job);
    return { kind: mendable ? "ask-to-sign-again" : "fail", error };
  }
  const expiresAtMs = leaseBy(job) + policy.clockMarginMs;
  if (nowMs > expiresAtMs && open?.state !== "succeeded") {
    return {
      kind: "fail",
      error: {
        code: "funding-expired",
        message: "The order did not reach the chain in time; no money moved. Prepare the job again.",
        detailsJson: "{}",
      },
    };
  }
  const next = chainStep(job, "open", 0, nowMs);
  return nowMs > expiresAtMs ? next : earliest(next, expiresAtMs + 1);
}

function funded(job: Job, nowMs: number, policy: StepPolicy): NextStep {
  const refundAtMs = leaseBy(job) + policy.clockMarginMs;
  const lease = liveLease(job);
  if (lease?.state === "agreed" && lease.role === "lease") return agreed(job, lease, nowMs, refundAtMs);
  if (nowMs > refundAtMs) return chainStep(job, "refund", 0, nowMs);
  if (lease === undefined) {
    if (job.placeAtMs <= nowMs) return { kind: "place" };
    return { kind: "wait", untilMs: Math.min(job.placeAtMs, refundAtMs + 1) };
  }
  const { fencingToken } = lease;
  if (lease.state === "agreed") return { kind: "start-replica", fencingToken };
  if (lease.state === "leased") {
    if (nowMs > lease.deliverByMs) return { kind: "end-offer", fencingToken, because: "expired" };
    return { kind: "wait", untilMs: Math.min(lease.deliverByMs, refundAtMs) + 1 };
  }
  if (nowMs >= lease.offerExpiresAtMs) {
    return { kind: "end-offer", fencingToken: lease.fencingToken, because: "no-answer" };
  }
  return { kind: "wait", untilMs: Math.min(lease.offerExpiresAtMs, refundAtMs + 1) };
}

/** A lease that may be on its way to the chain is never given up before its transaction has ended. */
function agreed(job: Job, lease: Lease, nowMs: number, refundAtMs: number): NextStep {
  const attempt = attemptOf(job, "lease", lease.fencingToken);
  const unsent = attempt === undefined && (lease.failure !== undefined || nowMs > refundAtMs);
  if (attempt?.state === "failed" || unsent) {
    return {
      kind: "end-offer",
      fencingToken: lease.fencingToken,
      because: lease.failure?.code ?? attempt?.error?.code ?? "too-late",
    };
  }
  return chainStep(job, "lease", lease.fencingToken, nowMs);
}

function leased(job: Job, nowMs: number, policy: StepPolicy): NextStep {
  const lease = liveLease(job);
  // A lease that this database does not know cannot be served: it goes back.
  if (lease === undefined) return chainStep(job, "release", 0, nowMs);
  const lateAtMs = lease.deliverByMs + policy.clockMarginMs;
  const deliver = attemptOf(job, "deliver", lease.fencingToken);
  const delivering = deliver !== undefined && deliver.state !== "failed";
  if (lease.failure !== undefined && !delivering) return release(job, lease, nowMs, lateAtMs, policy);
  if (nowMs > lateAtMs && deliver?.state !== "submitted") return release(job, lease, nowMs, lateAtMs, policy);
  if (lease.state !== "computed") return { kind: "wait", untilMs: lateAtMs + 1 };
  if (isProven(job.verification) && !delivering && nowMs < lease.deliverByMs - policy.deliverMarginMs) {
    const proof = proofStep(job, lease, nowMs);
    if (proof !== undefined) return earliest(proof, lease.deliverByMs - policy.deliverMarginMs);
  }
  if (job.verification === "replicate" && !delivering && !isAgreed(job, lease))
    return earliest(disagreement(job, lease, nowMs), lateAtMs + 1);
  return earliest(chainStep(job, "deliver", lease.fencingToken, nowMs), lateAtMs + 1);
}

/**
 * Two providers computed different outputs: one rung up, the prover says which is right. It takes the lease from a wrong
 * provider itself; where the lease is right, the replica goes. Where it says nothing, the lease ends at its deadline.
 */
function disagreement(job: Job, lease: Lease, nowMs: number): NextStep {
  const proof = proofStep(job, lease, nowMs);
  if (proof !== undefined) return proof;
  if (job.proof.state === "proven" && keptReplica(job) !== undefined) return { kind: "drop-replica" };
  return WAIT;
}

/** The matcher may take an undelivered job back at any time; when that too is late, the buyer gets its money. */
function release(job: Job, lease: Lease, nowMs: number, lateAtMs: number, policy: StepPolicy): NextStep {
  if (nowMs > Math.max(lateAtMs, leaseBy(job) + policy.clockMarginMs)) {
    return chainStep(job, "refund", lease.fencingToken, nowMs);
  }
  return chainStep(job, "release", lease.fencingToken, nowMs);
}

function delivered(job: Job, nowMs: number, policy: StepPolicy): NextStep {
  const lease = liveLease(job);
  const token = lease?.fencingToken ?? 0;
  const settleByMs = job.deliveredAtMs + Number(job.terms.order.settleWithinSeconds) * 1_000;
  const refundAtMs = settleByMs + policy.clockMarginMs;
  if (nowMs > refundAtMs) return chainStep(job, "refund", token, nowMs);
  if (job.verification === "sample" && job.draw === undefined) return { kind: "draw" };
  if (settlesByWord(job, lease)) return earliest(byWord(job, lease, nowMs), refundAtMs + 1);
  if (lease?.failure !== undefined) return earliest(refutation(job, lease, nowMs), refundAtMs + 1);
  if (job.verification === "replicate" && lease !== undefined && isAgreed(job, lease))
    return earliest(agreedDelivery(job, lease, nowMs), refundAtMs + 1);
  if (lease !== undefined) {
    const proof = proofStep(job, lease, nowMs);
    if (proof !== undefined) return earliest(proof, refundAtMs + 1);
  }
  if (job.proof.state !== "proven") return { kind: "wait", untilMs: refundAtMs + 1 };
  if (job.verification === "replicate" && keptReplica(job) !== undefined) return { kind: "drop-replica" };
  return earliest(chainStep(job, "settle", token, nowMs), refundAtMs + 1);
}

/**
 * Both signatures settle, unless the contract refuses the second: its provider may leave the registry at any time. Then
 * the output is proven, and the next attempt settles by that. Where no proof can be made, the signature is tried again.
 */
function agreedDelivery(job: Job, lease: Lease, nowMs: number): NextStep {
  const { fencingToken } = lease;
  const settle = attemptOf(job, "settle", fencingToken);
  const isRefused = settle?.state === "failed" && settle.error?.code === REVERTED;
  const proof = isRefused ? proofStep(job, lease, nowMs) : undefined;
  return proof ?? chainStep(job, "settle", fencingToken, nowMs);
}

/** The buyer's acceptance, or the start of the window: not for a delivery whose output the buyer does not have. */
function byWord(job: Job, lease: Lease | undefined, nowMs: number): NextStep {
  const token = lease?.fencingToken ?? 0;
  if (isAcceptable(job, token)) return chainStep(job, "accept", token, nowMs);
  return hasOutput(job, lease) ? chainStep(job, "settle", token, nowMs) : WAIT;
}

function isAcceptable(job: Job, fencingToken: number): boolean {
  return job.acceptanceSignature !== "" && attemptOf(job, "accept", fencingToken)?.state !== "failed";
}

/** The delivery is final by the buyer's word or by time: unproven jobs, and sampled ones that no proof decides. */
function settlesByWord(job: Job, lease: Lease | undefined): boolean {
  if (job.verification === "none") return true;
  if (job.verification !== "sample" || lease?.failure !== undefined) return false;
  const isUndecided = job.draw?.drawn !== true || job.proof.state === "failed";
  return isUndecided || isAcceptable(job, lease?.fencingToken ?? 0);
}

/**
 * A wrong output is on chain: the right one is proven, and with that the escrow takes the job from its provider. Where
 * the prover does not say which one is right, the buyer gets its money back at the deadline.
 */
function refutation(job: Job, lease: Lease, nowMs: number): NextStep {
  const { proof } = job;
  const { fencingToken } = lease;
  if (proof.refutingOutput === undefined || proof.fencingToken !== fencingToken) return WAIT;
  if (proof.state === "proven") return chainStep(job, "refute", fencingToken, nowMs);
  if (nowMs < proof.checkAtMs) return { kind: "wait", untilMs: proof.checkAtMs };
  if (proof.state === "requested") return { kind: "check-proof", fencingToken };
  return { kind: "request-proof", fencingToken, attempt: proof.attempt + 1 };
}

/** Anybody may have started the window, the provider in the block of its delivery: until its end all is as before it. */
function pending(job: Job, nowMs: number, policy: StepPolicy): NextStep {
  const lease = liveLease(job);
  const token = lease?.fencingToken ?? 0;
  const overAtMs = job.pendingUntilMs + policy.clockMarginMs;
  const isContested = lease?.failure !== undefined && nowMs < overAtMs;
  if (isAcceptable(job, token) && !isContested) return chainStep(job, "accept", token, nowMs);
  if (nowMs >= overAtMs) return chainStep(job, "finish", token, nowMs);
  return earliest(contest(job, lease, nowMs), overAtMs);
}

/** A sampled delivery is drawn, and what is drawn proven or refuted. */
function contest(job: Job, lease: Lease | undefined, nowMs: number): NextStep {
  if (job.verification !== "sample") return WAIT;
  if (job.draw === undefined) return { kind: "draw" };
  if (lease === undefined) return WAIT;
  if (lease.failure !== undefined) return refutation(job, lease, nowMs);
  return (job.draw.drawn ? proofStep(job, lease, nowMs) : undefined) ?? WAIT;
}

/** Undefined once nothing is left to do about the proof. */
function proofStep(job: Job, lease: Lease, nowMs: number): NextStep | undefined {
  const { proof } = job;
  if (proof.state === "proven") return undefined;
  // Nothing can be asked for, and that is no failure of the prover's: word does not settle it either.
  if (claimedOutput(job) === "") return WAIT;
  if (proof.fencingToken !== lease.fencingToken || proof.state === "none") {
    if (proof.fencingToken === lease.fencingToken && nowMs < proof.checkAtMs)
      return { kind: "wait", untilMs: proof.checkAtMs };
    const attempt = proof.fencingToken === lease.fencingToken ? proof.attempt + 1 : 1;
    return { kind: "request-proof", fencingToken: lease.fencingToken, attempt };
  }
  if (proof.state === "failed") return undefined;
  if (nowMs >= proof.checkAtMs) return { kind: "check-proof", fencingToken: lease.fencingToken };
  return { kind: "wait", untilMs: proof.checkAtMs };
}

/** Submit, then wait for the outcome, then try again after a failure. */
function chainStep(job: Job, step: ChainStep, fencingToken: number, nowMs: number): NextStep {
  const attempt = attemptOf(job, step, fencingToken);
  if (attempt === undefined) return { kind: "submit", step, fencingToken, attempt: 1 };
  if (attempt.state === "void") return { kind: "submit", step, fencingToken, attempt: attempt.attempt + 1 };
  if (nowMs < attempt.checkAtMs) return { kind: "wait", untilMs: attempt.checkAtMs };
  if (attempt.state === "failed") return { kind: "submit", step, fencingToken, attempt: attempt.attempt + 1 };
  return { kind: "check-transaction", attempt };
}

function earliest(next: NextStep, deadlineMs: number): NextStep {
  if (next.kind !== "wait") return next;
  return { kind: "wait", untilMs: Math.min(next.untilMs ?? deadlineMs, deadlineMs) };
}

function leaseBy(job: Job): number {
  return Number(job.terms.order.leaseBy) * 1_000;
}

function unexplained(): JobError {
  return { code: REVERTED, message: "The chain refused the order without a reason.", detailsJson: "{}" };
}
