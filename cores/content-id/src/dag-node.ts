import { sha256 } from "@noble/hashes/sha2.js";

/** Multicodec numbers: a leaf is raw bytes, an inner node dag-pb. */
const RAW = 0x55;
const DAG_PB = 0x70;
const SHA2_256 = 0x12;

/** A finished part of the DAG. */
export interface DagNode {
  /** Binary CID, version 1. */
  readonly cid: Uint8Array;
  /** Bytes of the file under this node. */
  readonly fileBytes: number;
  /** Encoded bytes of this node and all under it. */
  readonly dagBytes: number;
}

/** A leaf: the chunk itself. */
export function rawLeaf(chunk: Uint8Array): DagNode {
  return { cid: cidOf(RAW, sha256(chunk)), fileBytes: chunk.length, dagBytes: chunk.length };
}

/** An inner node: UnixFS `File` in dag-pb, links first, names empty (the canonical form). */
export function fileNode(children: readonly DagNode[]): DagNode {
  const fileBytes = children.reduce((sum, child) => sum + child.fileBytes, 0);
  const links = children.map((child) =>
    field(2, [...field(1, [...child.cid]), ...field(2, []), 0x18, ...varint(child.dagBytes)]),
  );
  const unixfs = [
    0x08,
    2,
    0x18,
    ...varint(fileBytes),
    ...children.flatMap((child) => [0x20, ...varint(child.fileBytes)]),
  ];
  const encoded = Uint8Array.from([...links.flat(), ...field(1, unixfs)]);
  return {
    cid: cidOf(DAG_PB, sha256(encoded)),
    fileBytes,
    dagBytes: encoded.length + children.reduce((sum, child) => sum + child.dagBytes, 0),
  };
}

function cidOf(codec: number, digest: Uint8Array): Uint8Array {
  return Uint8Array.from([1, codec, SHA2_256, digest.length, ...digest]);
}

/** Protobuf length-delimited field. */
function field(number: number, bytes: readonly number[]): number[] {
  return [(number << 3) | 2, ...varint(bytes.length), ...bytes];
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
  return out;
}

/** True for a binary CID that this module could have made. */
export function isOurCid(bytes: Uint8Array): boolean {
  const codec = bytes[1];
  return (
    bytes.length === 36 &&
    bytes[0] === 1 &&
    (codec === RAW || codec === DAG_PB) &&
    bytes[2] === SHA2_256 &&
    bytes[3] === 32
  );
}
