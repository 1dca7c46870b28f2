import type { LayerShape } from "./model-limits.js";

/**
 * Integer scaling of a hidden layer's accumulator to its activation:
 * `clamp(floor((accumulator · multiplier + 2^(shift−1)) / 2^shift), 0, 255)`.
 * Ties round up; ReLU and saturation are the two ends of the clamp. On the last layer both are 0 and unused.
 */
export interface Requantisation {
  /** 1 to 32,767. */
  readonly multiplier: number;
  /** 1 to 40. */
  readonly shift: number;
}

export interface IntegerLayer extends LayerShape, Requantisation {
  /** Row-major, `outputs` × `inputs`. −128 is allowed though quantisation gives −127 to 127. */
  readonly weights: Int8Array;
  /** In units of the accumulator. */
  readonly biases: Int32Array;
}
