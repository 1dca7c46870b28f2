import type { ContentId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { exporter } from "ipfs-unixfs-exporter";
import { base32 } from "multiformats/bases/base32";
import { CID } from "multiformats/cid";
import type { SweepReport } from "../../domain/ports.js";
import type { UploadBlocks } from "./upload-blocks.js";
import type { VerifiedBlockstore } from "./verified-blockstore.js";

/** Multicodec of a leaf. */
const RAW = 0x55;
/** Old blocks that are looked at together: bounds the memory, and how often all claims are gone through. */
const BLOCKS_TOGETHER = 20_000;

interface OldBlock {
  readonly cid: CID;
  readonly sizeBytes: number;
}

/**
 * Deletes blocks that were last stored before `beforeMs` and belong to no claimed content, batch by batch: first the
 * old blocks, then every claim, whose blocks leave the batch, then what is left of it. A claim that came meanwhile
 * wrote or refreshed its blocks, so that they are not old any more when it comes to deleting. Reads the inner nodes of
 * all claimed contents once a batch; a crash at any time leaves the rest to the next sweep. Throws what reading an
 * inner node throws: of a content that cannot be walked, nobody knows the blocks, and nothing of the batch is deleted.
 */
export async function sweepBlocks(
  blocks: VerifiedBlockstore,
  uploads: UploadBlocks,
  claims: () => AsyncIterable<ContentId>,
  beforeMs: number,
  blocksTogether: number = BLOCKS_TOGETHER,
): Promise<SweepReport> {
  const report = { looked: 0, deleted: 0, deletedBytes: 0 };
  for await (const batch of batches(blocks.storedBefore(beforeMs), blocksTogether)) {
    report.looked += batch.size;
    for await (const claim of claims()) {
      for await (const cid of blocksOf(CID.parse(claim), blocks)) batch.delete(keyOf(cid));
      if (batch.size === 0) break;
    }
    for (const { cid, sizeBytes } of batch.values()) {
      const isStillOld = async (): Promise<boolean> =>
        ((await blocks.storedAtMs(cid)) ?? Number.POSITIVE_INFINITY) < beforeMs;
      if (!(await uploads.sweep(cid, isStillOld))) continue;
      crashPoint("storage.sweep.after-delete");
      report.deleted += 1;
      report.deletedBytes += sizeBytes;
    }
  }
  return report;
}

async function* batches(found: AsyncIterable<OldBlock>, size: number): AsyncGenerator<Map<string, OldBlock>> {
  let batch = new Map<string, OldBlock>();
  for await (const block of found) {
    batch.set(keyOf(block.cid), block);
    if (batch.size < size) continue;
    yield batch;
    batch = new Map();
  }
  if (batch.size > 0) yield batch;
}

/** The content's own block and all below it. Leaves are not read. */
async function* blocksOf(root: CID, blocks: VerifiedBlockstore): AsyncGenerator<CID> {
  yield root;
  if (root.code === RAW) return;
  const node = await exporter(root, blocks, { offline: true });
  if (node.type !== "file") return;
  for (const { Hash } of node.node.Links) yield* blocksOf(Hash, blocks);
}

function keyOf(cid: CID): string {
  return base32.encode(cid.multihash.bytes);
}
