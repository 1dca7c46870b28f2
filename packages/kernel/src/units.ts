import type { Brand } from "./brand.js";
import { CodedError } from "./coded-error.js";

/** Integer wei, never negative. 10^18 wei = 1 AIOS. */
export type WeiAmount = Brand<bigint, "WeiAmount">;
/** Whole milliseconds, never negative. */
export type DurationMs = Brand<number, "DurationMs">;
/** Milliseconds since the Unix epoch. */
export type TimestampMs = Brand<number, "TimestampMs">;
/** Basis points, 0 to 10,000. */
export type BasisPoints = Brand<number, "BasisPoints">;

export const WEI_PER_AIOS = 10n ** 18n;

function invalidUnit(field: string, expected: string): CodedError {
  return new CodedError({
    code: "invalid-unit",
    kind: "invalid",
    message: `${field} must be ${expected}.`,
    field,
  });
}

/** Parses a decimal string, number or bigint into wei. Throws `invalid-unit`. */
export function weiAmount(value: bigint | string | number, field = "amountWei"): WeiAmount {
  const canonical = typeof value === "string" ? /^(0|[1-9][0-9]{0,77})$/.test(value) : true;
  if (!canonical || (typeof value === "number" && !Number.isSafeInteger(value))) {
    throw invalidUnit(field, "a non-negative integer amount of wei");
  }
  const wei = BigInt(value);
  if (wei < 0n || wei >= 1n << 256n) throw invalidUnit(field, "a non-negative 256-bit integer of wei");
  return wei as WeiAmount;
}

/** Whole AIOS to wei. Throws `invalid-unit` for fractions. */
export function aios(whole: number | bigint): WeiAmount {
  return weiAmount(BigInt(whole) * WEI_PER_AIOS);
}

/** Throws `invalid-unit` unless a non-negative safe integer. */
export function durationMs(value: number, field = "durationMs"): DurationMs {
  if (!Number.isSafeInteger(value) || value < 0) throw invalidUnit(field, "a whole number of milliseconds");
  return value as DurationMs;
}

/** Throws `invalid-unit` unless an integer from 0 to 10,000. */
export function basisPoints(value: number, field = "basisPoints"): BasisPoints {
  if (!Number.isInteger(value) || value < 0 || value > 10_000) {
    throw invalidUnit(field, "an integer from 0 to 10000 basis points");
  }
  return value as BasisPoints;
}

/** Wei as a decimal AIOS string without trailing zeros, for people: `1500000000000000000n` → `1.5`. */
export function formatAios(wei: bigint): string {
  const sign = wei < 0n ? "-" : "";
  const absolute = wei < 0n ? -wei : wei;
  const fraction = (absolute % WEI_PER_AIOS).toString().padStart(18, "0").replace(/0+$/, "");
  return `${sign}${absolute / WEI_PER_AIOS}${fraction === "" ? "" : `.${fraction}`}`;
}
