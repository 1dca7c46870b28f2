import { CodedError } from "@aios/kernel/coded-error";
import type { IntegerLayer } from "./integer-layer.js";
import { logitRange } from "./output-packing.js";

/** Bounds over every possible input, not over samples. */
export interface LayerRange {
  /** Smallest and largest value each output's accumulator (bias included) can take. */
  readonly accumulatorMin: Float64Array;
  readonly accumulatorMax: Float64Array;
}

const INT32_MAX = 2 ** 31 - 1;
const ACTIVATION_MAX = 255;

/**
 * Interval analysis of one layer: with every activation in [0, 255], each row's accumulator lies between
 * bias + 255·Σ(negative weights) and bias + 255·Σ(positive weights).
 */
export function layerRange(layer: IntegerLayer): LayerRange {
  const accumulatorMin = new Float64Array(layer.outputs);
  const accumulatorMax = new Float64Array(layer.outputs);
  for (let row = 0, at = 0; row < layer.outputs; row++) {
    let negative = 0;
    let positive = 0;
    for (let column = 0; column < layer.inputs; column++, at++) {
      const weight = layer.weights[at] as number;
      if (weight < 0) negative += weight;
      else positive += weight;
    }
    const bias = layer.biases[row] as number;
    accumulatorMin[row] = bias + ACTIVATION_MAX * negative;
    accumulatorMax[row] = bias + ACTIVATION_MAX * positive;
  }
  return { accumulatorMin, accumulatorMax };
}

/**
 * Proves that no partial sum, in any order, leaves int32 and that the logits can be packed; the circuit sizes its
 * bit decompositions from the same bounds, some two hundred bits below the field order. Throws
 * `model-range-exceeded`. Cost: one pass over the weights.
 */
export function analyseRanges(layers: readonly IntegerLayer[]): LayerRange[] {
  return layers.map((layer, index) => {
    const range = layerRange(layer);
    const allowed = logitRange(layer.activation === "none" ? layer.outputs : 1);
    for (let row = 0; row < layer.outputs; row++) {
      const bias = layer.biases[row] as number;
      const [min, max] = [range.accumulatorMin[row] as number, range.accumulatorMax[row] as number];
      const farthest = Math.abs(bias) + Math.max(bias - min, max - bias);
      if (farthest > INT32_MAX || min < allowed.min || max > allowed.max) {
        throw new CodedError({
          code: "model-range-exceeded",
          kind: "unprocessable",
          message: `Output ${row} of layer ${index} could reach ${min} to ${max}, more than the proof system is given room for.`,
          details: { layer: index, output: row, min, max },
        });
      }
    }
    return range;
  });
}
