import { CodedError } from "@aios/kernel/coded-error";
import { ByteReader, ByteWriter, malformed } from "./byte-codec.js";
import { type LayerShape, MAX_LAYERS, shapeProblem } from "./model-limits.js";

export interface FloatLayer extends LayerShape {
  /** Row-major, `outputs` × `inputs`. */
  readonly weights: Float32Array;
  /** One per output. */
  readonly biases: Float32Array;
}

/** A trained multi-layer perceptron. Its inputs are bytes, read as `byte / 255`; the last layer gives logits. */
export interface FloatModel {
  readonly layers: readonly FloatLayer[];
}

const TAG = "AIOSFM01";
const WHAT = "float-model";

function refuse(problem: string): CodedError {
  return new CodedError({
    code: "invalid-float-model",
    kind: "unprocessable",
    message: `This model cannot be used: ${problem}.`,
    details: { problem },
  });
}

/** Throws `invalid-float-model` for a wrong shape or a number that is not finite. */
export function validateFloatModel(model: FloatModel): void {
  const problem = shapeProblem(model.layers);
  if (problem !== undefined) throw refuse(problem);
  for (const [index, layer] of model.layers.entries()) {
    if (layer.weights.length !== layer.inputs * layer.outputs)
      throw refuse(`layer ${index} has the wrong number of weights`);
    if (layer.biases.length !== layer.outputs) throw refuse(`layer ${index} has the wrong number of biases`);
    if (!layer.weights.every(Number.isFinite) || !layer.biases.every(Number.isFinite)) {
      throw refuse(`layer ${index} has a number that is not finite`);
    }
  }
}

/**
 * Little-endian: tag "AIOSFM01", layer count (u32), per layer inputs (u32), outputs (u32), activation (u8: 0 none,
 * 1 ReLU), then per layer weights and biases (f32). Throws `invalid-float-model`.
 */
export function encodeFloatModel(model: FloatModel): Uint8Array {
  validateFloatModel(model);
  const parameters = model.layers.reduce((sum, layer) => sum + layer.weights.length + layer.biases.length, 0);
  const writer = new ByteWriter(TAG.length + 4 + model.layers.length * 9 + parameters * 4);
  writer.tag(TAG).uint32(model.layers.length);
  for (const layer of model.layers) {
    writer
      .uint32(layer.inputs)
      .uint32(layer.outputs)
      .uint8(layer.activation === "relu" ? 1 : 0);
  }
  for (const layer of model.layers) writer.float32Array(layer.weights).float32Array(layer.biases);
  return writer.finish();
}

/** Inverse of `encodeFloatModel`. Throws `malformed-float-model` or `invalid-float-model`. */
export function decodeFloatModel(bytes: Uint8Array): FloatModel {
  const reader = new ByteReader(bytes, WHAT);
  reader.tag(TAG);
  const count = reader.uint32();
  if (count < 1 || count > MAX_LAYERS) throw malformed(WHAT, `it names ${count} layers`);
  const shapes: LayerShape[] = [];
  for (let i = 0; i < count; i++) {
    const inputs = reader.uint32();
    const outputs = reader.uint32();
    const activation = reader.uint8();
    if (activation > 1) throw malformed(WHAT, `layer ${i} has an unknown activation`);
    shapes.push({ inputs, outputs, activation: activation === 1 ? "relu" : "none" });
  }
  const problem = shapeProblem(shapes);
  if (problem !== undefined) throw malformed(WHAT, problem);
  const layers = shapes.map((shape) => ({
    ...shape,
    weights: reader.float32Array(shape.inputs * shape.outputs),
    biases: reader.float32Array(shape.outputs),
  }));
  reader.end();
  const model = { layers };
  validateFloatModel(model);
  return model;
}

/** Logits in 64-bit floats; only for accuracy reports. Throws `wrong-input-shape`. */
export function evaluateFloat(model: FloatModel, input: Uint8Array): Float64Array {
  const expected = model.layers[0]?.inputs;
  if (input.length !== expected) {
    throw new CodedError({
      code: "wrong-input-shape",
      kind: "unprocessable",
      message: `The input has ${input.length} values; this model takes ${expected}.`,
      field: "input",
    });
  }
  let values = Float64Array.from(input, (byte) => byte / 255);
  for (const layer of model.layers) {
    const next = new Float64Array(layer.outputs);
    for (let row = 0; row < layer.outputs; row++) {
      let sum = layer.biases[row] as number;
      const start = row * layer.inputs;
      for (let column = 0; column < layer.inputs; column++) {
        sum += (layer.weights[start + column] as number) * (values[column] as number);
      }
      next[row] = layer.activation === "relu" ? Math.max(0, sum) : sum;
    }
    values = next;
  }
  return values;
}
