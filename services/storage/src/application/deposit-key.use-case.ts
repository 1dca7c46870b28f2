import type { SealedKey } from "@aios/core-sealing/sealed-key";
import type { Clock } from "@aios/kernel/clock";
import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { depositContext, leaseScopes, servicePurposes } from "../domain/content-key.js";
import { contentNotFound, notContentOwner, wrongWrappingKey } from "../domain/errors.js";
import type { ContentKeyRepository, ContentRepository, WrappingKey } from "../domain/ports.js";

export interface KeyDeposit {
  readonly cid: ContentId;
  readonly keyId: string;
  readonly sealedKey: SealedKey;
  readonly servicePurposes: readonly string[];
  readonly leaseScopes: readonly string[];
}

/** Takes a content key from the content's owner. A key that does not open here is refused at once. */
export class DepositKey {
  readonly #contents: ContentRepository;
  readonly #keys: ContentKeyRepository;
  readonly #wrappingKey: WrappingKey;
  readonly #clock: Clock;

  constructor(
    contents: ContentRepository,
    keys: ContentKeyRepository,
    wrappingKey: WrappingKey,
    clock: Clock,
  ) {
    this.#contents = contents;
    this.#keys = keys;
    this.#wrappingKey = wrappingKey;
    this.#clock = clock;
  }

  async execute(tenantId: TenantId, deposit: KeyDeposit): Promise<void> {
    const purposes = servicePurposes(deposit.servicePurposes);
    const scopes = leaseScopes(deposit.leaseScopes);
    const owned = await this.#contents.findFirst(deposit.cid);
    if (owned === undefined) throw contentNotFound(deposit.cid);
    if (owned.tenantId !== tenantId) throw notContentOwner(deposit.cid);
    if (deposit.keyId !== this.#wrappingKey.keyId) throw wrongWrappingKey(this.#wrappingKey.keyId);
    this.#wrappingKey.open(deposit.sealedKey, depositContext(deposit.cid)).fill(0);
    await this.#keys.deposit({
      tenantId,
      cid: deposit.cid,
      keyId: deposit.keyId,
      sealedKey: deposit.sealedKey,
      servicePurposes: purposes,
      leaseScopes: scopes,
      depositedAt: this.#clock.now(),
    });
    crashPoint("storage.deposit-key.after-persist");
  }
}
