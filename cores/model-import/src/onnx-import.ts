import type { ActivationFunction } from "@aios/core-zkml/float-graph";
import { elementCount, type TensorId, type TensorShape, type Window } from "@aios/core-zkml/integer-node";
import { GraphWriter, samePadding } from "./graph-writer.js";
import { dynamicShape, malformedModel, unsupportedNode } from "./import-error.js";
import type { ImportedModel } from "./imported-model.js";
import { OnnxNodeReader } from "./onnx-attributes.js";
import {
  floatValues,
  integerValues,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  readOnnx,
} from "./onnx-messages.js";

/** Operators that give their input unchanged when a trained model runs. */
const IDENTITIES = new Set(["Identity", "Dropout"]);
/** Functions of the logits that a proof leaves to whoever reads them. */
const OUTSIDE: Readonly<Record<string, string>> = {
  Softmax: "grows with the logits, which are proven; apply it to them outside",
  LogSoftmax: "grows with the logits, which are proven; apply it to them outside",
  ArgMax: "is read off the logits, which are proven",
};

class OnnxImporter {
  readonly #writer: GraphWriter;
  readonly #tensors = new Map<string, TensorId>();
  readonly #constants: Map<string, OnnxTensor>;

  constructor(private readonly model: OnnxModel) {
    this.#constants = new Map(model.initializers);
    const inputs = model.inputs.filter(({ name }) => !model.initializers.has(name));
    if (inputs.length !== 1) throw malformedModel(`it takes ${inputs.length} inputs, not one`);
    const input = inputs[0] as OnnxValue;
    this.#writer = new GraphWriter(inputShape(input));
    this.#tensors.set(input.name, 0);
  }

  import(): ImportedModel {
    if (this.model.outputs.length !== 1)
      throw malformedModel(`it gives ${this.model.outputs.length} outputs, not one`);
    const output = this.model.outputs[0] as string;
    for (const node of this.model.nodes) {
      const read = new OnnxNodeReader(node);
      if (node.domain !== "" && node.domain !== "ai.onnx")
        throw read.refuse(`its domain ${node.domain} is unknown`);
      const result = this.#node(node, read, output);
      read.assertAllRead();
      if (result !== undefined) this.#tensors.set(node.outputs[0] ?? "", result);
    }
    const id = this.#tensors.get(output);
    if (id === undefined || id === 0) throw malformedModel("nothing computes its output");
    return this.#writer.finish(id);
  }

