import { CHUNK_BYTES, MAX_CHILDREN } from "@aios/core-content-id/content-id";
import { isCodedError } from "@aios/kernel/coded-error";
import type { ContentId } from "@aios/kernel/identifiers";
import { codedErrorOf } from "@aios/service-kit/database-outage";
import { exporter } from "ipfs-unixfs-exporter";
import { importByteStream } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import { CID } from "multiformats/cid";
import { contentNotFound, storageFull } from "../../domain/errors.js";
import type { ContentStore, StoredContent, SweepReport } from "../../domain/ports.js";
import { sweepBlocks } from "./block-sweep.js";
import type { DiskSpace } from "./disk-space.js";
import type { HeliaNode } from "./helia-node.js";
import { UploadBlocks } from "./upload-blocks.js";
import { isDiskFull } from "./verified-blockstore.js";

/** Whole blocks, so that none is read twice. */
const WINDOW_BYTES = 4 * CHUNK_BYTES;
/** Blocks of one content read ahead; with 1 MiB blocks this bounds the memory of a reader. */
const BLOCKS_AHEAD = 2;

/** Contents as UnixFS files of an embedded IPFS node. */
export class HeliaContentStore implements ContentStore {
  readonly #node: HeliaNode;
  readonly #uploads: UploadBlocks;
  readonly #disk: DiskSpace;
  readonly #minFreeBytes: number;

  constructor(node: HeliaNode, disk: DiskSpace, minFreeBytes: number) {
    this.#node = node;
    this.#uploads = new UploadBlocks({
      put: (cid, bytes) => node.blockstore.put(cid, bytes),
      has: (cid) => node.localBlocks.has(cid),
      delete: (cid) => node.localBlocks.delete(cid),
      refresh: (cid) => node.localBlocks.refresh(cid),
    });
    this.#disk = disk;
    this.#minFreeBytes = minFreeBytes;
  }

  async put(
    source: AsyncIterable<Uint8Array>,
    accept: (stored: StoredContent) => Promise<void>,
  ): Promise<StoredContent> {
    if ((await this.#disk.freeBytes()) < this.#minFreeBytes) throw storageFull();
    let sizeBytes = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        sizeBytes += chunk.length;
        yield chunk;
      }
    }
    const upload = this.#uploads.begin();
    let isAsked = false;
    try {
      const { cid } = await importByteStream(counted(), upload, {
        cidVersion: 1,
        rawLeaves: true,
        reduceSingleLeafToSelf: true,
        chunker: fixedSize({ chunkSize: CHUNK_BYTES }),
        layout: balanced({ maxChildrenPerNode: MAX_CHILDREN }),
        blockWriteConcurrency: BLOCKS_AHEAD,
      });
      const stored = { cid: cid.toString() as ContentId, sizeBytes };
      isAsked = true;
      await accept(stored);
      upload.keep();
      return stored;
    } catch (error) {
      // An outage leaves open whether the content was accepted: blocks without a claim harm less than a claim without.
      if (isAsked && codedErrorOf(error).kind === "unavailable") upload.keep();
      else await upload.discard();
      throw isDiskFull(error) ? storageFull() : error;
    }
  }

  sweep(claims: () => AsyncIterable<ContentId>, beforeMs: number): Promise<SweepReport> {
    return sweepBlocks(this.#node.localBlocks, this.#uploads, claims, beforeMs);
  }

  async *read(cid: ContentId): AsyncGenerator<Uint8Array> {
    try {
      const options = { offline: true, blockReadConcurrency: BLOCKS_AHEAD };
      const file = await exporter(CID.parse(cid), this.#node.blockstore, options);
      if (file.type !== "file" && file.type !== "raw") throw contentNotFound(cid);
      // The exporter reads ahead of its reader without bound; a window at a time keeps that to the window.
      const sizeBytes = Number(file.size);
      for (let offset = 0; offset < sizeBytes; offset += WINDOW_BYTES) {
        yield* file.content({ ...options, offset, length: Math.min(WINDOW_BYTES, sizeBytes - offset) });
      }
    } catch (error) {
      throw damageOf(error) ?? (isMissing(error) ? contentNotFound(cid) : error);
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && /NotFound/.test(`${error.name} ${error.message}`);
}

/** Our own error, however deep IPFS code wrapped it. */
function damageOf(error: unknown): Error | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    if (isCodedError(cause)) return cause;
  }
  return undefined;
}
