import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bigintOf, concatenate, type Precompile, padded } from "./precompile.js";

/**
 * The address (20 bytes) that signed a 32-byte hash; `undefined` for a signature that gives no key. `signature`: r and
 * s, 32 bytes each; any s below the order is taken.
 */
export type RecoverAddress = (
  hash: Uint8Array,
  signature: Uint8Array,
  yParity: 0 | 1,
) => Uint8Array | undefined;

/** Recovery in pure TypeScript, about 1 ms. */
export const recoverAddress: RecoverAddress = (hash, signature, yParity) => {
  try {
    const key = secp256k1.Signature.fromBytes(signature, "compact")
      .addRecoveryBit(yParity)
      .recoverPublicKey(hash)
      .toBytes(false);
    return keccak_256(key.subarray(1)).subarray(12);
  } catch {
    return undefined;
  }
};

/** 0x01: recovery of a signer. Answers nothing, and does not fail, for what is no signature. */
export function ecrecover(recover: RecoverAddress): Precompile {
  return {
    gas: () => 3_000,
    run: (input) => {
      const v = bigintOf(padded(input, 32, 32));
      if (v !== 27n && v !== 28n) return new Uint8Array(0);
      const address = recover(padded(input, 0, 32), padded(input, 64, 64), v === 27n ? 0 : 1);
      return address === undefined ? new Uint8Array(0) : concatenate(new Uint8Array(12), address);
    },
  };
}
