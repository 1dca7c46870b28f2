import type { PlacementPolicy, PlacementRequest, WorkKind } from "@aios/core-scheduler/placement-model";
import { affordableProviderPrice } from "@aios/core-settlement/splits";
import type { Address } from "@aios/kernel/identifiers";
import { burnedLeases } from "../domain/burned-leases.js";
import { type Job, keptReplica } from "../domain/job.js";

export function placementRequest(
  job: Job,
  recentByProvider: ReadonlyMap<Address, number>,
  nowMs: number,
  restMs: number,
): PlacementRequest {
  return {
    jobId: job.jobId,
    kind: job.kind,
    providerPriceCapWei: providerPriceCap(job),
    requiredMemoryBytes: job.terms.requiredMemoryBytes,
    workUnits: job.terms.workUnits,
    burned: burnedLeases(job, nowMs, restMs),
    recentByProvider,
  };
}

/** A replicated job is computed by a second provider before it is leased to the first. */
export function needsReplica(job: Job): boolean {
  return job.verification === "replicate" && keptReplica(job) === undefined;
}

/** What the order's cap leaves for whom the job is offered to now. */
function providerPriceCap(job: Job): bigint {
  const { terms } = job;
  if (needsReplica(job)) return BigInt(terms.replicaPriceCapWei);
  const replica = keptReplica(job);
  if (replica === undefined) return BigInt(terms.providerPriceCapWei);
  const fees = {
    proverFeeWei: BigInt(replica.terms.providerPriceWei),
    usageFeeWei: BigInt(terms.usageFeeWei),
    royaltyBps: terms.royaltyBps,
    protocolFeeBps: terms.protocolFeeBps,
  };
  return affordableProviderPrice(fees, BigInt(terms.order.maxPriceWei)) ?? 0n;
}

/** A request that stands for any job of the kind: to find the cheapest offer before there is a job. */
export function quoteRequest(
  kind: WorkKind,
  requiredMemoryBytes: number,
  workUnits: number,
  without: readonly Address[] = [],
): PlacementRequest {
  return {
    jobId: `0x${"00".repeat(32)}` as PlacementRequest["jobId"],
    kind,
    providerPriceCapWei: 0n,
    requiredMemoryBytes,
    workUnits,
    burned: without.map((provider) => ({ provider, reason: "replica" })),
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
