import { CodedError } from "./coded-error.js";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * JSON Canonicalization Scheme for the subset we sign (RFC 8785): keys sorted by UTF-16 code units, no white
 * space, finite numbers only. Equal values give equal bytes on every machine. Throws `not-canonical`.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new CodedError({ code: "not-canonical", kind: "invalid", message: "Numbers must be finite." });
  }
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as Json)).join(",")}]`;
  const entries = Object.entries(value as { [key: string]: Json }).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}
