import type { IntegerModel } from "@aios/core-zkml/integer-model";

/** A small model of its own; each variant has other weights and so another key. */
export function sampleModel(variant: number): IntegerModel {
  return {
    salt: new Uint8Array(32).fill(variant),
    layers: [
      {
        inputs: 4,
        outputs: 2,
        activation: "relu",
        weights: Int8Array.of(60, -20, 90, 7, -33, 70, 12, variant),
        biases: Int32Array.of(100, -200),
        multiplier: 130,
        shift: 12,
      },
      {
        inputs: 2,
        outputs: 3,
        activation: "none",
        weights: Int8Array.of(5, -7, 11, 3, 1, 2),
        biases: Int32Array.of(-9, 40, 0),
        multiplier: 0,
        shift: 0,
      },
    ],
  };
}
