import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concatBytes, numberToBytesBE } from "@noble/curves/utils.js";

const FIELD_BYTES = 64;

/** A compressed public key of 48 bytes as the precompiles of EIP-2537 take it: 128 bytes. Throws for what is no point. */
export function encodePublicKeyForEvm(publicKey: Uint8Array): Uint8Array {
  const { x, y } = bls12_381.G1.Point.fromBytes(publicKey).toAffine();
  return concatBytes(field(x), field(y));
}

/** A compressed signature of 96 bytes as the precompiles of EIP-2537 take it: 256 bytes. Throws for what is no point. */
export function encodeSignatureForEvm(signature: Uint8Array): Uint8Array {
  const { x, y } = bls12_381.G2.Point.fromBytes(signature).toAffine();
  return concatBytes(field(x.c0), field(x.c1), field(y.c0), field(y.c1));
}

function field(element: bigint): Uint8Array {
  return numberToBytesBE(element, FIELD_BYTES);
}
