import { p256 } from "@noble/curves/nist.js";
import { concatenate, ONE, type Precompile } from "./precompile.js";

const INPUT_BYTES = 160;

function isSigned(input: Uint8Array): boolean {
  if (input.length !== INPUT_BYTES) return false;
  try {
    const key = concatenate(Uint8Array.of(4), input.subarray(96, 160));
    return p256.verify(input.subarray(32, 96), input.subarray(0, 32), key, { prehash: false, lowS: false });
  } catch {
    return false;
  }
}

/** 0x100: signature check on secp256r1 (EIP-7951). Answers nothing, and does not fail, for a wrong one. */
export const p256Verify: Precompile = {
  gas: () => 6_900,
  run: (input) => (isSigned(input) ? ONE.slice() : new Uint8Array(0)),
};
