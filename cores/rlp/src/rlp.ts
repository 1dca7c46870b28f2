import { CodedError } from "@aios/kernel/coded-error";
import { bytesToBigint } from "./hex.js";

/** Recursive Length Prefix (Ethereum yellow paper, appendix B): a byte string or a list of items. */
export type RlpItem = Uint8Array | readonly RlpItem[];

/** Nesting that the decoder follows unless told otherwise: far beyond any Ethereum structure, far below the stack. */
export const MAX_RLP_DEPTH = 1_024;

const SINGLE_BYTE_LIMIT = 0x80;
const LIST_OFFSET = 0xc0;
const SHORT_LIMIT = 55;
const MAX_LENGTH_BYTES = 4;

/** Bytes of an item's header, for a payload of `length` bytes. */
export function rlpHeaderLength(length: number): number {
  if (length <= SHORT_LIMIT) return 1;
  if (length < 0x100) return 2;
  if (length < 0x10000) return 3;
  return length < 0x1000000 ? 4 : 5;
}

/** Writes the header that ends before `end`; returns where it starts. */
function writeHeaderBefore(out: Uint8Array, end: number, length: number, offset: number): number {
  let at = end;
  if (length <= SHORT_LIMIT) {
    out[--at] = offset + length;
    return at;
  }
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) out[--at] = rest % 256;
  out[at - 1] = offset + SHORT_LIMIT + (end - at);
  return at - 1;
}

/** Writes the header of a list whose payload has `length` bytes at `offset`; returns where the payload starts. */
export function writeRlpListHeader(out: Uint8Array, offset: number, length: number): number {
  const end = offset + rlpHeaderLength(length);
  writeHeaderBefore(out, end, length, LIST_OFFSET);
  return end;
}

/**
 * Writes the header of a byte string of `length` bytes at `offset`; returns where its bytes start. For a single byte
 * below 0x80, which is its own encoding, that is `offset`: the caller says so by a length of 1.
 */
export function writeRlpBytesHeader(out: Uint8Array, offset: number, length: number): number {
  if (length === 1) return offset;
  const start = offset + rlpHeaderLength(length);
  writeHeaderBefore(out, start, length, SINGLE_BYTE_LIMIT);
  return start;
}

/** Writes the encoding of a byte string at `offset`; returns where it ends. */
export function writeRlpBytes(out: Uint8Array, offset: number, bytes: Uint8Array): number {
  const { length } = bytes;
  if (length === 1 && (bytes[0] as number) < SINGLE_BYTE_LIMIT) {
    out[offset] = bytes[0] as number;
    return offset + 1;
  }
  const start = offset + rlpHeaderLength(length);
  writeHeaderBefore(out, start, length, SINGLE_BYTE_LIMIT);
  out.set(bytes, start);
  return start + length;
}

/** Bytes of the encoding. Linear in the number of items. */
export function rlpLength(item: RlpItem): number {
  if (item instanceof Uint8Array) {
    if (item.length === 1 && (item[0] as number) < SINGLE_BYTE_LIMIT) return 1;
    return rlpHeaderLength(item.length) + item.length;
  }
  let payload = 0;
  for (const child of item) payload += rlpLength(child);
  return rlpHeaderLength(payload) + payload;
}

/** Writes back to front, so that a list's length is known when its header is written. Returns where it starts. */
function writeBefore(out: Uint8Array, end: number, item: RlpItem): number {
  if (item instanceof Uint8Array) {
    const start = end - item.length;
    out.set(item, start);
    if (item.length === 1 && (item[0] as number) < SINGLE_BYTE_LIMIT) return start;
    return writeHeaderBefore(out, start, item.length, SINGLE_BYTE_LIMIT);
  }
  let at = end;
  for (let i = item.length - 1; i >= 0; i--) at = writeBefore(out, at, item[i] as RlpItem);
  return writeHeaderBefore(out, at, end - at, LIST_OFFSET);
}

/**
 * Encodes an item, behind a byte that says its type (EIP-2718) where there is one. Never fails for well-typed input.
 * Cost: two passes, one allocation.
 */
export function encodeRlp(item: RlpItem, type?: number): Uint8Array {
  const prefix = type === undefined ? 0 : 1;
  const out = new Uint8Array(prefix + rlpLength(item));
  if (type !== undefined) out[0] = type;
  writeBefore(out, out.length, item);
  return out;
}

function malformed(why: string): CodedError {
  return new CodedError({
    code: "malformed-rlp",
    kind: "invalid",
    message: `The RLP encoding is malformed: ${why}.`,
  });
}

