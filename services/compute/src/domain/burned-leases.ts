import type { BurnedLease } from "@aios/core-scheduler/placement-model";
import { type Job, type Lease, REPLICA_KEPT } from "./job.js";

/** The provider did wrong: it never gets this job again, and it counts against it elsewhere. */
export const FAULT_REASONS: ReadonlySet<string> = new Set([
  "wrong-output",
  "output-malformed",
  "delivery-malformed",
  "delivery-mismatch",
  "delivery-forged",
  "receipt-malformed",
  "receipt-mismatch",
  "receipt-implausible",
  "receipt-forged",
]);

/**
 * Providers that may not be offered the job now: for good, or for a while after they did not answer or vanished. Who
 * computed the replica is no second opinion about itself.
 */
export function burnedLeases(job: Job, nowMs: number, restMs: number): BurnedLease[] {
  return job.leases
    .filter(
      (lease) =>
        lease.state === "ended" &&
        (FAULT_REASONS.has(lease.endedBecause) ||
          lease.endedBecause === REPLICA_KEPT ||
          nowMs < restsUntilMs(lease, restMs)),
    )
    .map((lease) => ({ provider: lease.provider, reason: lease.endedBecause }));
}

function restsUntilMs(lease: Lease, restMs: number): number {
  const since =
    lease.endedBecause === "expired" ? lease.deliverByMs : Math.max(lease.offeredAtMs, lease.leasedAtMs);
  return since + restMs;
}
