import type { SealedKey } from "@aios/core-sealing/sealed-key";
import {
  type Address,
  type Bytes32,
  bytes32,
  type ContentId,
  type JobId,
  type TenantId,
  tenantOfAccount,
} from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { contentNotInLease, invalidGrant, leaseNotLive, notAllowedByOwner } from "./errors.js";

/** Which service may use a key for which purpose, when the owner allows the purpose. */
const SERVICES_OF_PURPOSE: ReadonlyMap<string, readonly string[]> = new Map([
  ["proving-key-setup", ["zk-prover"]],
  ["proof", ["zk-prover"]],
]);
const LICENSED_JOBS = "licensed-jobs";
const MAX_LEASE_SCOPES = 100;

/** A content key as its owner sealed it to this service, with what the owner allows. */
export interface DepositedKey {
  readonly tenantId: TenantId;
  readonly cid: ContentId;
  readonly keyId: string;
  readonly sealedKey: SealedKey;
  readonly servicePurposes: readonly string[];
  readonly leaseScopes: readonly string[];
  readonly depositedAt: TimestampMs;
}

/** One line of the log of releases. */
export interface KeyRelease {
  readonly releaseId: string;
  /** The owner. */
  readonly tenantId: TenantId;
  readonly cid: ContentId;
  /** Address of the provider or name of the service. */
  readonly recipient: string;
  readonly recipientPublicKey: Uint8Array;
  /** "lease", or the purpose of a service. */
  readonly purpose: string;
  readonly jobId: string;
  /** 0 for services. */
  readonly fencingToken: number;
  readonly releasedAt: TimestampMs;
}

/** Compute's answer about a lease. */
export interface LeaseStanding {
  readonly live: boolean;
  readonly reason: string;
  readonly contentCids: readonly string[];
  /** Who published the job's model; `undefined` where the job has none. */
  readonly modelOwner: Address | undefined;
}

export interface LeaseClaim {
  readonly jobId: JobId;
  readonly fencingToken: number;
  readonly provider: Address;
}

export const depositContext = (cid: ContentId): string => `deposit:${cid}`;
export const releaseContext = (cid: ContentId): string => `release:${cid}`;

/** Throws `invalid-grant` for a purpose that no service has. */
export function servicePurposes(values: readonly string[]): readonly string[] {
  const known = [...SERVICES_OF_PURPOSE.keys()];
  if (values.some((value) => !known.includes(value))) {
    throw invalidGrant("servicePurposes", `some of ${known.join(", ")}`);
  }
  return [...new Set(values)].sort();
}

/** Throws `invalid-grant` for anything but `licensed-jobs` and `job:<job id>`. */
export function leaseScopes(values: readonly string[]): readonly string[] {
  if (values.length > MAX_LEASE_SCOPES) throw invalidGrant("leaseScopes", `at most ${MAX_LEASE_SCOPES}`);
  return [...new Set(values.map(leaseScope))].sort();
}

function leaseScope(value: string): string {
  if (value === LICENSED_JOBS) return value;
  if (value.startsWith("job:")) return jobScope(bytes32(value.slice("job:".length), "leaseScopes"));
  throw invalidGrant("leaseScopes", `'${LICENSED_JOBS}' or 'job:<job id>'`);
}

function jobScope(jobId: Bytes32 | JobId): string {
  return `job:${jobId}`;
}

/**
 * A provider gets a key for a lease that is live, that needs this content, and that the owner's scopes cover.
 * `licensed-jobs` covers jobs of the owner's own models: anybody can publish a model that names this content.
 * Throws `lease-not-live`, `content-not-in-lease`, `not-allowed-by-owner`.
 */
export function authoriseLease(key: DepositedKey, claim: LeaseClaim, standing: LeaseStanding): void {
  if (!standing.live) throw leaseNotLive(claim.jobId, standing.reason);
  if (!standing.contentCids.includes(key.cid)) throw contentNotInLease(claim.jobId, key.cid);
  const ofOwnModel =
    standing.modelOwner !== undefined && tenantOfAccount(standing.modelOwner) === key.tenantId;
  const covered =
    (ofOwnModel && key.leaseScopes.includes(LICENSED_JOBS)) ||
    key.leaseScopes.includes(jobScope(claim.jobId));
  if (!covered) throw notAllowedByOwner(key.cid, "lease");
}

/** A service gets a key for its own purposes, if the owner allowed them. Throws `not-allowed-by-owner`. */
export function authoriseService(key: DepositedKey, service: string, purpose: string): void {
  const allowed =
    SERVICES_OF_PURPOSE.get(purpose)?.includes(service) === true && key.servicePurposes.includes(purpose);
  if (!allowed) throw notAllowedByOwner(key.cid, purpose);
}
