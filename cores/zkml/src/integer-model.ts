import { CodedError } from "@aios/kernel/coded-error";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { ByteReader, ByteWriter, malformed } from "./byte-codec.js";
import type { IntegerLayer, Requantisation } from "./integer-layer.js";
import { type LayerShape, MAX_LAYERS, SALT_BYTES, shapeProblem } from "./model-limits.js";
import { analyseRanges } from "./range-analysis.js";

/** A quantised multi-layer perceptron over uint8 activations. Everything is public to who holds it. */
export interface IntegerModel {
  readonly layers: readonly IntegerLayer[];
  /** 32 random bytes that keep the commitment from confirming guesses of the weights. */
  readonly salt: Uint8Array;
}

export const MAX_MULTIPLIER = 32_767;
export const MAX_SHIFT = 40;

const TAG = "AIOSIM01";
const WHAT = "integer-model";

function refuse(problem: string): CodedError {
  return new CodedError({
    code: "invalid-integer-model",
    kind: "unprocessable",
    message: `This model cannot be used: ${problem}.`,
    details: { problem },
  });
}

/** Throws `invalid-integer-model` for a wrong shape, and `model-range-exceeded` when a number could overflow. */
export function validateIntegerModel(model: IntegerModel): void {
  const problem = shapeProblem(model.layers);
  if (problem !== undefined) throw refuse(problem);
  if (model.salt.length !== SALT_BYTES)
    throw refuse(`its salt has ${model.salt.length} bytes, not ${SALT_BYTES}`);
  for (const [index, layer] of model.layers.entries()) {
    if (layer.weights.length !== layer.inputs * layer.outputs)
      throw refuse(`layer ${index} has the wrong number of weights`);
    if (layer.biases.length !== layer.outputs) throw refuse(`layer ${index} has the wrong number of biases`);
    const { multiplier, shift } = layer;
    if (layer.activation === "none") {
      if (multiplier !== 0 || shift !== 0)
        throw refuse("its last layer is not requantised, so multiplier and shift must be 0");
    } else {
      if (!Number.isInteger(multiplier) || multiplier < 1 || multiplier > MAX_MULTIPLIER) {
        throw refuse(`layer ${index} has a multiplier of ${multiplier}, not 1 to ${MAX_MULTIPLIER}`);
      }
      if (!Number.isInteger(shift) || shift < 1 || shift > MAX_SHIFT) {
        throw refuse(`layer ${index} has a shift of ${shift}, not 1 to ${MAX_SHIFT}`);
      }
    }
  }
  analyseRanges(model.layers);
}

/**
 * Little-endian: tag "AIOSIM01", salt (32), layer count (u32), per layer inputs (u32), outputs (u32), activation
 * (u8: 0 none, 1 ReLU), multiplier (u16), shift (u8), then per layer weights (i8) and biases (i32). One model, one
 * encoding. Throws as `validateIntegerModel`.
 */
export function encodeIntegerModel(model: IntegerModel): Uint8Array {
  validateIntegerModel(model);
  const parameterBytes = model.layers.reduce(
    (sum, layer) => sum + layer.weights.length + layer.biases.length * 4,
    0,
  );
  const writer = new ByteWriter(TAG.length + SALT_BYTES + 4 + model.layers.length * 12 + parameterBytes);
  writer.tag(TAG).bytes(model.salt).uint32(model.layers.length);
  for (const layer of model.layers) {
    writer
      .uint32(layer.inputs)
      .uint32(layer.outputs)
      .uint8(layer.activation === "relu" ? 1 : 0);
    writer.uint16(layer.multiplier).uint8(layer.shift);
  }
  for (const layer of model.layers) writer.int8Array(layer.weights).int32Array(layer.biases);
  return writer.finish();
}

/** Inverse of `encodeIntegerModel`. Throws `malformed-integer-model` or as `validateIntegerModel`. */
export function decodeIntegerModel(bytes: Uint8Array): IntegerModel {
  const reader = new ByteReader(bytes, WHAT);
  reader.tag(TAG);
  const salt = reader.bytes(SALT_BYTES);
  const count = reader.uint32();
  if (count < 1 || count > MAX_LAYERS) throw malformed(WHAT, `it names ${count} layers`);
  const shapes: (LayerShape & Requantisation)[] = [];
  for (let i = 0; i < count; i++) {
    const inputs = reader.uint32();
    const outputs = reader.uint32();
    const activation = reader.uint8();
    if (activation > 1) throw malformed(WHAT, `layer ${i} has an unknown activation`);
    const multiplier = reader.uint16();
    const shift = reader.uint8();
    shapes.push({ inputs, outputs, activation: activation === 1 ? "relu" : "none", multiplier, shift });
  }
  const problem = shapeProblem(shapes);
  if (problem !== undefined) throw malformed(WHAT, problem);
  const layers = shapes.map((shape) => ({
    ...shape,
    weights: reader.int8Array(shape.inputs * shape.outputs),
    biases: reader.int32Array(shape.outputs),
  }));
  reader.end();
  const model = { layers, salt };
  validateIntegerModel(model);
  return model;
}

/** keccak256 of the encoding, salt included: binds every weight and hides them. 32 bytes. */
export function modelCommitment(model: IntegerModel): Uint8Array {
  return keccak_256(encodeIntegerModel(model));
}
