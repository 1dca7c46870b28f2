import { CodedError } from "@aios/kernel/coded-error";
import type { ContentId } from "@aios/kernel/identifiers";
import { base32, fromBase32 } from "./base32.js";
import { type DagNode, fileNode, isOurCid, rawLeaf } from "./dag-node.js";

/** The platform's chunking: bytes in a leaf. Another value would give the same bytes another CID. */
export const CHUNK_BYTES = 1024 * 1024;
/** The platform's tree: most children of a node. */
export const MAX_CHILDREN = 1024;

export interface DagShape {
  readonly chunkBytes: number;
  readonly maxChildren: number;
}

const SHAPE: DagShape = { chunkBytes: CHUNK_BYTES, maxChildren: MAX_CHILDREN };

/**
 * Computes the IPFS CID (version 1, base32) of a file as it streams by: UnixFS, fixed-size chunks as raw leaves,
 * balanced tree, a single leaf stands alone; what `ipfs add --cid-version 1 --chunker size-1048576` with 1,024 links
 * and Helia's defaults give. Holds one chunk and one pending level entry per child; one SHA-256 pass over the bytes.
 */
export class ContentIdHasher {
  readonly #shape: DagShape;
  readonly #chunk: Uint8Array;
  #filled = 0;
  /** `#levels[i]` are the nodes of height i that have no parent yet, 1 to `maxChildren` each. */
  readonly #levels: DagNode[][] = [];
  #leaves = 0;

  constructor(shape: DagShape = SHAPE) {
    this.#shape = shape;
    this.#chunk = new Uint8Array(shape.chunkBytes);
  }

  update(bytes: Uint8Array): this {
    let offset = 0;
    while (offset < bytes.length) {
      const part = bytes.subarray(offset, offset + this.#chunk.length - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      offset += part.length;
      if (this.#filled === this.#chunk.length) this.#endChunk();
    }
    return this;
  }

  /** The CID of everything so far. Call once, at the end. */
  finish(): ContentId {
    if (this.#filled > 0 || this.#leaves === 0) this.#endChunk();
    for (let level = 0; ; level++) {
      const nodes = this.#levels[level] ?? [];
      const [first] = nodes;
      if (level === this.#levels.length - 1 && nodes.length === 1 && first !== undefined) {
        return `b${base32(first.cid)}` as ContentId;
      }
      this.#add(fileNode(nodes), level + 1);
    }
  }

  #endChunk(): void {
    this.#add(rawLeaf(this.#chunk.subarray(0, this.#filled)), 0);
    this.#leaves++;
    this.#filled = 0;
  }

  #add(node: DagNode, level: number): void {
    const nodes = this.#levels[level] ?? [];
    this.#levels[level] = nodes;
    if (nodes.length === this.#shape.maxChildren) {
      this.#levels[level] = [node];
      this.#add(fileNode(nodes), level + 1);
    } else {
      nodes.push(node);
    }
  }
}

/** CID of bytes in memory. */
export function contentIdOf(bytes: Uint8Array): ContentId {
  return new ContentIdHasher().update(bytes).finish();
}

/** Parses a CID as the platform writes them (version 1, base32, SHA-256). Throws `invalid-cid`. */
export function contentId(value: unknown, field = "cid"): ContentId {
  const bytes =
    typeof value === "string" && value.startsWith("b") && value.length < 100
      ? fromBase32(value.slice(1))
      : undefined;
  if (bytes === undefined || !isOurCid(bytes)) {
    throw new CodedError({
      code: "invalid-cid",
      kind: "invalid",
      message: `${field} must be a CID of version 1 in base32 (bafk… or bafy…).`,
      field,
    });
  }
  return value as ContentId;
}

/** Throws `content-hash-mismatch` unless the bytes have this CID. */
export function assertContentId(bytes: Uint8Array, expected: string): void {
  const actual = contentIdOf(bytes);
  if (actual === expected) return;
  throw new CodedError({
    code: "content-hash-mismatch",
    kind: "unprocessable",
    message: "The bytes received are not the content that was asked for.",
    details: { expected, actual },
  });
}
