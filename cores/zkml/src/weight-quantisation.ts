/** One scale for all weights of a node, or one for each output channel. */
export type Granularity = "tensor" | "channel";

export interface QuantisedParameters {
  readonly weights: Int8Array;
  readonly biases: Int32Array;
  /** Real value of one unit of each output's accumulator. */
  readonly scales: Float64Array;
}

const WEIGHT_MAX = 127;
/** Biases stay below this many units, so that they leave room in the accumulator. */
const BIAS_MAX = 2 ** 24;
/** No channel's scale is finer than this share of the coarsest one's. */
const FINEST = 2 ** -10;

function largestOf(values: Float32Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

/**
 * Symmetric int8 weights and int32 biases in units of the accumulator. A scale is coarse enough for both the largest
 * weight and the bias. `inputScale` is the real value of one unit of the input.
 */
export function quantiseParameters(
  weights: Float32Array,
  biases: Float32Array,
  inputScale: number,
  granularity: Granularity,
): QuantisedParameters {
  const outputs = biases.length;
  const perOutput = weights.length / outputs;
  const needed = Array.from(biases, (bias, output) =>
    Math.max(
      largestOf(weights.subarray(output * perOutput, (output + 1) * perOutput)) / WEIGHT_MAX,
      Math.abs(bias) / (inputScale * BIAS_MAX),
    ),
  );
  const coarsest = needed.reduce((a, b) => Math.max(a, b), 0) || 1;
  const weightScales = needed.map((scale) =>
    granularity === "tensor" ? coarsest : Math.max(scale, coarsest * FINEST),
  );
  const scaleOf = (output: number): number => weightScales[output] as number;
  return {
    weights: Int8Array.from(weights, (weight, at) =>
      Math.round(weight / scaleOf(Math.floor(at / perOutput))),
    ),
    biases: Int32Array.from(biases, (bias, output) => Math.round(bias / (scaleOf(output) * inputScale))),
    scales: Float64Array.from(weightScales, (scale) => scale * inputScale),
  };
}
