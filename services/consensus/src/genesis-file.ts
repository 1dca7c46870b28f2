import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { CodedError } from "@aios/kernel/coded-error";
import {
  type Genesis,
  type GenesisAllocation,
  parseAllocation,
  parseGenesis,
  parseRules,
} from "./domain/genesis.js";
import { type SplitGenesis, splitGenesis } from "./domain/genesis-json.js";

/**
 * Reads the genesis file. Its accounts are read each time that they are gone through, so that nobody who does not need
 * them pays for them. Throws `genesis-unreadable` or `invalid-genesis`, which say what to mend; so does going through
 * the accounts.
 */
export async function readGenesis(file: string): Promise<Genesis> {
  try {
    const json = await readFile(file);
    const fileDigest = createHash("sha256").update(json).digest();
    const split = splitGenesis(json);
    if (split === undefined) return { ...parseGenesis(JSON.parse(json.toString("utf8"))), fileDigest };
    return { ...parseRules(split.rules), alloc: allocationOf(split, file), fileDigest };
  } catch (cause) {
    throw readable(file, cause);
  }
}

function allocationOf(split: SplitGenesis, file: string): GenesisAllocation {
  return {
    *[Symbol.iterator]() {
      try {
        yield* parseAllocation(split.accounts());
      } catch (cause) {
        throw readable(file, cause);
      }
    },
  };
}

function readable(file: string, cause: unknown): unknown {
  if (cause instanceof CodedError) return cause;
  return new CodedError({
    code: "genesis-unreadable",
    kind: "invalid",
    message: `The genesis file ${file} cannot be read as JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause,
  });
}
