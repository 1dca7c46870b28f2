import { CodedError } from "@aios/kernel/coded-error";
import type { RequantiseNode } from "./integer-node.js";

const MAX_FACTOR = 32_767;
const MAX_SHIFT = 40;

export interface ScalingChoice {
  readonly node: Omit<RequantiseNode, "kind" | "input">;
  /** Real value of one unit of the result. */
  readonly scale: number;
}

/**
 * Multipliers and shift that bring reals of [min, max] to 8 bits. `scales` are the real values of one unit of each
 * channel; 0 lies in [min, max]. With one scale for all channels nothing is lost by rounding the multiplier: the
 * result's scale is defined by it. Else multipliers get at least 11 bits, so that channels differ by at most 1/2048
 * of their value from what they stand for (more for channels whose scale is far below the largest).
 * Throws `scale-out-of-range`.
 */
export function chooseScaling(
  scales: Float64Array,
  min: number,
  max: number,
  options: { readonly slope: number | undefined; readonly minMultiplier: number },
): ScalingChoice {
  const largest = scales.reduce((a, b) => Math.max(a, b), 0);
  const isUniform = scales.every((scale) => scale === largest);
  const wanted = Math.max((max - min) / 255, (largest * 2) / MAX_FACTOR);
  const least = isUniform ? options.minMultiplier : Math.max(options.minMultiplier, 1 << 11);
  let shift = 1;
  while (Math.floor((largest * 2 ** shift) / wanted) < least && shift <= MAX_SHIFT) shift++;
  if (shift > MAX_SHIFT || !Number.isFinite(wanted)) {
    throw new CodedError({
      code: "scale-out-of-range",
      kind: "unprocessable",
      message: "A tensor's values are too large beside the smallest difference of its accumulators.",
      details: { min, max, unit: largest },
    });
  }
  const ratio = 2 ** shift / wanted;
  const first = Math.floor(largest * ratio);
  const scale = isUniform ? (largest * 2 ** shift) / first : wanted;
  const multipliers = isUniform
    ? Uint16Array.of(first)
    : Uint16Array.from(scales, (unit) => Math.max(1, Math.min(MAX_FACTOR, Math.round(unit * ratio))));
  const { slope } = options;
  const slopes = slope === undefined ? undefined : multipliers.map((value) => Math.round(value * slope));
  const low = -Math.min(255, Math.max(0, Math.round(-min / scale)));
  return { node: { multipliers, slopes, shift, low: low === 0 ? 0 : low }, scale };
}
