import { createRequire } from "node:module";
import type { RecoverPublicKey } from "@aios/core-transactions/sender";
import { recover } from "tiny-secp256k1";

interface NativeBindings {
  ecdsaRecover(
    signature: Uint8Array,
    recoveryId: number,
    messageHash: Uint8Array,
    compressed: boolean,
  ): Uint8Array;
}

/** libsecp256k1 in WebAssembly: wherever Node runs. */
export const recoverInWasm: RecoverPublicKey = (messageHash, signature, recoveryId) => {
  try {
    return recover(messageHash, signature, recoveryId, false)?.subarray(1);
  } catch {
    return undefined;
  }
};

/** libsecp256k1 as a native addon, about five times as fast; absent where it has no build for the platform. */
export const recoverNatively: RecoverPublicKey | undefined = loadNative();

/** The fastest that this platform has. All give the same results. */
export const recoverPublicKey: RecoverPublicKey = recoverNatively ?? recoverInWasm;

function loadNative(): RecoverPublicKey | undefined {
  let bindings: NativeBindings;
  try {
    // Not the package's main file, which falls back to an implementation in plain JavaScript.
    bindings = createRequire(import.meta.url)("secp256k1/bindings.js");
  } catch {
    return undefined;
  }
  return (messageHash, signature, recoveryId) => {
    try {
      return bindings.ecdsaRecover(signature, recoveryId, messageHash, false).subarray(1);
    } catch {
      return undefined;
    }
  };
}
