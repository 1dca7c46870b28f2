import { CHUNK_BYTES, MAX_CHILDREN } from "@aios/core-content-id/content-id";
import type { ContentId } from "@aios/kernel/identifiers";
import { codedErrorOf } from "@aios/service-kit/database-outage";
import { importByteStream } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import { storageFull } from "../../domain/errors.js";
import type { ContentStore, StoredContent, SweepReport } from "../../domain/ports.js";
import { sweepBlocks } from "./block-sweep.js";
import type { DiskSpace } from "./disk-space.js";
import type { HeliaNode } from "./helia-node.js";
import { BLOCKS_AHEAD, unixFsFile } from "./unixfs-file.js";
import { UploadBlocks } from "./upload-blocks.js";
import { isDiskFull } from "./verified-blockstore.js";

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

  read(cid: ContentId): AsyncIterable<Uint8Array> {
    return unixFsFile(cid, this.#node.blockstore);
  }
}
