import type { PlacementPolicy, PlacementRequest, WorkKind } from "@aios/core-scheduler/placement-model";
import type { Address } from "@aios/kernel/identifiers";
import { burnedLeases } from "../domain/burned-leases.js";
import type { Job } from "../domain/job.js";

export function placementRequest(
  job: Job,
  recentByProvider: ReadonlyMap<Address, number>,
  nowMs: number,
  restMs: number,
): PlacementRequest {
  return {
    jobId: job.jobId,
    kind: job.kind,
    providerPriceCapWei: BigInt(job.terms.providerPriceCapWei),
    requiredMemoryBytes: job.terms.requiredMemoryBytes,
    workUnits: job.terms.workUnits,
    burned: burnedLeases(job, nowMs, restMs),
    recentByProvider,
  };
}

/** A request that stands for any job of the kind: to find the cheapest offer before there is a job. */
export function quoteRequest(
  kind: WorkKind,
  requiredMemoryBytes: number,
  workUnits: number,
): PlacementRequest {
  return {
    jobId: `0x${"00".repeat(32)}` as PlacementRequest["jobId"],
    kind,
    providerPriceCapWei: 0n,
    requiredMemoryBytes,
    workUnits,
    burned: [],
    recentByProvider: new Map(),
  };
}

export interface MarketSettings {
  readonly policy: PlacementPolicy;
  readonly requiredMemoryBytes: Readonly<Record<WorkKind, number>>;
  /** How long an offer waits for its provider's answer. */
  readonly offerTimeoutMs: number;
  /** How long the signed terms may take to reach the chain. */
  readonly acceptWithinSeconds: number;
  /** A provider that did not answer or vanished is not offered the same job again for so long. */
  readonly restMs: number;
  /** A job that nobody can take is looked at again after this long, later with backoff. */
  readonly placementRetryMs: number;
}