class Reader {
  /** End of the item read last. */
  end = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly maxDepth: number,
  ) {}

  read(offset: number, limit: number, depth: number): RlpItem {
    if (offset >= limit) throw malformed("an item is missing");
    const { bytes } = this;
    const first = bytes[offset] as number;
    if (first < SINGLE_BYTE_LIMIT) {
      this.end = offset + 1;
      return bytes.subarray(offset, offset + 1);
    }
    const isList = first >= LIST_OFFSET;
    let length = first - (isList ? LIST_OFFSET : SINGLE_BYTE_LIMIT);
    let start = offset + 1;
    if (length > SHORT_LIMIT) {
      const count = length - SHORT_LIMIT;
      length = this.#readLength(start, count, limit);
      start += count;
    }
    const end = start + length;
    if (end > limit) throw malformed("an item runs past the end");
    if (isList) return this.#readList(start, end, depth + 1);
    if (length === 1 && (bytes[start] as number) < SINGLE_BYTE_LIMIT)
      throw malformed("a single byte is not minimal");
    this.end = end;
    return bytes.subarray(start, end);
  }

  /** The encodings of the items of the list at the beginning. */
  split(): Uint8Array[] {
    const list = this.#span(0, this.bytes.length);
    if (!list.isList || list.end !== this.bytes.length) throw malformed("it is not one list");
    const items: Uint8Array[] = [];
    for (let at = list.start; at < list.end; ) {
      const { end } = this.#span(at, list.end);
      items.push(this.bytes.subarray(at, end));
      at = end;
    }
    return items;
  }

  #span(
    offset: number,
    limit: number,
  ): { readonly isList: boolean; readonly start: number; readonly end: number } {
    const first = this.bytes[offset];
    if (first === undefined || offset >= limit) throw malformed("an item is missing");
    const isList = first >= LIST_OFFSET;
    if (first < SINGLE_BYTE_LIMIT) return { isList, start: offset, end: offset + 1 };
    const length = first - (isList ? LIST_OFFSET : SINGLE_BYTE_LIMIT);
    const count = Math.max(0, length - SHORT_LIMIT);
    const start = offset + 1 + count;
    const end = start + (count === 0 ? length : this.#readLength(offset + 1, count, limit));
    if (end > limit) throw malformed("an item runs past the end");
    return { isList, start, end };
  }

  #readList(start: number, end: number, depth: number): RlpItem {
    if (depth > this.maxDepth) throw malformed("lists are nested too deeply");
    const items: RlpItem[] = [];
    for (let at = start; at < end; at = this.end) items.push(this.read(at, end, depth));
    this.end = end;
    return items;
  }

  #readLength(offset: number, count: number, limit: number): number {
    if (count > MAX_LENGTH_BYTES || offset + count > limit) throw malformed("a length runs past the end");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (this.bytes[offset + i] as number);
    if (this.bytes[offset] === 0 || length <= SHORT_LIMIT) throw malformed("a length is not minimal");
    return length;
  }
}

/**
 * Strict decoder: minimal lengths, no trailing bytes, bounded depth. Byte strings are views into `bytes`. Throws
 * `malformed-rlp`. Cost: linear in `bytes`; every list item costs at least one of its bytes.
 */
export function decodeRlp(bytes: Uint8Array, maxDepth = MAX_RLP_DEPTH): RlpItem {
  const reader = new Reader(bytes, maxDepth);
  const item = reader.read(0, bytes.length, 0);
  if (reader.end !== bytes.length) throw malformed("bytes follow the item");
  return item;
}

/**
 * The encodings of a list's items, as views into `bytes`: which are many, and of which few are wanted. Throws
 * `malformed-rlp` for what is no list, or has other bytes behind it; what is in the items is not looked at. Cost: linear
 * in their number.
 */
export function splitRlpList(bytes: Uint8Array): Uint8Array[] {
  return new Reader(bytes, 0).split();
}

/** Throws `malformed-rlp` unless the item is a list. */
export function rlpList(item: RlpItem | undefined): readonly RlpItem[] {
  if (item === undefined || item instanceof Uint8Array) throw malformed("a list was expected");
  return item;
}

/** Throws `malformed-rlp` unless the item is a byte string. */
export function rlpBytes(item: RlpItem | undefined): Uint8Array {
  if (!(item instanceof Uint8Array)) throw malformed("a byte string was expected");
  return item;
}

/**
 * The integer of a byte string: big endian, without leading zeros (zero is the empty string), of at most `maxBytes`.
 * Throws `malformed-rlp`.
 */
export function rlpInteger(item: RlpItem | undefined, maxBytes = 32): bigint {
  const bytes = rlpBytes(item);
  if (bytes[0] === 0) throw malformed("an integer has leading zeros");
  if (bytes.length > maxBytes) throw malformed(`an integer is longer than ${maxBytes} bytes`);
  return bytesToBigint(bytes);
}
