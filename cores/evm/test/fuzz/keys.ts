import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesOf, hexOf } from "./scenario.js";

export interface Key {
  readonly secret: Uint8Array;
  /** Hex. */
  readonly address: string;
}

/** The senders and signers of all scenarios. */
export const KEYS: readonly Key[] = [1, 2, 3, 4].map((n) => {
  const secret = new Uint8Array(32).fill(n);
  const publicKey = secp256k1.getPublicKey(secret, false).subarray(1);
  return { secret, address: hexOf(keccak_256(publicKey).subarray(12)) };
});

export function keyAt(index: number): Key {
  const key = KEYS[index];
  if (key === undefined) throw new RangeError(`there is no key ${index}`);
  return key;
}

/** Input of ecrecover that gives an address. */
export function recoverableInput(): string {
  const digest = new Uint8Array(32).fill(0x42);
  const signature = secp256k1.sign(digest, bytesOf("01".repeat(32)), { prehash: false, format: "recovered" });
  const v = (27 + (signature[0] as number)).toString(16).padStart(64, "0");
  return hexOf(digest) + v + hexOf(signature.subarray(1));
}