  #node(node: OnnxNode, read: OnnxNodeReader, output: string): TensorId | undefined {
    const { operator } = node;
    const outside = OUTSIDE[operator];
    if (outside !== undefined && node.outputs[0] === output) {
      read.skipAll();
      this.#writer.notes.push(`${operator} "${node.name}" is left out: it ${outside}.`);
      return this.#tensor(read, 0);
    }
    if (IDENTITIES.has(operator)) {
      read.skipAll();
      return this.#tensor(read, 0);
    }
    switch (operator) {
      case "Constant":
        this.#constants.set(node.outputs[0] ?? "", read.tensor("value"));
        return undefined;
      case "Conv":
        return this.#convolution(read);
      case "Gemm":
        return this.#gemm(read);
      case "MatMul":
        return this.#matMul(read);
      case "BatchNormalization":
        return this.#batchNorm(read);
      case "Relu":
      case "Sigmoid":
      case "Tanh":
        return this.#activation(read, { type: operator.toLowerCase() as "relu" | "sigmoid" | "tanh" });
      case "LeakyRelu":
        return this.#activation(read, { type: "leaky-relu", slope: read.float("alpha", 0.01) });
      case "Gelu":
        return this.#activation(read, {
          type: read.text("approximate", "none") === "tanh" ? "gelu-tanh" : "gelu",
        });
      case "MaxPool":
      case "AveragePool":
        return this.#pool(read, operator);
      case "GlobalMaxPool":
      case "GlobalAveragePool":
        return this.#globalPool(read, operator);
      case "Add":
      case "Sub":
      case "Mul":
      case "Div":
        return this.#arithmetic(read, operator);
      case "Concat":
        return this.#concat(read);
      case "Flatten":
      case "Reshape":
        return this.#flatten(read, operator);
      default:
        throw read.refuse("this operator is not supported");
    }
  }

  /** A computed tensor that the node reads. */
  #tensor(read: OnnxNodeReader, index: number): TensorId {
    const name = read.input(index);
    const id = this.#tensors.get(name);
    if (id !== undefined) return id;
    throw read.refuse(
      this.#constants.has(name) ? `input ${index} is a constant` : `input ${index} is not computed before it`,
    );
  }

  #constant(read: OnnxNodeReader, index: number): OnnxTensor {
    const tensor = this.#constants.get(read.input(index));
    if (tensor === undefined) throw read.refuse(`input ${index} is not a constant`);
    return tensor;
  }

  #vector(read: OnnxNodeReader, index: number, length: number): Float32Array {
    if (!read.hasInput(index)) return new Float32Array(length);
    const values = floatValues(this.#constant(read, index));
    if (values.length !== length)
      throw read.refuse(`input ${index} has ${values.length} values, not ${length}`);
    return values;
  }

  #window(read: OnnxNodeReader, shape: TensorShape, kernel: readonly number[]): Window {
    const pair = (name: string): [number, number] => {
      const values = read.ints(name, [1, 1]);
      if (values.length !== 2) throw read.refuse(`${name} has ${values.length} entries, not 2`);
      return values as [number, number];
    };
    if (kernel.length !== 2) throw read.refuse(`its kernel has ${kernel.length} dimensions, not 2`);
    if (pair("dilations").some((value) => value !== 1)) throw read.refuse("it is dilated");
    const [sides, stride] = [kernel as [number, number], pair("strides")];
    const pads = read.ints("pads", [0, 0, 0, 0]);
    if (pads.length !== 4) throw read.refuse(`pads has ${pads.length} entries, not 4`);
    const mode = read.text("auto_pad", "NOTSET");
    if (mode === "SAME_UPPER" || mode === "SAME_LOWER") {
      if (![...sides, ...stride].every((side) => side > 0))
        throw read.refuse("its kernel or stride is not positive");
      return { kernel: sides, stride, padding: samePadding(shape, sides, stride, mode === "SAME_LOWER") };
    }
    if (mode !== "NOTSET" && mode !== "VALID") throw read.refuse(`auto_pad ${mode} is unknown`);
    return {
      kernel: sides,
      stride,
      padding: mode === "VALID" ? [0, 0, 0, 0] : (pads as [number, number, number, number]),
    };
  }

  #convolution(read: OnnxNodeReader): TensorId {
    const input = this.#tensor(read, 0);
    const weights = this.#constant(read, 1);
    const [outputs, , ...kernel] = weights.dimensions;
    if (outputs === undefined || weights.dimensions.length !== 4)
      throw read.refuse("its weights do not have 4 dimensions");
    const shape = this.#writer.shape(input);
    const groups = read.int("group", 1);
    const named = read.ints("kernel_shape", kernel);
    if (named.join() !== kernel.join()) throw read.refuse("kernel_shape is not that of its weights");
    if (weights.dimensions[1] !== shape[0] / groups)
      throw read.refuse(`its weights do not fit ${shape[0]} channels`);
    return this.#writer.add(read.name, read.operator, {
      kind: "convolution",
      input,
      outputs,
      groups,
      window: this.#window(read, shape, kernel),
      weights: floatValues(weights),
      biases: this.#vector(read, 2, outputs),
    });
  }

  #dense(
    read: OnnxNodeReader,
    weights: OnnxTensor,
    isTransposed: boolean,
    scale: number,
    biases?: Float32Array,
  ): TensorId {
    const input = this.#tensor(read, 0);
    const inputs = this.#vectorLength(read, input);
    const [rows, columns] = weights.dimensions;
    if (weights.dimensions.length !== 2 || rows === undefined || columns === undefined)
      throw read.refuse("its weights do not have 2 dimensions");
    const outputs = isTransposed ? rows : columns;
    if ((isTransposed ? columns : rows) !== inputs)
      throw read.refuse(`its weights do not take ${inputs} values`);
    const values = floatValues(weights);
    const ordered = isTransposed
      ? values
      : values.map((_, at) => values[(at % inputs) * outputs + Math.floor(at / inputs)] as number);
    return this.#writer.add(read.name, read.operator, {
      kind: "dense",
      input,
      outputs,
      weights: scale === 1 ? ordered : ordered.map((weight) => weight * scale),
      biases: biases ?? new Float32Array(outputs),
    });
  }

  #vectorLength(read: OnnxNodeReader, input: TensorId): number {
    const [length, height, width] = this.#writer.shape(input);
    if (height !== 1 || width !== 1) throw read.refuse("its input is not flat");
    return length;
  }

  #gemm(read: OnnxNodeReader): TensorId {
    if (read.int("transA", 0) !== 0) throw read.refuse("it transposes its input");
    const weights = this.#constant(read, 1);
    const isTransposed = read.int("transB", 0) !== 0;
    const beta = read.float("beta", 1);
    // Read first: what the shape claims is believed once the bytes are there.
    floatValues(weights);
    const outputs = weights.dimensions[isTransposed ? 0 : 1] ?? 0;
    const biases = this.#perChannel(read, 2, outputs, 0).map((bias) => bias * beta);
    return this.#dense(read, weights, isTransposed, read.float("alpha", 1), biases);
  }

  #matMul(read: OnnxNodeReader): TensorId {
    return this.#dense(read, this.#constant(read, 1), false, 1);
  }

  /** A constant with one value, or one a channel; `missing` where the node has none. */
  #perChannel(read: OnnxNodeReader, index: number, channels: number, missing: number): Float32Array {
    if (!read.hasInput(index)) return new Float32Array(channels).fill(missing);
    const tensor = this.#constant(read, index);
    const values = floatValues(tensor);
    if (values.length === 1) return new Float32Array(channels).fill(values[0] as number);
    const isAlongChannels =
      values.length === channels && tensor.dimensions.filter((side) => side !== 1).length === 1;
    if (!isAlongChannels) throw read.refuse(`input ${index} is not one value, or one a channel`);
    return values;
  }

  #batchNorm(read: OnnxNodeReader): TensorId {
    if (read.int("training_mode", 0) !== 0) throw read.refuse("it is in training mode");
    read.skip("momentum", "spatial");
    const input = this.#tensor(read, 0);
    const channels = this.#writer.shape(input)[0];
    const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) =>
      this.#vector(read, index, channels),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const epsilon = read.float("epsilon", 1e-5);
    const scale = gamma.map((value, at) => value / Math.sqrt((variance[at] as number) + epsilon));
    const offset = beta.map((value, at) => value - (mean[at] as number) * (scale[at] as number));
    return this.#writer.add(read.name, read.operator, { kind: "batch-norm", input, scale, offset });
  }

  #activation(read: OnnxNodeReader, activation: ActivationFunction): TensorId {
    const input = this.#tensor(read, 0);
    return this.#writer.add(read.name, read.operator, { kind: "activation", input, function: activation });
  }

  #pool(read: OnnxNodeReader, operator: "MaxPool" | "AveragePool"): TensorId {
    const input = this.#tensor(read, 0);
    if (read.int("ceil_mode", 0) !== 0) throw read.refuse("it rounds its size up");
    read.skip("storage_order");
    const window = this.#window(read, this.#writer.shape(input), read.ints("kernel_shape", []));
    const countsPadding = read.int("count_include_pad", 0) !== 0;
    if (operator === "AveragePool" && !countsPadding && window.padding.some((side) => side > 0))
      throw read.refuse("its averages leave out the padding");
    return this.#writer.add(read.name, operator, {
      kind: operator === "MaxPool" ? "max-pool" : "average-pool",
      input,
      window,
    });
  }

  #globalPool(read: OnnxNodeReader, operator: "GlobalMaxPool" | "GlobalAveragePool"): TensorId {
    const input = this.#tensor(read, 0);
    const [, height, width] = this.#writer.shape(input);
    return this.#writer.add(read.name, operator, {
      kind: operator === "GlobalMaxPool" ? "max-pool" : "average-pool",
      input,
      window: { kernel: [height, width], stride: [1, 1], padding: [0, 0, 0, 0] },
    });
  }

  /** A residual sum, or a constant: then it is a scale and an offset a channel. */
  #arithmetic(read: OnnxNodeReader, operator: "Add" | "Sub" | "Mul" | "Div"): TensorId {
    const isComputed = [0, 1].map((index) => this.#tensors.has(read.input(index)));
    if (isComputed[0] && isComputed[1]) {
      if (operator !== "Add") throw read.refuse("both inputs are computed");
      const inputs = [this.#tensor(read, 0), this.#tensor(read, 1)] as const;
      return this.#writer.add(read.name, operator, { kind: "add", inputs });
    }
    const at = isComputed[0] ? 0 : 1;
    if (at === 1 && (operator === "Sub" || operator === "Div"))
      throw read.refuse("its first input is a constant");
    const input = this.#tensor(read, at);
    const channels = this.#writer.shape(input)[0];
    const constant = this.#perChannel(read, 1 - at, channels, 0);
    const isFactor = operator === "Mul" || operator === "Div";
    const scale = isFactor
      ? constant.map((value) => (operator === "Div" ? 1 / value : value))
      : new Float32Array(channels).fill(1);
    const offset = isFactor
      ? new Float32Array(channels)
      : constant.map((value) => (operator === "Sub" ? -value : value));
    return this.#writer.add(read.name, operator, { kind: "batch-norm", input, scale, offset });
  }

  #concat(read: OnnxNodeReader): TensorId {
    const inputs = Array.from({ length: read.inputCount }, (_, index) => this.#tensor(read, index));
    const [, height, width] = this.#writer.shape(inputs[0] as TensorId);
    const axis = read.int("axis", 0);
    const isFlat = height === 1 && width === 1;
    if (axis !== 1 && axis !== -3 && !(isFlat && axis === -1))
      throw read.refuse(`it joins along axis ${axis}, not channels`);
    return this.#writer.add(read.name, read.operator, { kind: "concat", inputs });
  }

  #flatten(read: OnnxNodeReader, operator: "Flatten" | "Reshape"): TensorId {
    const input = this.#tensor(read, 0);
    const count = elementCount(this.#writer.shape(input));
    if (operator === "Flatten" && read.int("axis", 1) !== 1) throw read.refuse("its axis is not 1");
    if (operator === "Reshape") {
      read.skip("allowzero");
      const shape = integerValues(this.#constant(read, 1));
      const isFlat = shape.length === 2 && (shape[1] === -1 || shape[1] === count) && shape[0] !== count;
      if (!isFlat) throw read.refuse(`its shape ${shape.join(" × ")} does not flatten`);
    }
    return this.#writer.add(read.name, operator, { kind: "flatten", input });
  }
}

/** Batch × values, or batch × channels × height × width. */
function inputShape({ name, dimensions }: OnnxValue): TensorShape {
  const [batch, ...sides] = dimensions;
  if (sides.some((side) => side === undefined)) throw dynamicShape(name);
  const known = sides as number[];
  if (batch !== undefined && batch !== 1)
    throw unsupportedNode(name, "input", `it takes batches of ${batch}; export it for 1`);
  if (known.length === 1) return [known[0] as number, 1, 1];
  if (known.length === 3) return known as unknown as TensorShape;
  throw unsupportedNode(name, "input", `it has ${dimensions.length} dimensions, not 2 or 4`);
}

/**
 * A float graph from an ONNX file (operator sets 7 to 23). Supported: Conv (grouped and depthwise), Gemm, MatMul,
 * BatchNormalization, Relu, LeakyRelu, Sigmoid, Tanh, Gelu, MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool,
 * Add, Sub, Mul, Div (with constants; Add of two tensors), Concat, Flatten, Reshape to flat, Identity, Dropout,
 * Constant; a last Softmax, LogSoftmax or ArgMax is left out and noted. Anything else is refused, naming the node.
 *
 * Throws `malformed-model`, `unsupported-model`, `dynamic-shape`, `weight-not-finite`, `invalid-float-graph`. Cost:
 * one copy of the weights.
 */
export function importOnnx(bytes: Uint8Array): ImportedModel {
  return new OnnxImporter(readOnnx(bytes)).import();
}
