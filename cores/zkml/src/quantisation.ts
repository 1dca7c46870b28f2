import { CodedError } from "@aios/kernel/coded-error";
import { type AccuracyReport, type LabelledSamples, measureAccuracy } from "./accuracy.js";
import { accumulate, evaluate, requantise } from "./evaluator.js";
import { evaluateFloat, type FloatLayer, type FloatModel, validateFloatModel } from "./float-model.js";
import type { IntegerLayer } from "./integer-layer.js";
import { type IntegerModel, validateIntegerModel } from "./integer-model.js";
import { analyseRanges, layerRange } from "./range-analysis.js";

export interface LayerReport {
  /** Real value of one unit of weight, of accumulator and (hidden layers) of activation. */
  readonly weightScale: number;
  readonly accumulatorScale: number;
  readonly activationScale: number | undefined;
  readonly multiplier: number;
  readonly shift: number;
  /** Largest accumulator seen in calibration, and the largest magnitude that any input could reach. */
  readonly calibratedMax: number;
  readonly provenBound: number;
}

export interface QuantisationReport {
  readonly layers: readonly LayerReport[];
  readonly calibrationSamples: number;
  readonly accuracy: AccuracyReport | undefined;
}

const WEIGHT_MAX = 127;
const ACTIVATION_MAX = 255;
const MIN_MULTIPLIER = 128;
const MAX_CALIBRATION_SAMPLES = 10_000;

function refuse(code: string, message: string, details: Record<string, unknown>): CodedError {
  return new CodedError({ code, kind: "unprocessable", message, details });
}

/** Symmetric per-layer weights; an all-zero layer keeps scale 1. */
function quantiseWeights(layer: FloatLayer): { readonly weights: Int8Array; readonly scale: number } {
  let largest = 0;
  for (const weight of layer.weights) largest = Math.max(largest, Math.abs(weight));
  const scale = largest === 0 ? 1 : largest / WEIGHT_MAX;
  return { weights: Int8Array.from(layer.weights, (weight) => Math.round(weight / scale)), scale };
}

function quantiseBiases(layer: FloatLayer, accumulatorScale: number, index: number): Int32Array {
  return Int32Array.from(layer.biases, (bias, row) => {
    const quantised = Math.round(bias / accumulatorScale);
    if (Math.abs(quantised) > 2 ** 31 - 1) {
      throw refuse(
        "bias-out-of-range",
        `Bias ${row} of layer ${index} is too large beside the layer's weights.`,
        {
          layer: index,
          output: row,
          bias,
        },
      );
    }
    return quantised;
  });
}

/**
 * Multiplier and shift that bring `largest` to 255 or just below, with at least 7 bits of precision. No exactness is
 * lost: the activation's scale is defined by the pair.
 */
function requantisationFor(largest: number): { readonly multiplier: number; readonly shift: number } {
  let shift = 1;
  while (Math.floor((ACTIVATION_MAX * 2 ** shift) / largest) < MIN_MULTIPLIER) shift++;
  return { multiplier: Math.floor((ACTIVATION_MAX * 2 ** shift) / largest), shift };
}

/** Stands in for a layer that calibration never activates, so that its scale stays in proportion to its weights. */
function largestMagnitude(layer: IntegerLayer): number {
  const range = layerRange(layer);
  return [...range.accumulatorMin, ...range.accumulatorMax].reduce(
    (bound, value) => Math.max(bound, Math.abs(value)),
    1,
  );
}

/**
 * Post-training quantisation, layer by layer: int8 weights with one symmetric scale a layer, int32 biases, uint8
 * activations whose scale comes from the largest accumulator that `calibrationInputs` reach through the already
 * quantised layers before. The result is range-checked for every possible input, not only for these.
 *
 * `salt` (32 bytes) goes into the model commitment. With `samples`, the report compares both models' accuracy.
 * Throws `invalid-float-model` (shape, NaN, infinity), `invalid-samples`, `wrong-input-shape`, `bias-out-of-range`,
 * `model-range-exceeded`. Cost: one forward pass for each calibration input, two for each sample.
 */
export function quantiseModel(
  float: FloatModel,
  calibrationInputs: readonly Uint8Array[],
  salt: Uint8Array,
  samples?: LabelledSamples,
): { readonly model: IntegerModel; readonly report: QuantisationReport } {
  validateFloatModel(float);
  if (calibrationInputs.length < 1 || calibrationInputs.length > MAX_CALIBRATION_SAMPLES) {
    throw refuse("invalid-samples", `Calibration needs 1 to ${MAX_CALIBRATION_SAMPLES} inputs.`, {
      inputs: calibrationInputs.length,
    });
  }
  for (const input of calibrationInputs) {
    if (input.length !== float.layers[0]?.inputs) {
      throw refuse("wrong-input-shape", "A calibration input does not fit the model.", {
        actual: input.length,
      });
    }
  }
  const layers: IntegerLayer[] = [];
  const partial: Omit<LayerReport, "provenBound">[] = [];
  let activations = [...calibrationInputs];
  let inputScale = 1 / 255;
  for (const [index, layer] of float.layers.entries()) {
    const { weights, scale: weightScale } = quantiseWeights(layer);
    const accumulatorScale = inputScale * weightScale;
    const unscaled: IntegerLayer = {
      inputs: layer.inputs,
      outputs: layer.outputs,
      activation: layer.activation,
      weights,
      biases: quantiseBiases(layer, accumulatorScale, index),
      multiplier: 0,
      shift: 0,
    };
    const accumulators = activations.map((input) => accumulate(unscaled, input));
    let largest = 0;
    for (const row of accumulators) for (const value of row) largest = Math.max(largest, value);
    if (largest === 0) largest = largestMagnitude(unscaled);
    const hidden = layer.activation === "relu";
    const quantised = hidden ? { ...unscaled, ...requantisationFor(largest) } : unscaled;
    const activationScale = hidden
      ? (accumulatorScale * 2 ** quantised.shift) / quantised.multiplier
      : undefined;
    if (activationScale !== undefined) {
      activations = accumulators.map((row) => requantise(quantised, row));
      inputScale = activationScale;
    }
    layers.push(quantised);
    partial.push({
      weightScale,
      accumulatorScale,
      activationScale,
      multiplier: quantised.multiplier,
      shift: quantised.shift,
      calibratedMax: largest,
    });
  }
  const model: IntegerModel = { layers, salt: salt.slice() };
  validateIntegerModel(model);
  const ranges = analyseRanges(layers);
  const report: QuantisationReport = {
    layers: partial.map((layer, index) => {
      const range = ranges[index];
      const bounds = range === undefined ? [] : [...range.accumulatorMin, ...range.accumulatorMax];
      return { ...layer, provenBound: bounds.reduce((bound, value) => Math.max(bound, Math.abs(value)), 0) };
    }),
    calibrationSamples: calibrationInputs.length,
    accuracy:
      samples === undefined
        ? undefined
        : measureAccuracy(
            samples,
            (input) => evaluateFloat(float, input),
            (input) => evaluate(model, input),
          ),
  };
  return { model, report };
}
