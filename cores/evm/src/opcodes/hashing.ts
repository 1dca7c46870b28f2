/** 0x20: KECCAK256 (Yellow Paper appendix H.2). */
import { keccak256Limbs } from "@aios/core-keccak/keccak";
import { GAS } from "../gas.js";
import { toNumber } from "../word.js";
import type { Family, Handler } from "./handler.js";

const MEMO_ENTRIES = 4_096;
const PAIR_BYTES = 64;
const pairs = new Int32Array(MEMO_ENTRIES * 16);
const digests = new Int32Array(MEMO_ENTRIES * 8);
const filled = new Uint8Array(MEMO_ENTRIES);

/**
 * Hash of two words: the address of a mapping's entry, by far the most frequent hash and often of the same words.
 * The last one of each of 4,096 classes is remembered.
 */
function hashPair(view: DataView, memory: Uint8Array, offset: number, out: Int32Array, at: number): void {
  let h = 0;
  for (let i = 0; i < 16; i++) h = Math.imul(h ^ view.getInt32(offset + i * 4), 0x85ebca6b) + (h >>> 15);
  const entry = (h ^ (h >>> 13)) & (MEMO_ENTRIES - 1);
  let same = filled[entry] === 1;
  for (let i = 0; i < 16 && same; i++) same = pairs[entry * 16 + i] === view.getInt32(offset + i * 4);
  if (!same) {
    filled[entry] = 1;
    for (let i = 0; i < 16; i++) pairs[entry * 16 + i] = view.getInt32(offset + i * 4);
    keccak256Limbs(memory, offset, PAIR_BYTES, digests, entry * 8);
  }
  for (let i = 0; i < 8; i++) out[at + i] = digests[entry * 8 + i];
}

const keccak256: Handler = (frame) => {
  const { stack } = frame;
  const offset = toNumber(stack, frame.sp - 8);
  const size = toNumber(stack, frame.sp - 16);
  frame.sp -= 8;
  if (!frame.charge(GAS.keccakWord * Math.ceil(size / 32)) || !frame.expand(offset, size)) return;
  if (size === PAIR_BYTES) hashPair(frame.view, frame.memory, offset, stack, frame.sp - 8);
  else keccak256Limbs(frame.memory, size === 0 ? 0 : offset, size, stack, frame.sp - 8);
};

export const hashing: Family = [[0x20, keccak256]];
