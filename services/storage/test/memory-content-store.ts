import { ContentIdHasher } from "@aios/core-content-id/content-id";
import type { ContentId } from "@aios/kernel/identifiers";
import { codedErrorOf } from "@aios/service-kit/database-outage";
import { contentNotFound } from "../src/domain/errors.js";
import type { ContentStore, StoredContent, SweepReport } from "../src/domain/ports.js";

/** For tests: contents in a map that outlives the store, as a disk would. */
export class MemoryContentStore implements ContentStore {
  readonly #contents: Map<string, Uint8Array>;
  readonly #storedAtMs = new Map<string, number>();

  constructor(contents: Map<string, Uint8Array> = new Map()) {
    this.#contents = contents;
  }

  async put(
    source: AsyncIterable<Uint8Array>,
    accept: (stored: StoredContent) => Promise<void>,
  ): Promise<StoredContent> {
    const parts: Uint8Array[] = [];
    const hasher = new ContentIdHasher();
    for await (const part of source) {
      hasher.update(part);
      parts.push(Uint8Array.from(part));
    }
    const bytes = Uint8Array.from(Buffer.concat(parts));
    const cid = hasher.finish();
    const stored = { cid, sizeBytes: bytes.length };
    try {
      await accept(stored);
    } catch (error) {
      // As on a disk: nobody knows whether it was accepted.
      if (codedErrorOf(error).kind === "unavailable") this.#keep(cid, bytes);
      throw error;
    }
    this.#keep(cid, bytes);
    return stored;
  }

  #keep(cid: ContentId, bytes: Uint8Array): void {
    this.#contents.set(cid, bytes);
    this.#storedAtMs.set(cid, Date.now());
  }

  async *read(cid: ContentId): AsyncGenerator<Uint8Array> {
    const bytes = this.#contents.get(cid);
    if (bytes === undefined) throw contentNotFound(cid);
    yield bytes;
  }

  async sweep(claims: () => AsyncIterable<ContentId>, beforeMs: number): Promise<SweepReport> {
    const old = new Map([...this.#contents].filter(([cid]) => (this.#storedAtMs.get(cid) ?? 0) < beforeMs));
    const looked = old.size;
    for await (const cid of claims()) old.delete(cid);
    let [deleted, deletedBytes] = [0, 0];
    for (const [cid, bytes] of old) {
      if ((this.#storedAtMs.get(cid) ?? 0) >= beforeMs) continue;
      this.#contents.delete(cid);
      deleted += 1;
      deletedBytes += bytes.length;
    }
    return { looked, deleted, deletedBytes };
  }
}
