import { DEVELOPMENT_STRING_TRUST } from "@aios/core-ultra-honk/reference-string";
import type { TauG2 } from "./honk-verification.js";
import { DEVELOPMENT_TAU_G2 } from "./parameters.js";

/** The views of `HonkVerifier` that give tau·G2 of its reference string, in the order of `TauG2`. */
export const TAU_G2_VIEWS = ["tauXImaginary", "tauXReal", "tauYImaginary", "tauYReal"] as const;

/** Who could forge under a reference string, as far as its tau·G2 shows: "forgeable by …". */
export function referenceStringTrust(tauG2: TauG2): string {
  const isDevelopment = DEVELOPMENT_TAU_G2.every((word, at) => BigInt(word) === BigInt(tauG2[at] ?? 0));
  return isDevelopment
    ? DEVELOPMENT_STRING_TRUST
    : `forgeable by whoever knows tau of the reference string with tau·G2 ${tauG2[0].slice(0, 18)}…, that is, by those who made its powers, all together`;
}
