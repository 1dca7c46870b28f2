import { CHUNK_BYTES } from "@aios/core-content-id/content-id";
import { isCodedError } from "@aios/kernel/coded-error";
import type { ContentId } from "@aios/kernel/identifiers";
import { exporter } from "ipfs-unixfs-exporter";
import { CID } from "multiformats/cid";
import { contentNotFound } from "../../domain/errors.js";

/** Whole blocks, so that none is read twice. */
const WINDOW_BYTES = 4 * CHUNK_BYTES;
/** Blocks of one content read ahead; with 1 MiB blocks this bounds the memory of a reader. */
export const BLOCKS_AHEAD = 2;

export type BlockSource = Parameters<typeof exporter>[1];

/** The bytes of a UnixFS file in order, out of blocks that were checked. Throws `content-not-found`, and the source's coded errors. */
export async function* unixFsFile(cid: ContentId, blocks: BlockSource): AsyncGenerator<Uint8Array> {
  try {
    const options = { offline: true, blockReadConcurrency: BLOCKS_AHEAD };
    const file = await exporter(CID.parse(cid), blocks, options);
    if (file.type !== "file" && file.type !== "raw") throw contentNotFound(cid);
    // The exporter reads ahead of its reader without bound; a window at a time keeps that to the window.
    const sizeBytes = Number(file.size);
    for (let offset = 0; offset < sizeBytes; offset += WINDOW_BYTES) {
      yield* file.content({ ...options, offset, length: Math.min(WINDOW_BYTES, sizeBytes - offset) });
    }
  } catch (error) {
    throw codedCauseOf(error) ?? (isMissing(error) ? contentNotFound(cid) : error);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && /NotFound/.test(`${error.name} ${error.message}`);
}

/** Our own error, however deep IPFS code wrapped it. */
function codedCauseOf(error: unknown): Error | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    if (isCodedError(cause)) return cause;
  }
  return undefined;
}
