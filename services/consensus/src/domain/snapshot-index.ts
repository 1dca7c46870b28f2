import { snapshotInvalid } from "@aios/core-honor-node/snapshot-fault";
import { decodeRlp, encodeRlp, rlpBytes, rlpList } from "@aios/core-rlp/rlp";
import { isCodedError } from "@aios/kernel/coded-error";

/** What a snapshot's parts hold, in this order: the chain, then rows of each table by ascending key. */
export const PART_KINDS = ["chain", "accounts", "storage", "codes"] as const;
export type PartKind = (typeof PART_KINDS)[number];

export interface SnapshotPart {
  readonly kind: PartKind;
  readonly sizeBytes: number;
  /** 32 bytes. */
  readonly sha256: Uint8Array;
}

/** What a snapshot is made of. Who gives it is not trusted: what the parts say is proven by certificates. */
export interface SnapshotIndex {
  readonly height: number;
  readonly parts: readonly SnapshotPart[];
}

/** Where a snapshot comes from. */
export interface SnapshotSource {
  index(): Promise<Uint8Array>;
  /** The bytes of a part, of the size and hash that the index says. */
  part(index: number, part: SnapshotPart): Promise<Uint8Array>;
}

const VERSION = 1;
const HASH_BYTES = 32;
export const MAX_PART_BYTES = 1_048_576;
/** Of 1 MiB each, 8 GiB: whoever takes a state in holds its accounts in memory. */
export const MAX_PARTS = 8_192;

export function encodeIndex({ height, parts }: SnapshotIndex): Uint8Array {
  return encodeRlp([
    whole(VERSION),
    whole(height),
    parts.map(({ kind, sizeBytes, sha256 }) => [whole(PART_KINDS.indexOf(kind)), whole(sizeBytes), sha256]),
  ]);
}

/** Inverse of `encodeIndex`. Throws `invalid-snapshot` with the field. */
export function decodeIndex(bytes: Uint8Array): SnapshotIndex {
  return reading("index", () => {
    const [version, height, parts] = rlpList(decodeRlp(bytes, 3));
    if (numberOf(version) !== VERSION) throw snapshotInvalid("version");
    const items = rlpList(parts);
    if (items.length === 0 || items.length > MAX_PARTS) throw snapshotInvalid("index.parts");
    const out = items.map((item): SnapshotPart => {
      const [kind, sizeBytes, sha256] = rlpList(item);
      const name = PART_KINDS[numberOf(kind)];
      const hash = rlpBytes(sha256);
      const size = numberOf(sizeBytes);
      if (name === undefined || hash.length !== HASH_BYTES || size > MAX_PART_BYTES)
        throw snapshotInvalid("index.part");
      return { kind: name, sizeBytes: size, sha256: new Uint8Array(hash) };
    });
    const order = out.map(({ kind }) => PART_KINDS.indexOf(kind));
    if (order.some((kind, at) => kind < (order[at - 1] ?? 0))) throw snapshotInvalid("index.order");
    return { height: numberOf(height), parts: out };
  });
}

/** Runs a reader; whatever coded error it meets comes out as `invalid-snapshot`. */
export function reading<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!isCodedError(cause) || cause.code === "invalid-snapshot") throw cause;
    throw snapshotInvalid(field, cause);
  }
}

function whole(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}

function numberOf(item: ReturnType<typeof decodeRlp> | undefined): number {
  const bytes = rlpBytes(item);
  if (bytes.length > 6) throw snapshotInvalid("index.number");
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}
