import { CodedError } from "@aios/kernel/coded-error";
import { MAX_OUTPUTS } from "./model-limits.js";

/** Bits that always fit under BN254's scalar field order (about 2^253.6). */
const PACKED_BITS = 253;
const MAX_LOGIT_BITS = 32;

/** Bits that each of `count` logits gets in the packed field element: at most 32, 25 for ten logits. */
export function logitBits(count: number): number {
  if (!Number.isInteger(count) || count < 1 || count > MAX_OUTPUTS) {
    throw new CodedError({
      code: "invalid-logit-count",
      kind: "invalid",
      message: `There must be 1 to ${MAX_OUTPUTS} logits, not ${count}.`,
      field: "count",
    });
  }
  return Math.min(MAX_LOGIT_BITS, Math.floor(PACKED_BITS / count));
}

/** Inclusive bounds of a signed logit that can be packed with `count - 1` others. */
export function logitRange(count: number): { readonly min: number; readonly max: number } {
  const half = 2 ** (logitBits(count) - 1);
  return { min: -half, max: half - 1 };
}

/**
 * All logits in one field element: Σ (logit_i + 2^(bits−1)) · 2^(bits·i), where bits = `logitBits(count)`.
 * Injective for a fixed count. Throws `logit-out-of-range`.
 */
export function packOutput(logits: ArrayLike<number>): bigint {
  const bits = BigInt(logitBits(logits.length));
  const { min, max } = logitRange(logits.length);
  let packed = 0n;
  for (let i = logits.length - 1; i >= 0; i--) {
    const logit = logits[i] as number;
    if (!Number.isInteger(logit) || logit < min || logit > max) {
      throw new CodedError({
        code: "logit-out-of-range",
        kind: "invalid",
        message: `Logit ${i} is ${logit}; packed with ${logits.length} it must be ${min} to ${max}.`,
        field: `logits.${i}`,
      });
    }
    packed = (packed << bits) | BigInt(logit - min);
  }
  return packed;
}

/** Inverse of `packOutput`. Throws `malformed-packed-output` for a number that no logits pack to. */
export function unpackOutput(packed: bigint, count: number): Int32Array {
  const bits = BigInt(logitBits(count));
  if (packed < 0n || packed >> (bits * BigInt(count)) !== 0n) {
    throw new CodedError({
      code: "malformed-packed-output",
      kind: "invalid",
      message: `This number does not hold ${count} logits.`,
      field: "output",
    });
  }
  const { min } = logitRange(count);
  const mask = (1n << bits) - 1n;
  return Int32Array.from({ length: count }, (_, i) => Number((packed >> (bits * BigInt(i))) & mask) + min);
}
