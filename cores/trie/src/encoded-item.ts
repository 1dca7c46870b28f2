import { corruptTrie } from "./errors.js";

const FIRST_STRING = 0x80;
const LAST_SHORT_STRING = 0xb7;
const FIRST_LIST = 0xc0;
const LAST_SHORT_LIST = 0xf7;
const SHORT_LIMIT = 55;

/** Where the content of the item at `at` starts, in RLP that was checked or made here. */
export function itemStart(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < FIRST_STRING) return at;
  if (first <= LAST_SHORT_STRING) return at + 1;
  if (first < FIRST_LIST) return at + 1 + first - LAST_SHORT_STRING;
  return first <= LAST_SHORT_LIST ? at + 1 : at + 1 + first - LAST_SHORT_LIST;
}

/** Where the item at `at` ends, likewise. */
export function itemEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < FIRST_STRING) return at + 1;
  if (first <= LAST_SHORT_STRING) return at + 1 + first - FIRST_STRING;
  if (first < FIRST_LIST) return longEnd(bytes, at, first - LAST_SHORT_STRING);
  if (first <= LAST_SHORT_LIST) return at + 1 + first - FIRST_LIST;
  return longEnd(bytes, at, first - LAST_SHORT_LIST);
}

function longEnd(bytes: Uint8Array, at: number, lengthBytes: number): number {
  let length = 0;
  for (let i = 1; i <= lengthBytes; i++) length = length * 256 + (bytes[at + i] as number);
  return at + 1 + lengthBytes + length;
}

export const isList = (bytes: Uint8Array, at: number): boolean => (bytes[at] as number) >= FIRST_LIST;

/** As `itemEnd`, where nothing is known of the bytes before `limit`. Throws `corrupt-trie` where no item is. */
export function checkedItemEnd(bytes: Uint8Array, at: number, limit: number): number {
  if (at >= limit || itemStart(bytes, at) > limit) throw corruptTrie("a node ends early");
  const start = itemStart(bytes, at);
  const end = itemEnd(bytes, at);
  if (end > limit) throw corruptTrie("a node ends early");
  const length = end - start;
  const first = bytes[at] as number;
  const isSingle = first === FIRST_STRING + 1 && (bytes[start] as number) < FIRST_STRING;
  const isLong = start - at > 1;
  if (isSingle || (isLong && (length <= SHORT_LIMIT || bytes[at + 1] === 0)))
    throw corruptTrie("a node is not encoded as short as it can be");
  return end;
}
