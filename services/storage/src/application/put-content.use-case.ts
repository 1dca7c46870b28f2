import type { Clock } from "@aios/kernel/clock";
import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { ContentMetadata } from "../domain/content.js";
import { contentEmpty, contentTooLarge, storageFull } from "../domain/errors.js";
import type { ContentRepository, ContentStore } from "../domain/ports.js";

export interface PutContentResult {
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly deduplicated: boolean;
}

export interface PutContentLimits {
  readonly contentBytes: number;
  /** Of all contents of one account together. The platform's own services have none. */
  readonly accountBytes: number;
  /** Free space, in bytes, below which only the platform's own work is stored: inputs, outputs, proofs. */
  readonly reservedBytes: number;
}

/** Who brings a content: anybody, through the gateway, or a part of the platform, for work that was paid for. */
export type Origin = "public" | "platform";

/**
 * Blocks first, claim second: a crash between leaves blocks without a claim, which the next try finds again. A refused
 * upload leaves none.
 */
export class PutContent {
  readonly #store: ContentStore;
  readonly #contents: ContentRepository;
  readonly #clock: Clock;
  readonly #limits: PutContentLimits;
  readonly #freeBytes: () => Promise<number>;

  constructor(
    store: ContentStore,
    contents: ContentRepository,
    clock: Clock,
    limits: PutContentLimits,
    freeBytes: () => Promise<number>,
  ) {
    this.#freeBytes = freeBytes;
    this.#store = store;
    this.#contents = contents;
    this.#clock = clock;
    this.#limits = limits;
  }

  async execute(
    tenantId: TenantId,
    metadata: ContentMetadata,
    chunks: AsyncIterable<Uint8Array>,
    origin: Origin,
  ): Promise<PutContentResult> {
    if (origin === "public" && (await this.#freeBytes()) < this.#limits.reservedBytes) throw storageFull();
    const quotaBytes = isService(tenantId) ? Number.POSITIVE_INFINITY : this.#limits.accountBytes;
    let deduplicated = false;
    const stored = await this.#store.put(this.#bounded(chunks), async ({ cid, sizeBytes }) => {
      crashPoint("storage.put.before-claim");
      const record = { tenantId, cid, sizeBytes, metadata, createdAt: this.#clock.now() };
      deduplicated = (await this.#contents.add(record, quotaBytes)).known;
    });
    crashPoint("storage.put.after-claim");
    return { ...stored, deduplicated };
  }

  async *#bounded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let sizeBytes = 0;
    for await (const chunk of chunks) {
      sizeBytes += chunk.length;
      if (sizeBytes > this.#limits.contentBytes) throw contentTooLarge(this.#limits.contentBytes);
      if (chunk.length > 0) yield chunk;
    }
    if (sizeBytes === 0) throw contentEmpty();
  }
}

/** Contents of the platform itself, such as proofs: bounded by the work that makes them, not by an account. */
function isService(tenantId: TenantId): boolean {
  return tenantId.startsWith("service:");
}
