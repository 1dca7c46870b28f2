import { readFileSync } from "node:fs";

const vector = (name: string): string =>
  readFileSync(new URL(`../../../../vectors/proofs/${name}.json`, import.meta.url), "utf8");

/** A proof that holds, under a key whose trapdoor is known: enough to show a page with. */
export const PROOF_FILE = vector("known-trapdoor");
/** One by Aztec's prover, over the development reference string. */
export const HONK_PROOF_FILE = vector("ultra-honk");
