import { corruptTrie } from "./errors.js";

/** A half byte of a key. */
export function nibbleAt(key: Uint8Array, at: number): number {
  const byte = key[at >> 1] as number;
  return (at & 1) === 0 ? byte >> 4 : byte & 15;
}

/** The half bytes of a key, high one first. */
export function toNibbles(key: Uint8Array): Uint8Array {
  const out = new Uint8Array(key.length * 2);
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] as number;
    out[i * 2] = byte >> 4;
    out[i * 2 + 1] = byte & 15;
  }
  return out;
}

/** Inverse of `toNibbles`. */
export function fromNibbles(nibbles: Uint8Array): Uint8Array {
  const out = new Uint8Array(nibbles.length >> 1);
  for (let i = 0; i < out.length; i++)
    out[i] = ((nibbles[i * 2] as number) << 4) | (nibbles[i * 2 + 1] as number);
  return out;
}

/** As `fromNibbles`; the last of an odd number is followed by 0. */
export function packNibbles(nibbles: Uint8Array): Uint8Array {
  const out = new Uint8Array((nibbles.length + 1) >> 1);
  for (let i = 0; i < nibbles.length; i++)
    out[i >> 1] = (out[i >> 1] as number) | ((nibbles[i] as number) << ((i & 1) === 0 ? 4 : 0));
  return out;
}

/** Bytes of a path in hex-prefix encoding. */
export const compactLength = (path: Uint8Array): number => (path.length >> 1) + 1;

/** Writes a path in hex-prefix encoding (yellow paper, appendix C) at `at`. */
export function writeCompactPath(out: Uint8Array, at: number, path: Uint8Array, isLeaf: boolean): void {
  const odd = path.length & 1;
  out[at] = (isLeaf ? 0x20 : 0) | (odd === 1 ? 0x10 | (path[0] as number) : 0);
  for (let i = odd, to = at + 1; i < path.length; i += 2)
    out[to++] = ((path[i] as number) << 4) | (path[i + 1] as number);
}

/** A path in hex-prefix encoding. */
export function compactPath(path: Uint8Array, isLeaf: boolean): Uint8Array {
  const out = new Uint8Array(compactLength(path));
  writeCompactPath(out, 0, path, isLeaf);
  return out;
}

/** Inverse of `compactPath`. Throws `corrupt-trie`. */
export function expandPath(bytes: Uint8Array): { readonly path: Uint8Array; readonly isLeaf: boolean } {
  const flags = bytes[0];
  if (flags === undefined || flags > 0x3f) throw corruptTrie("a path is malformed");
  const nibbles = toNibbles(bytes);
  return { path: nibbles.subarray((flags & 0x10) !== 0 ? 1 : 2), isLeaf: (flags & 0x20) !== 0 };
}

/** Length of the longest common prefix of `a`, and of `b` from `offset`. */
export function commonPrefix(a: Uint8Array, b: Uint8Array, offset: number): number {
  const limit = Math.min(a.length, b.length - offset);
  let i = 0;
  while (i < limit && a[i] === b[offset + i]) i++;
  return i;
}
