import { readFile } from "node:fs/promises";
import { CodedError } from "@aios/kernel/coded-error";
import { type Genesis, parseGenesis } from "./domain/genesis.js";

/** Reads the genesis file. Throws `genesis-unreadable` or `invalid-genesis`, which say what to mend. */
export async function readGenesis(file: string): Promise<Genesis> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new CodedError({
      code: "genesis-unreadable",
      kind: "invalid",
      message: `The genesis file ${file} cannot be read as JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    });
  }
  return parseGenesis(json);
}
