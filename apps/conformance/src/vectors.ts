import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** The named cases of a JSON vector file, or those of a list by their index. Throws when it holds anything else. */
export async function readCases<T>(path: string): Promise<readonly (readonly [string, T])[]> {
  const json: unknown = JSON.parse(await readFile(path, "utf8"));
  if (typeof json !== "object" || json === null) throw new Error("the file holds no cases");
  return Object.entries(json as Record<string, T>);
}

/** Bytes of a vector's hex, with or without `0x`. `undefined` when it is not hex. */
export function hexBytes(text: string): Uint8Array | undefined {
  const digits = text.startsWith("0x") ? text.slice(2) : text;
  return /^([0-9a-f]{2})*$/i.test(digits) ? Uint8Array.from(Buffer.from(digits, "hex")) : undefined;
}

/**
 * Whether a JSON file is of a format: some case has all the keys. A file that cannot be read as JSON is taken for one
 * too, so that it fails instead of being passed over.
 */
export function holdsCasesWith(path: string, keys: readonly string[]): boolean {
  if (!path.endsWith(".json")) return false;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return true;
  }
  if (typeof json !== "object" || json === null) return false;
  return Object.values(json).some(
    (value) => typeof value === "object" && value !== null && keys.every((key) => Object.hasOwn(value, key)),
  );
}
