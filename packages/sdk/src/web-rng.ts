import type { Rng } from "@aios/kernel/random";

/** The platform's cryptographic generator, the same in Node and in browsers. */
export const webRng: Rng = {
  bytes(length) {
    return globalThis.crypto.getRandomValues(new Uint8Array(length));
  },
};
