import { fromHex } from "@aios/core-rlp/hex";
import { invalidGenesis } from "./errors.js";

export function record(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalidGenesis(field, "must be an object");
  return value as Readonly<Record<string, unknown>>;
}

export function onlyFields(
  value: Readonly<Record<string, unknown>>,
  allowed: readonly string[],
  field: string,
): void {
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key)) throw invalidGenesis(`${field}.${key}`, "is not a known field");
  }
}

export function integer(value: unknown, field: string, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
    throw invalidGenesis(field, `must be a whole number from ${least} to ${most}`);
  }
  return value;
}

const WORD_LIMIT = 2n ** 256n;

/** An integer of at most 256 bits. */
export function decimal(value: unknown, field: string): bigint {
  if (typeof value !== "string" || !/^(0|[1-9][0-9]{0,77})$/.test(value)) {
    throw invalidGenesis(field, "must be a decimal string");
  }
  const out = BigInt(value);
  if (out >= WORD_LIMIT) throw invalidGenesis(field, "must be below 2^256");
  return out;
}

export function bytes(value: unknown, field: string): Uint8Array {
  if (typeof value !== "string" || !/^0x([0-9a-fA-F]{2})*$/.test(value)) {
    throw invalidGenesis(field, "must be 0x followed by an even number of hex digits");
  }
  return fromHex(value);
}
