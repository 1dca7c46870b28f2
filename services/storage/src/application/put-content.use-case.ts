import type { Clock } from "@aios/kernel/clock";
import type { ContentId, TenantId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { ContentMetadata } from "../domain/content.js";
import { contentEmpty, contentTooLarge } from "../domain/errors.js";
import type { ContentRepository, ContentStore } from "../domain/ports.js";

export interface PutContentResult {
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly deduplicated: boolean;
}

/** Blocks first, claim second: a crash between leaves blocks without a claim, which the next try finds again. */
export class PutContent {
  readonly #store: ContentStore;
  readonly #contents: ContentRepository;
  readonly #clock: Clock;
  readonly #limitBytes: number;

  constructor(store: ContentStore, contents: ContentRepository, clock: Clock, limitBytes: number) {
    this.#store = store;
    this.#contents = contents;
    this.#clock = clock;
    this.#limitBytes = limitBytes;
  }

  async execute(
    tenantId: TenantId,
    metadata: ContentMetadata,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<PutContentResult> {
    const { cid, sizeBytes } = await this.#store.put(this.#bounded(chunks));
    crashPoint("storage.put.before-claim");
    const { known } = await this.#contents.add({
      tenantId,
      cid,
      sizeBytes,
      metadata,
      createdAt: this.#clock.now(),
    });
    crashPoint("storage.put.after-claim");
    return { cid, sizeBytes, deduplicated: known };
  }

  async *#bounded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let sizeBytes = 0;
    for await (const chunk of chunks) {
      sizeBytes += chunk.length;
      if (sizeBytes > this.#limitBytes) throw contentTooLarge(this.#limitBytes);
      if (chunk.length > 0) yield chunk;
    }
    if (sizeBytes === 0) throw contentEmpty();
  }
}
