import { ContentIdHasher } from "@aios/core-content-id/content-id";
import type { ContentId } from "@aios/kernel/identifiers";
import { codedErrorOf } from "@aios/service-kit/database-outage";
import { CID } from "multiformats/cid";
import {
  contentBackendUnavailable,
  contentBackendUnfit,
  contentNotFound,
  storageFull,
} from "../../domain/errors.js";
import type { ContentStore, StoredContent, SweepReport } from "../../domain/ports.js";
import type { KuboNode } from "./kubo-node.js";
import { type BlockSource, unixFsFile } from "./unixfs-file.js";
import { UploadBlocks } from "./upload-blocks.js";
import type { NotedUpload, UploadJournal } from "./upload-journal.js";

export interface KuboStoreSettings {
  readonly minFreeBytes: number;
  /** Whether a sweep lets the node delete what nothing pins; off on a node that others use too. */
  readonly collectsGarbage: boolean;
  readonly collectTimeoutMs: number;
}

const UPLOADS_TOGETHER = 20_000;
const NO_BYTES = new Uint8Array();

/**
 * Contents as pinned UnixFS files of a Kubo node. A content is here as long as it is pinned; what lost its pin is the
 * node's garbage. An upload is noted before it is pinned and forgotten once it is accepted, so that a crash in between
 * leaves a note for the sweep.
 */
export class KuboContentStore implements ContentStore {
  readonly #uploads: UploadBlocks;
  readonly #blocks: BlockSource;
  /** Whether something may lie on the node that nothing pins; after a start nobody knows. */
  #hasGarbage = true;

  constructor(
    private readonly node: KuboNode,
    private readonly journal: UploadJournal,
    private readonly settings: KuboStoreSettings,
  ) {
    // One root stands for all of its content: pinned and unpinned with it.
    this.#uploads = new UploadBlocks({
      put: (cid) => this.#pin(cid.toString() as ContentId),
      has: (cid) => node.isPinned(cid.toString() as ContentId),
      delete: (cid) => this.#unpin(cid.toString() as ContentId),
      refresh: async () => undefined,
    });
    this.#blocks = {
      async *get(cid) {
        yield await node.block(cid);
      },
    } as Pick<BlockSource, "get"> as BlockSource;
  }

  async put(
    source: AsyncIterable<Uint8Array>,
    accept: (stored: StoredContent) => Promise<void>,
  ): Promise<StoredContent> {
    if ((await this.node.freeBytes()) < this.settings.minFreeBytes) throw storageFull();
    this.#hasGarbage = true;
    const stored = await this.#add(source);
    const upload = this.#uploads.begin();
    let isAsked = false;
    try {
      await this.journal.note(stored);
      await upload.put(CID.parse(stored.cid), NO_BYTES);
      isAsked = true;
      await accept(stored);
      upload.keep();
    } catch (error) {
      // An outage leaves open whether the content was accepted; the note stays for the sweep, which asks again.
      if (isAsked && codedErrorOf(error).kind === "unavailable") upload.keep();
      else await upload.discard().catch(() => undefined);
      throw error;
    }
    await this.journal.forget(stored.cid);
    return stored;
  }

  async *read(cid: ContentId): AsyncGenerator<Uint8Array> {
    if (!(await this.node.isPinned(cid))) throw contentNotFound(cid);
    yield* unixFsFile(cid, this.#blocks);
  }

  async sweep(claims: () => AsyncIterable<ContentId>, beforeMs: number): Promise<SweepReport> {
    const report = { looked: 0, deleted: 0, deletedBytes: 0 };
    for await (const batch of batches(this.journal.notedBefore(beforeMs))) {
      report.looked += batch.size;
      const claimed = new Set<ContentId>();
      for await (const claim of claims()) if (batch.has(claim)) claimed.add(claim);
      for (const { cid, sizeBytes } of batch.values()) {
        const isSwept = await this.#uploads.sweep(CID.parse(cid), async () => {
          if (((await this.journal.notedAtMs(cid)) ?? beforeMs) >= beforeMs) return false;
          if (claimed.has(cid)) await this.journal.forget(cid);
          return !claimed.has(cid);
        });
        if (!isSwept) continue;
        report.deleted += 1;
        report.deletedBytes += sizeBytes;
      }
    }
    await this.#collect();
    return report;
  }

  async #add(source: AsyncIterable<Uint8Array>): Promise<StoredContent> {
    const hasher = new ContentIdHasher();
    let sizeBytes = 0;
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const piece of source) {
        hasher.update(piece);
        sizeBytes += piece.length;
        yield piece;
      }
    }
    const added = await this.node.add(hashed());
    const cid = hasher.finish();
    if (added !== cid)
      throw contentBackendUnfit("it gives a file another CID than the platform does; check its version.");
    return { cid, sizeBytes };
  }

  async #pin(cid: ContentId): Promise<void> {
    try {
      await this.node.pin(cid);
    } catch (error) {
      // Collected as garbage between adding and pinning: the same upload succeeds when it comes again.
      throw codedErrorOf(error).code === "content-not-found" ? contentBackendUnavailable(error) : error;
    }
  }

  async #unpin(cid: ContentId): Promise<void> {
    await this.node.unpin(cid);
    await this.journal.forget(cid);
  }

  async #collect(): Promise<void> {
    if (!this.#hasGarbage || !this.settings.collectsGarbage) return;
    this.#hasGarbage = false;
    await this.node.collectGarbage(AbortSignal.timeout(this.settings.collectTimeoutMs));
  }
}

async function* batches(found: AsyncIterable<NotedUpload>): AsyncGenerator<Map<ContentId, NotedUpload>> {
  let batch = new Map<ContentId, NotedUpload>();
  for await (const upload of found) {
    batch.set(upload.cid, upload);
    if (batch.size < UPLOADS_TOGETHER) continue;
    yield batch;
    batch = new Map();
  }
  if (batch.size > 0) yield batch;
}
