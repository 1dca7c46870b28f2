import { readFileSync } from "node:fs";

/** A proof that holds, under a key whose trapdoor is known: enough to show a page with. */
export const PROOF_FILE = readFileSync(
  new URL("../../../../vectors/proofs/known-trapdoor.json", import.meta.url),
  "utf8",
);
