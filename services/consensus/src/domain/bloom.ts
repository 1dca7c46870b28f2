import { keccak256 } from "@aios/core-keccak/keccak";
import { fromHex } from "@aios/core-rlp/hex";
import type { Log } from "./block.js";

/** Ethereum's 2048-bit log filter (yellow paper, 4.4.3). */
export const BLOOM_BYTES = 256;

function bits(item: Uint8Array): number[] {
  const hash = keccak256(item);
  return [0, 2, 4].map((at) => (((hash[at] as number) << 8) | (hash[at + 1] as number)) & 2047);
}

function add(bloom: Uint8Array, item: Uint8Array): void {
  for (const bit of bits(item)) {
    const at = BLOOM_BYTES - 1 - (bit >> 3);
    bloom[at] = (bloom[at] as number) | (1 << (bit & 7));
  }
}

const EMPTY_BLOOM = new Uint8Array(BLOOM_BYTES);

/** Not to be changed: all that have no logs share one. */
export function logsBloom(logs: readonly Log[]): Uint8Array {
  if (logs.length === 0) return EMPTY_BLOOM;
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const log of logs) {
    add(bloom, fromHex(log.address));
    for (const topic of log.topics) add(bloom, fromHex(topic));
  }
  return bloom;
}

export function combineBlooms(blooms: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(BLOOM_BYTES);
  for (const bloom of blooms)
    for (let i = 0; i < BLOOM_BYTES; i++) out[i] = (out[i] as number) | (bloom[i] as number);
  return out;
}

/** A test for one address or topic that can be applied to many blooms: false means certainly absent. */
export function bloomTest(item: string): (bloom: Uint8Array) => boolean {
  const wanted = bits(fromHex(item));
  return (bloom) =>
    wanted.every((bit) => ((bloom[BLOOM_BYTES - 1 - (bit >> 3)] as number) & (1 << (bit & 7))) !== 0);
}
