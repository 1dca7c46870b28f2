import type { ContentId } from "@aios/kernel/identifiers";
import type { ContentRecord } from "../domain/content.js";
import { contentNotFound } from "../domain/errors.js";
import type { ContentRepository, ContentStore } from "../domain/ports.js";

/** Contents are read by CID, whoever put them; what is private was encrypted before it came. */
export class ReadContent {
  readonly #store: ContentStore;
  readonly #contents: ContentRepository;

  constructor(store: ContentStore, contents: ContentRepository) {
    this.#store = store;
    this.#contents = contents;
  }

  /** Throws `content-not-found`. */
  async stat(cid: ContentId): Promise<ContentRecord> {
    const record = await this.#contents.findFirst(cid);
    if (record === undefined) throw contentNotFound(cid);
    return record;
  }

  read(cid: ContentId): AsyncIterable<Uint8Array> {
    return this.#store.read(cid);
  }
}
