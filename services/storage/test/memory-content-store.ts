import { ContentIdHasher } from "@aios/core-content-id/content-id";
import type { ContentId } from "@aios/kernel/identifiers";
import { contentNotFound } from "../src/domain/errors.js";
import type { ContentStore, StoredContent } from "../src/domain/ports.js";

/** For tests: contents in a map that outlives the store, as a disk would. */
export class MemoryContentStore implements ContentStore {
  readonly #contents: Map<string, Uint8Array>;

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
    await accept(stored);
    this.#contents.set(cid, bytes);
    return stored;
  }

  async *read(cid: ContentId): AsyncGenerator<Uint8Array> {
    const bytes = this.#contents.get(cid);
    if (bytes === undefined) throw contentNotFound(cid);
    yield bytes;
  }
}
