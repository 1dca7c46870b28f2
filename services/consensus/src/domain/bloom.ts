import { keccak256 } from "@aios/core-keccak/keccak";
import { fromHex } from "@aios/core-rlp/hex";
import type { Log } from "./block.js";

/** Ethereum's 2048-bit log filter (yellow paper, 4.4.3). */
export const BLOOM_BYTES = 256;

function bits(item: Uint8Array): readonly number[] {
  const hash = keccak256(item);
  return [0, 2, 4].map((at) => (((hash[at] as number) << 8) | (hash[at + 1] as number)) & 2047);
}

/** The bits of addresses and topics that have been asked for, by their hex: the logs of a block name few of them, often. */
export type KnownBits = Map<string, readonly number[]>;
const MAX_KNOWN = 4_096;

function add(bloom: Uint8Array, item: string, known: KnownBits): void {
  let wanted = known.get(item);
  if (wanted === undefined) {
    wanted = bits(fromHex(item));
    if (known.size < MAX_KNOWN) known.set(item, wanted);
  }
  for (const bit of wanted) {
    const at = BLOOM_BYTES - 1 - (bit >> 3);
    bloom[at] = (bloom[at] as number) | (1 << (bit & 7));
  }
}

const EMPTY_BLOOM = new Uint8Array(BLOOM_BYTES);

/** Not to be changed: all that have no logs share one. `known` serves the blooms of one block. */
export function logsBloom(logs: readonly Log[], known: KnownBits = new Map()): Uint8Array {
  if (logs.length === 0) return EMPTY_BLOOM;
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const log of logs) {
    add(bloom, log.address, known);
    for (const topic of log.topics) add(bloom, topic, known);
  }
  return bloom;
}

/** The bloom of each receipt, in their order. */
export function receiptBlooms(receipts: readonly { readonly logs: readonly Log[] }[]): Uint8Array[] {
  const known: KnownBits = new Map();
  return receipts.map(({ logs }) => logsBloom(logs, known));
}

export function combineBlooms(blooms: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(BLOOM_BYTES);
  for (const bloom of blooms) {
    if (bloom === EMPTY_BLOOM) continue;
    for (let i = 0; i < BLOOM_BYTES; i++) out[i] = (out[i] as number) | (bloom[i] as number);
  }
  return out;
}

/** A test for one address or topic that can be applied to many blooms: false means certainly absent. */
export function bloomTest(item: string): (bloom: Uint8Array) => boolean {
  const wanted = bits(fromHex(item));
  return (bloom) =>
    wanted.every((bit) => ((bloom[BLOOM_BYTES - 1 - (bit >> 3)] as number) & (1 << (bit & 7))) !== 0);
}
