import type { SealedKey } from "@aios/core-sealing/sealed-key";
import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import type { ContentRecord } from "./content.js";
import type { DepositedKey, KeyRelease, LeaseClaim, LeaseStanding } from "./content-key.js";

export interface StoredContent {
  readonly cid: ContentId;
  readonly sizeBytes: number;
}

/** What a sweep found: old blocks that it looked at, and those that nothing needed. */
export interface SweepReport {
  readonly looked: number;
  readonly deleted: number;
  readonly deletedBytes: number;
}

/** Bytes by CID, as in `@aios/core-content-id`. Adapters pass `test/conformance/content-store.conformance.ts`. */
export interface ContentStore {
  /**
   * Stores a stream, asks whether what came is accepted, and answers with its CID and size. Durable when it resolves.
   * When the source or `accept` throws, or the disk is full (`storage-full`), it rejects, and nothing that no other
   * content needs is left of the stream. Memory does not grow with the content.
   */
  put(
    source: AsyncIterable<Uint8Array>,
    accept: (stored: StoredContent) => Promise<void>,
  ): Promise<StoredContent>;
  /**
   * The bytes in order. Every piece was checked against the CID before it is handed out. Throws `content-not-found`
   * when any of it is missing, `content-damaged` when the disk changed it.
   */
  read(cid: ContentId): AsyncIterable<Uint8Array>;
  /**
   * Deletes what is left of uploads that ended between storing and being accepted: whatever was last stored before
   * `beforeMs` (milliseconds since the Unix epoch) and belongs to none of the claimed contents. `claims` is gone
   * through as often as it takes; memory does not grow with the contents. What an upload under way uses, and what
   * was stored again meanwhile, stays. Stopped at any time it has deleted nothing that is needed.
   */
  sweep(claims: () => AsyncIterable<ContentId>, beforeMs: number): Promise<SweepReport>;
}

/** Claims to contents; every claim belongs to a tenant. */
export interface ContentRepository {
  /**
   * Records the claim unless this tenant has it already; answers whether any tenant had the content before. Throws
   * `storage-quota-exceeded` when all claims of the tenant together would have more than `quotaBytes`.
   */
  add(record: ContentRecord, quotaBytes: number): Promise<{ readonly known: boolean }>;
  /** The first contributor's claim: contents are found by hash, whoever put them. */
  findFirst(cid: ContentId): Promise<ContentRecord | undefined>;
  /** Every claimed content, those claimed during the walk included, at most `step` in memory at a time. */
  claimed(step: number): AsyncIterable<ContentId>;
}

/** Deposited keys and the log of their releases. */
export interface ContentKeyRepository {
  /** Replaces what this tenant deposited for the content before. Rejects where the tenant has not claimed it. */
  deposit(key: DepositedKey): Promise<void>;
  find(tenantId: TenantId, cid: ContentId): Promise<DepositedKey | undefined>;
  /** Durable when it resolves. */
  logRelease(release: KeyRelease): Promise<void>;
  /** Newest first. */
  listReleases(tenantId: TenantId, cid: ContentId, limit: number): Promise<readonly KeyRelease[]>;
}

/** Asks whoever leases whether a lease is live. Throws `peer-unavailable`. */
export interface LeaseChecker {
  check(claim: LeaseClaim): Promise<LeaseStanding>;
}

/** The service's own key pair; the private half does not leave the adapter. */
export interface WrappingKey {
  readonly keyId: string;
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Throws `seal-not-opened`. */
  open(sealed: SealedKey, context: string): Uint8Array;
}
