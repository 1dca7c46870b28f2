import { bigintToBytes, toHex } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp, type RlpItem } from "@aios/core-rlp/rlp";
import type { CaseResult, Suite } from "../suite.js";
import { hexBytes, holdsCasesWith, readCases } from "../vectors.js";

type Json = string | number | readonly Json[];

interface RlpCase {
  readonly in: Json;
  readonly out: string;
}

/** Text is its UTF-8, `#…` a decimal integer of any size, a number an integer. */
function toItem(value: Json): RlpItem {
  if (typeof value === "number") return bigintToBytes(BigInt(value));
  if (typeof value === "string")
    return value.startsWith("#") ? bigintToBytes(BigInt(value.slice(1))) : new TextEncoder().encode(value);
  return value.map(toItem);
}

function decoded(bytes: Uint8Array): { readonly item: RlpItem } | { readonly refusal: string } {
  try {
    return { item: decodeRlp(bytes) };
  } catch (error) {
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
}

/** What is different from the vector, if anything is. */
function difference(vector: RlpCase): string | undefined {
  const bytes = hexBytes(vector.out);
  if (bytes === undefined) return vector.in === "INVALID" ? undefined : `'${vector.out}' is not hex`;
  const result = decoded(bytes);
  if (vector.in === "INVALID") return "item" in result ? "an invalid encoding was decoded" : undefined;
  if (!("item" in result)) return `a valid encoding was refused: ${result.refusal}`;
  const again = toHex(encodeRlp(result.item));
  if (again !== toHex(bytes)) return `decoded and encoded again it is ${again}, not ${toHex(bytes)}`;
  if (vector.in === "VALID") return undefined;
  const encoded = toHex(encodeRlp(toItem(vector.in)));
  return encoded === toHex(bytes) ? undefined : `encoded ${encoded}, expected ${toHex(bytes)}`;
}

export const rlpSuite: Suite = {
  name: "rlp",
  describe: "RLPTests of ethereum/tests: encodings, and encodings that must be refused",
  accepts: (path) => holdsCasesWith(path, ["in", "out"]),
  async *runFile(path): AsyncIterable<CaseResult> {
    for (const [name, vector] of await readCases<RlpCase>(path)) {
      const detail = difference(vector);
      yield detail === undefined ? { name, status: "passed" } : { name, status: "failed", detail };
    }
  },
};
