import {
  absorb,
  INPUT_AT,
  RATE_BYTES,
  ROUND_CONSTANTS_AT,
  roundConstants,
  STATE_AT,
} from "./keccak-permutation.js";
import { instantiate } from "./wasm-assembler.js";

const PAGES = 1;
const DIGEST_BYTES = 32;
/** Blocks that the memory holds; longer input goes through it in parts. */
const MAX_BLOCKS = Math.floor((PAGES * 65_536 - INPUT_AT) / RATE_BYTES);
const MAX_BYTES = MAX_BLOCKS * RATE_BYTES;
/** Longer runs are copied by the engine's own routine, which costs more to call. */
const SHORT_COPY_BYTES = 72;

// One instance for all calls: each call is complete before the next begins.
const wasm = instantiate<{ absorb(input: number, blocks: number): void }>([absorb], PAGES);
const bytes = new Uint8Array(wasm.memory.buffer);
const words = new Int32Array(wasm.memory.buffer);
new BigUint64Array(wasm.memory.buffer).set(roundConstants(), ROUND_CONSTANTS_AT / 8);
const STATE_WORDS = 50;
const WORD_BYTES = 4;
const LAST_PADDING_BIT = 1 << 31;

function copyIn(input: Uint8Array, from: number, length: number): void {
  const isWhole = from === 0 && length === input.length;
  if (length > SHORT_COPY_BYTES) bytes.set(isWhole ? input : input.subarray(from, from + length), INPUT_AT);
  else for (let i = 0; i < length; i++) bytes[INPUT_AT + i] = input[from + i] as number;
}

/** Leaves the digest at the start of the memory. */
function run(input: Uint8Array, start: number, length: number): void {
  for (let i = 0; i < STATE_WORDS; i++) words[i] = 0;
  let from = start;
  let left = length;
  for (; left >= MAX_BYTES; left -= MAX_BYTES, from += MAX_BYTES) {
    copyIn(input, from, MAX_BYTES);
    wasm.absorb(INPUT_AT, MAX_BLOCKS);
  }
  const blocks = Math.floor(left / RATE_BYTES) + 1;
  const end = INPUT_AT + blocks * RATE_BYTES;
  for (let i = (INPUT_AT + left) >> 2; i < end >> 2; i++) words[i] = 0;
  copyIn(input, from, left);
  // Keccak's own padding, from before FIPS 202 put two more bits in front of it.
  bytes[INPUT_AT + left] = 0x01;
  bytes[end - 1] = (bytes[end - 1] as number) | 0x80;
  wasm.absorb(INPUT_AT, blocks);
}

/** Keccak-256 as Ethereum uses it (before FIPS 202 changed the padding). A fresh array of 32 bytes. */
export function keccak256(input: Uint8Array): Uint8Array {
  run(input, 0, input.length);
  return bytes.slice(STATE_AT, STATE_AT + DIGEST_BYTES);
}

/** Keccak-256 of `length` bytes of `input` from `from`, to `out` at `at`. Allocates nothing for the digest. */
export function keccak256To(
  input: Uint8Array,
  from: number,
  length: number,
  out: Uint8Array,
  at: number,
): void {
  run(input, from, length);
  for (let i = 0; i < DIGEST_BYTES; i++) out[at + i] = bytes[STATE_AT + i] as number;
}

/**
 * Keccak-256 of `length` bytes from word `from` of `memory`, to its eight words from `to`. For messages that start at a
 * whole word: they are copied and written by words, and nothing is allocated.
 */
export function keccak256Words(memory: Int32Array, from: number, length: number, to: number): void {
  if (length >= MAX_BYTES) {
    const view = new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength);
    keccak256To(view, from * WORD_BYTES, length, view, to * WORD_BYTES);
    return;
  }
  for (let i = 0; i < STATE_WORDS; i++) words[i] = 0;
  const blocks = Math.floor(length / RATE_BYTES) + 1;
  const whole = length >> 2;
  const first = INPUT_AT / WORD_BYTES;
  for (let i = 0; i < whole; i++) words[first + i] = memory[from + i] as number;
  const end = first + (blocks * RATE_BYTES) / WORD_BYTES;
  // Padding begins in the word in which the message ends.
  const rest = (length & 3) * 8;
  const last = rest === 0 ? 0 : (memory[from + whole] as number) & ((1 << rest) - 1);
  words[first + whole] = last | (1 << rest);
  for (let i = first + whole + 1; i < end; i++) words[i] = 0;
  words[end - 1] = (words[end - 1] as number) | LAST_PADDING_BIT;
  wasm.absorb(INPUT_AT, blocks);
  for (let i = 0; i < DIGEST_BYTES / WORD_BYTES; i++) memory[to + i] = words[i] as number;
}

/**
 * Keccak-256 of `length` bytes of `input` from `from`, as a number of eight 32-bit limbs, least significant first, at
 * `at` of `out`: the form in which the EVM keeps words. Does not allocate.
 */
export function keccak256Limbs(
  input: Uint8Array,
  from: number,
  length: number,
  out: Int32Array,
  at: number,
): void {
  run(input, from, length);
  for (let i = 0; i < 8; i++) {
    const word = words[7 - i] as number;
    out[at + i] = (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
  }
}
