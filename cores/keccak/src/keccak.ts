import { createKeccak } from "hash-wasm";

// One WebAssembly instance for all calls: each call is complete before the next begins.
const hasher = await createKeccak(256);

/** Keccak-256 as Ethereum uses it (before FIPS 202 changed the padding). A fresh array of 32 bytes. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest("binary");
}
