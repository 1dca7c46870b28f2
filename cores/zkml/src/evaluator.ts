import { CodedError } from "@aios/kernel/coded-error";
import type { IntegerLayer } from "./integer-layer.js";
import type { IntegerModel } from "./integer-model.js";

/** `outputs` accumulators of one layer, bias included. The model's range analysis keeps them inside int32. */
export function accumulate(layer: IntegerLayer, input: Uint8Array): Int32Array {
  const { weights, inputs, outputs } = layer;
  const out = new Int32Array(outputs);
  for (let row = 0, at = 0; row < outputs; row++) {
    let sum = layer.biases[row] as number;
    for (let column = 0; column < inputs; column++, at++) {
      sum = (sum + Math.imul(weights[at] as number, input[column] as number)) | 0;
    }
    out[row] = sum;
  }
  return out;
}

/**
 * ReLU, scaling and saturation of a hidden layer; see `Requantisation` for the rounding rule. The product stays
 * below 2^47, so doubles are exact.
 */
export function requantise(layer: IntegerLayer, accumulators: Int32Array): Uint8Array {
  const half = 2 ** (layer.shift - 1);
  const divisor = 2 ** layer.shift;
  const out = new Uint8Array(accumulators.length);
  for (let i = 0; i < accumulators.length; i++) {
    const scaled = Math.floor(((accumulators[i] as number) * layer.multiplier + half) / divisor);
    out[i] = Math.max(0, Math.min(255, scaled));
  }
  return out;
}

export function wrongInputShape(expected: number, actual: number): CodedError {
  return new CodedError({
    code: "wrong-input-shape",
    kind: "unprocessable",
    message: `The input has ${actual} values; this model takes ${expected}.`,
    field: "input",
    details: { expected, actual },
  });
}

/** Throws `wrong-input-shape`. */
export function assertInputShape(model: IntegerModel, input: Uint8Array): void {
  const expected = model.layers[0]?.inputs ?? 0;
  if (input.length !== expected) throw wrongInputShape(expected, input.length);
}

/**
 * The reference evaluator: signed logits of a valid model. Every proof back end must give these bits or nothing is
 * signed. Pure integer arithmetic, the same on every machine. Throws `wrong-input-shape`.
 */
export function evaluate(model: IntegerModel, input: Uint8Array): Int32Array {
  assertInputShape(model, input);
  let activations = input;
  let accumulators = new Int32Array(0);
  for (const layer of model.layers) {
    accumulators = accumulate(layer, activations) as Int32Array<ArrayBuffer>;
    if (layer.activation === "relu") activations = requantise(layer, accumulators);
  }
  return accumulators;
}

/** Index of the largest value, the first one on a tie; −1 for none. */
export function argmax(values: ArrayLike<number>): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) {
    if (best < 0 || (values[i] as number) > (values[best] as number)) best = i;
  }
  return best;
}
