import { readFileSync } from "node:fs";

interface SealingVectors {
  readonly version: 1;
  readonly sealedKeys: readonly {
    readonly privateKey: string;
    readonly context: string;
    readonly contentKey: string;
    readonly sealed: Readonly<Record<"ephemeralPublicKey" | "nonce" | "ciphertext", string>>;
  }[];
  readonly contents: readonly {
    readonly key: string;
    readonly plaintext: string;
    readonly content: string;
  }[];
}

/** Our own vectors, made once: what version 1 wrote must stay readable. */
export function readVectors(): SealingVectors {
  return JSON.parse(
    readFileSync(new URL("../../../vectors/sealing/v1.json", import.meta.url), "utf8"),
  ) as SealingVectors;
}
