import { CodedError } from "@aios/kernel/coded-error";

/** Recursive Length Prefix (Ethereum yellow paper, appendix B): a byte string or a list of items. */
export type RlpItem = Uint8Array | readonly RlpItem[];

const MAX_DEPTH = 32;

function lengthBytes(length: number): number[] {
  const out: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) out.unshift(rest % 256);
  return out;
}

function encodedLength(item: RlpItem): number {
  if (item instanceof Uint8Array) {
    if (item.length === 1 && (item[0] as number) < 0x80) return 1;
    return headerLength(item.length) + item.length;
  }
  const payload = payloadLength(item);
  return headerLength(payload) + payload;
}

function payloadLength(items: readonly RlpItem[]): number {
  let total = 0;
  for (const item of items) total += encodedLength(item);
  return total;
}

function headerLength(length: number): number {
  return length < 56 ? 1 : 1 + lengthBytes(length).length;
}

function writeHeader(out: Uint8Array, offset: number, length: number, short: number): number {
  if (length < 56) {
    out[offset] = short + length;
    return offset + 1;
  }
  const bytes = lengthBytes(length);
  out[offset] = short + 55 + bytes.length;
  out.set(bytes, offset + 1);
  return offset + 1 + bytes.length;
}

function write(out: Uint8Array, offset: number, item: RlpItem): number {
  if (item instanceof Uint8Array) {
    if (item.length === 1 && (item[0] as number) < 0x80) {
      out[offset] = item[0] as number;
      return offset + 1;
    }
    const start = writeHeader(out, offset, item.length, 0x80);
    out.set(item, start);
    return start + item.length;
  }
  let at = writeHeader(out, offset, payloadLength(item), 0xc0);
  for (const child of item) at = write(out, at, child);
  return at;
}

/** Encodes an item. Never fails for well-typed input. */
export function encodeRlp(item: RlpItem): Uint8Array {
  const out = new Uint8Array(encodedLength(item));
  write(out, 0, item);
  return out;
}

function malformed(why: string): CodedError {
  return new CodedError({
    code: "malformed-rlp",
    kind: "invalid",
    message: `The RLP encoding is malformed: ${why}.`,
  });
}

interface Cursor {
  readonly item: RlpItem;
  readonly end: number;
}

function readLength(bytes: Uint8Array, offset: number, count: number): number {
  if (count > 4 || offset + count > bytes.length) throw malformed("a length runs past the end");
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[offset + i] as number);
  if (bytes[offset] === 0 || length < 56) throw malformed("a length is not minimal");
  return length;
}

function read(bytes: Uint8Array, offset: number, depth: number): Cursor {
  if (depth > MAX_DEPTH) throw malformed("lists are nested too deeply");
  const first = bytes[offset];
  if (first === undefined) throw malformed("an item is missing");
  if (first < 0x80) return { item: bytes.subarray(offset, offset + 1), end: offset + 1 };
  const isList = first >= 0xc0;
  const short = first - (isList ? 0xc0 : 0x80);
  let start = offset + 1;
  let length = short;
  if (short > 55) {
    length = readLength(bytes, start, short - 55);
    start += short - 55;
  }
  const end = start + length;
  if (end > bytes.length) throw malformed("an item runs past the end");
  if (!isList) {
    if (length === 1 && (bytes[start] as number) < 0x80) throw malformed("a single byte is not minimal");
    return { item: bytes.subarray(start, end), end };
  }
  const items: RlpItem[] = [];
  for (let at = start; at < end; ) {
    const child = read(bytes, at, depth + 1);
    if (child.end > end) throw malformed("an item runs past its list");
    items.push(child.item);
    at = child.end;
  }
  return { item: items, end };
}

/** Strict decoder: minimal lengths, no trailing bytes, bounded depth. Slices alias `bytes`. Throws `malformed-rlp`. */
export function decodeRlp(bytes: Uint8Array): RlpItem {
  const { item, end } = read(bytes, 0, 0);
  if (end !== bytes.length) throw malformed("bytes follow the item");
  return item;
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
