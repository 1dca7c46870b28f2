import { ripemd160 as ripemd } from "@noble/hashes/legacy.js";
import { sha256 as sha } from "@noble/hashes/sha2.js";
import { concatenate, type Precompile, words } from "./precompile.js";

/** 0x02: SHA-256. */
export const sha256: Precompile = {
  gas: (input) => 60 + 12 * words(input),
  run: (input) => sha(input),
};

/** 0x03: RIPEMD-160, left padded to a word. */
export const ripemd160: Precompile = {
  gas: (input) => 600 + 120 * words(input),
  run: (input) => concatenate(new Uint8Array(12), ripemd(input)),
};

/** 0x04: the input itself. */
export const identity: Precompile = {
  gas: (input) => 15 + 3 * words(input),
  run: (input) => input.slice(),
};
