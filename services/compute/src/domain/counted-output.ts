import { type Job, keptReplica, type Lease, liveLease } from "./job.js";

// What counts as a job's output: what the escrow holds, whoever submitted it; before that what was handed over.

/** Whether both providers of a replicated job computed the same. */
export function isAgreed(job: Job, lease: Lease): boolean {
  const replica = keptReplica(job);
  return replica !== undefined && outputHashOf(job, lease) === replica.result.delivery.outputHash;
}

/** An inference's output that counts, 0x and 64 hex digits: the escrow's, before a delivery the one handed over; or "". */
export function outputOf(job: Job, lease: Lease | undefined): string {
  if (job.kind === "training") return "";
  return job.held?.output || (lease?.result?.output ?? "");
}

/** As `outputOf`, the hash that the delivery names, of a training's output too. */
export function outputHashOf(job: Job, lease: Lease | undefined): string {
  return job.held?.outputHash || (lease?.result?.delivery.outputHash ?? "");
}

/** Whether the buyer has what the escrow holds: an inference's output stands there, a training's was handed over. */
export function hasOutput(job: Job, lease: Lease | undefined): boolean {
  if (job.kind === "inference") return outputOf(job, lease) !== "";
  return lease?.result !== undefined && !contradictsDelivery(job, lease);
}

/** Whether the provider handed over something else than what it signed that the escrow holds. */
export function contradictsDelivery(job: Job, lease: Lease | undefined): boolean {
  return lease?.result !== undefined && lease.result.delivery.outputHash !== outputHashOf(job, lease);
}

/** What a proof is asked for: the output that counts, or the prover's own against it; "" where none is known. */
export function claimedOutput(job: Job): string {
  return job.proof.refutingOutput ?? outputOf(job, liveLease(job));
}
