import type { KeyAgreement } from "@aios/core-sealing/key-agreement";
import { type SealedKey, sealKey } from "@aios/core-sealing/sealed-key";
import type { Clock } from "@aios/kernel/clock";
import type { ContentId } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import { crashPoint } from "@aios/service-kit/crash-point";
import {
  authoriseLease,
  authoriseService,
  type DepositedKey,
  depositContext,
  type LeaseClaim,
  releaseContext,
} from "../domain/content-key.js";
import { contentNotFound, keyNotDeposited } from "../domain/errors.js";
import type { ContentKeyRepository, ContentRepository, LeaseChecker, WrappingKey } from "../domain/ports.js";

export type Grant =
  | { readonly kind: "lease"; readonly claim: LeaseClaim }
  | { readonly kind: "service"; readonly service: string; readonly purpose: string; readonly jobId: string };

export interface ReleasedKey {
  readonly sealedKey: SealedKey;
  readonly releaseId: string;
}

/** Re-seals a content key to whoever the owner's grants and a live lease allow; logged before it leaves. */
export class ReleaseKey {
  readonly #contents: ContentRepository;
  readonly #keys: ContentKeyRepository;
  readonly #wrappingKey: WrappingKey;
  readonly #leases: LeaseChecker;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #agreement: KeyAgreement;
  readonly #newReleaseId: () => string;

  constructor(ports: {
    readonly contents: ContentRepository;
    readonly keys: ContentKeyRepository;
    readonly wrappingKey: WrappingKey;
    readonly leases: LeaseChecker;
    readonly clock: Clock;
    readonly rng: Rng;
    readonly agreement: KeyAgreement;
    readonly newReleaseId: () => string;
  }) {
    this.#contents = ports.contents;
    this.#keys = ports.keys;
    this.#wrappingKey = ports.wrappingKey;
    this.#leases = ports.leases;
    this.#clock = ports.clock;
    this.#rng = ports.rng;
    this.#agreement = ports.agreement;
    this.#newReleaseId = ports.newReleaseId;
  }

  async execute(cid: ContentId, recipientPublicKey: Uint8Array, grant: Grant): Promise<ReleasedKey> {
    const key = await this.#ownersKey(cid);
    if (grant.kind === "lease") authoriseLease(key, grant.claim, await this.#leases.check(grant.claim));
    else authoriseService(key, grant.service, grant.purpose);

    const contentKey = this.#wrappingKey.open(key.sealedKey, depositContext(cid));
    const sealedKey = sealKey(
      contentKey,
      recipientPublicKey,
      releaseContext(cid),
      this.#rng,
      this.#agreement,
    );
    contentKey.fill(0);

    const releaseId = this.#newReleaseId();
    crashPoint("storage.release-key.before-log");
    await this.#keys.logRelease({
      releaseId,
      tenantId: key.tenantId,
      cid,
      recipient: grant.kind === "lease" ? grant.claim.provider : grant.service,
      recipientPublicKey,
      purpose: grant.kind === "lease" ? "lease" : grant.purpose,
      jobId: grant.kind === "lease" ? grant.claim.jobId : grant.jobId,
      fencingToken: grant.kind === "lease" ? grant.claim.fencingToken : 0,
      releasedAt: this.#clock.now(),
    });
    crashPoint("storage.release-key.after-log");
    return { sealedKey, releaseId };
  }

  async #ownersKey(cid: ContentId): Promise<DepositedKey> {
    const owned = await this.#contents.findFirst(cid);
    if (owned === undefined) throw contentNotFound(cid);
    const key = await this.#keys.find(owned.tenantId, cid);
    if (key === undefined) throw keyNotDeposited(cid);
    return key;
  }
}
