import { SeededRng } from "@aios/kernel/random";
import type { FloatModel } from "../src/float-model.js";
import { type IntegerModel, validateIntegerModel } from "../src/integer-model.js";
import { quantiseModel } from "../src/quantisation.js";

function uniform(rng: SeededRng, scale: number): number {
  return (rng.uint32() / 2 ** 31 - 1) * scale;
}

export function randomInput(rng: SeededRng, length: number): Uint8Array {
  return rng.bytes(length);
}

/** He-style random weights. */
export function randomFloatModel(widths: readonly number[], seed: number): FloatModel {
  const rng = new SeededRng(seed);
  return {
    layers: widths.slice(1).map((outputs, index) => {
      const inputs = widths[index] as number;
      return {
        inputs,
        outputs,
        weights: Float32Array.from({ length: inputs * outputs }, () => uniform(rng, Math.sqrt(6 / inputs))),
        biases: Float32Array.from({ length: outputs }, () => uniform(rng, 0.1)),
        activation: index === widths.length - 2 ? ("none" as const) : ("relu" as const),
      };
    }),
  };
}

export function randomIntegerModel(widths: readonly number[], seed: number): IntegerModel {
  const rng = new SeededRng(seed + 1_000);
  const calibration = Array.from({ length: 16 }, () => randomInput(rng, widths[0] as number));
  return quantiseModel(randomFloatModel(widths, seed), calibration, rng.bytes(32)).model;
}

/** A hand-written model; hidden layers requantise with the given multiplier and shift. */
export function handModel(
  layers: readonly { readonly weights: readonly (readonly number[])[]; readonly biases: readonly number[] }[],
  multiplier: number,
  shift: number,
): IntegerModel {
  const model: IntegerModel = {
    salt: new Uint8Array(32).fill(7),
    layers: layers.map(({ weights, biases }, index) => {
      const last = index === layers.length - 1;
      return {
        inputs: (weights[0] as readonly number[]).length,
        outputs: weights.length,
        weights: Int8Array.from(weights.flat()),
        biases: Int32Array.from(biases),
        activation: last ? ("none" as const) : ("relu" as const),
        multiplier: last ? 0 : multiplier,
        shift: last ? 0 : shift,
      };
    }),
  };
  validateIntegerModel(model);
  return model;
}
