import type { ActivationFunction } from "@aios/core-zkml/float-graph";
import { elementCount, type TensorId, type TensorShape, type Window } from "@aios/core-zkml/integer-node";
import { GraphWriter, samePadding } from "./graph-writer.js";
import { dynamicShape, malformedModel, unsupportedModel, unsupportedNode } from "./import-error.js";
import type { ImportedModel } from "./imported-model.js";
import { OnnxNodeReader } from "./onnx-attributes.js";
import { type OnnxModel, type OnnxNode, type OnnxTensor, type OnnxValue, readOnnx } from "./onnx-messages.js";
import { FloatTensor, integerValues } from "./onnx-tensor.js";

/**
 * A computed tensor. ONNX knows it with its batch as [1, C] (rank 2) or [1, C, H, W] (rank 4); the graph has both as
 * channels, rows and columns, though axes count differently.
 */
interface Value {
  readonly id: TensorId;
  readonly rank: 2 | 4;
}

/** Versions of ONNX's own operator set whose operators mean what is read here. */
const OPERATOR_SETS = { from: 7, to: 23 } as const;
/** Axis of the channels in every computed tensor. */
const CHANNELS = 1;
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
  readonly #tensors = new Map<string, Value>();
  readonly #constants: Map<string, OnnxTensor>;

  constructor(private readonly model: OnnxModel) {
    assertOperatorSet(model.operatorSets.get(""));
    this.#constants = new Map(model.initializers);
    const inputs = model.inputs.filter(({ name }) => !model.initializers.has(name));
    if (inputs.length !== 1) throw malformedModel(`it takes ${inputs.length} inputs, not one`);
    const input = inputs[0] as OnnxValue;
    const { shape, rank } = inputShape(input);
    this.#writer = new GraphWriter(shape);
    this.#tensors.set(input.name, { id: 0, rank });
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
    const computed = this.#tensors.get(output);
    if (computed === undefined || computed.id === 0) throw malformedModel("nothing computes its output");
    return this.#writer.finish(computed.id);
  }

  #node(node: OnnxNode, read: OnnxNodeReader, output: string): Value | undefined {
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
  #tensor(read: OnnxNodeReader, index: number): Value {
    const name = read.input(index);
    const value = this.#tensors.get(name);
    if (value !== undefined) return value;
    throw read.refuse(
      this.#constants.has(name) ? `input ${index} is a constant` : `input ${index} is not computed before it`,
    );
  }

  #constant(read: OnnxNodeReader, index: number): OnnxTensor {
    const tensor = this.#constants.get(read.input(index));
    if (tensor === undefined) throw read.refuse(`input ${index} is not a constant`);
    return tensor;
  }

  #floats(read: OnnxNodeReader, index: number): FloatTensor {
    return new FloatTensor(this.#constant(read, index));
  }

  /** Planes: what a node needs that slides a window. */
  #planes(read: OnnxNodeReader): { readonly input: TensorId; readonly shape: TensorShape } {
    const { id, rank } = this.#tensor(read, 0);
    if (rank !== 4) throw read.refuse("its input has 2 dimensions, not 4");
    return { input: id, shape: this.#writer.shape(id) };
  }

  #vector(read: OnnxNodeReader, index: number, length: number): Float32Array {
    if (!read.hasInput(index)) return new Float32Array(length);
    const tensor = this.#floats(read, index);
    if (tensor.dimensions.length !== 1 || tensor.count !== length)
      throw read.refuse(`input ${index} is not a list of ${length} values`);
    return tensor.values();
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

  #convolution(read: OnnxNodeReader): Value {
    const { input, shape } = this.#planes(read);
    const weights = this.#floats(read, 1);
    const [outputs, channels, ...kernel] = weights.dimensions;
    if (outputs === undefined || weights.dimensions.length !== 4)
      throw read.refuse("its weights do not have 4 dimensions");
    const groups = read.int("group", 1);
    const named = read.ints("kernel_shape", kernel);
    if (named.join() !== kernel.join()) throw read.refuse("kernel_shape is not that of its weights");
    if (channels !== shape[0] / groups) throw read.refuse(`its weights do not fit ${shape[0]} channels`);
    const window = this.#window(read, shape, kernel);
    const node = { kind: "convolution", input, outputs, groups, window } as const;
    const id = this.#writer.addWithParameters(read.name, read.operator, node, () => ({
      ...node,
      weights: weights.values(),
      biases: this.#vector(read, 2, outputs),
    }));
    return { id, rank: 4 };
  }

  #dense(
    read: OnnxNodeReader,
    isTransposed: boolean,
    scale: number,
    biases: (outputs: number) => Float32Array,
  ): Value {
    const input = this.#tensor(read, 0);
    if (input.rank !== 2) throw read.refuse("its input is not flat");
    const [inputs] = this.#writer.shape(input.id);
    const weights = this.#floats(read, 1);
    const [rows, columns] = weights.dimensions;
    if (weights.dimensions.length !== 2 || rows === undefined || columns === undefined)
      throw read.refuse("its weights do not have 2 dimensions");
    const outputs = isTransposed ? rows : columns;
    if ((isTransposed ? columns : rows) !== inputs)
      throw read.refuse(`its weights do not take ${inputs} values`);
    const node = { kind: "dense", input: input.id, outputs } as const;
    const id = this.#writer.addWithParameters(read.name, read.operator, node, () => {
      const values = weights.values();
      const ordered = isTransposed
        ? values
        : values.map((_, at) => values[(at % inputs) * outputs + Math.floor(at / inputs)] as number);
      return {
        ...node,
        weights: scale === 1 ? ordered : ordered.map((weight) => weight * scale),
        biases: biases(outputs),
      };
    });
    return { id, rank: 2 };
  }

  #gemm(read: OnnxNodeReader): Value {
    if (read.int("transA", 0) !== 0) throw read.refuse("it transposes its input");
    const beta = read.float("beta", 1);
    return this.#dense(read, read.int("transB", 0) !== 0, read.float("alpha", 1), (outputs) =>
      read.hasInput(2)
        ? this.#perChannel(read, 2, outputs, 2).map((bias) => bias * beta)
        : new Float32Array(outputs),
    );
  }

  #matMul(read: OnnxNodeReader): Value {
    return this.#dense(read, false, 1, (outputs) => new Float32Array(outputs));
  }

  /**
   * A constant with one value, or one a channel. Which axis it has is ONNX's rule (numpy's): shapes are aligned from
   * the right, so that a list of C values goes along the channels of [1, C], but along the columns of [1, C, H, W].
   */
  #perChannel(read: OnnxNodeReader, index: number, channels: number, rank: Value["rank"]): Float32Array {
    const tensor = this.#floats(read, index);
    const { count, dimensions } = tensor;
    if (dimensions.length > rank) throw read.refuse(`input ${index} has more than ${rank} dimensions`);
    if (count === 1) return new Float32Array(channels).fill(tensor.values()[0] as number);
    const axis = rank - dimensions.length + dimensions.findIndex((side) => side !== 1);
    const isOneAxis = dimensions.filter((side) => side !== 1).length === 1;
    if (!isOneAxis || axis !== CHANNELS || count !== channels)
      throw read.refuse(
        `input ${index} of ${dimensions.join(" × ")} values is not one value, or one a channel of ${channels}`,
      );
    return tensor.values();
  }

  #batchNorm(read: OnnxNodeReader): Value {
    if (read.int("training_mode", 0) !== 0) throw read.refuse("it is in training mode");
    if (read.int("spatial", 1) !== 1) throw read.refuse("it normalises each value by itself");
    read.skip("momentum");
    const epsilon = read.float("epsilon", 1e-5);
    return this.#scaled(read, this.#tensor(read, 0), (channels) => {
      const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) =>
        this.#vector(read, index, channels),
      ) as [Float32Array, Float32Array, Float32Array, Float32Array];
      const scale = gamma.map((value, at) => value / Math.sqrt((variance[at] as number) + epsilon));
      const offset = beta.map((value, at) => value - (mean[at] as number) * (scale[at] as number));
      return { scale, offset };
    });
  }

  /** A scale and an offset a channel. */
  #scaled(
    read: OnnxNodeReader,
    { id, rank }: Value,
    parameters: (channels: number) => { readonly scale: Float32Array; readonly offset: Float32Array },
  ): Value {
    const shape = { kind: "elementwise", input: id } as const;
    const scaled = this.#writer.addWithParameters(read.name, read.operator, shape, () => ({
      kind: "batch-norm",
      input: id,
      ...parameters(this.#writer.shape(id)[0]),
    }));
    return { id: scaled, rank };
  }

  #activation(read: OnnxNodeReader, activation: ActivationFunction): Value {
    const { id, rank } = this.#tensor(read, 0);
    const node = { kind: "activation", input: id, function: activation } as const;
    return { id: this.#writer.add(read.name, read.operator, node), rank };
  }

  #pool(read: OnnxNodeReader, operator: "MaxPool" | "AveragePool"): Value {
    const { input, shape } = this.#planes(read);
    if (read.int("ceil_mode", 0) !== 0) throw read.refuse("it rounds its size up");
    read.skip("storage_order");
    const window = this.#window(read, shape, read.ints("kernel_shape", []));
    const countsPadding = read.int("count_include_pad", 0) !== 0;
    if (operator === "AveragePool" && !countsPadding && window.padding.some((side) => side > 0))
      throw read.refuse("its averages leave out the padding");
    const kind = operator === "MaxPool" ? "max-pool" : "average-pool";
    return { id: this.#writer.add(read.name, operator, { kind, input, window }), rank: 4 };
  }

  #globalPool(read: OnnxNodeReader, operator: "GlobalMaxPool" | "GlobalAveragePool"): Value {
    const { input, shape } = this.#planes(read);
    const window: Window = { kernel: [shape[1], shape[2]], stride: [1, 1], padding: [0, 0, 0, 0] };
    const kind = operator === "GlobalMaxPool" ? "max-pool" : "average-pool";
    return { id: this.#writer.add(read.name, operator, { kind, input, window }), rank: 4 };
  }

  /** A residual sum, or a constant: then it is a scale and an offset a channel. */
  #arithmetic(read: OnnxNodeReader, operator: "Add" | "Sub" | "Mul" | "Div"): Value {
    const isComputed = [0, 1].map((index) => this.#tensors.has(read.input(index)));
    if (isComputed[0] && isComputed[1]) return this.#sum(read, operator);
    const at = isComputed[0] ? 0 : 1;
    if (at === 1 && (operator === "Sub" || operator === "Div"))
      throw read.refuse("its first input is a constant");
    const input = this.#tensor(read, at);
    return this.#scaled(read, input, (channels) => {
      const constant = this.#perChannel(read, 1 - at, channels, input.rank);
      if (operator === "Add" || operator === "Sub")
        return {
          scale: new Float32Array(channels).fill(1),
          offset: operator === "Add" ? constant : constant.map((value) => -value),
        };
      return {
        scale: operator === "Mul" ? constant : constant.map((value) => 1 / value),
        offset: new Float32Array(channels),
      };
    });
  }

  #sum(read: OnnxNodeReader, operator: string): Value {
    if (operator !== "Add") throw read.refuse("both inputs are computed");
    const [first, second] = [this.#tensor(read, 0), this.#tensor(read, 1)];
    if (first.rank !== second.rank) throw read.refuse("adds tensors of different shapes");
    const node = { kind: "add", inputs: [first.id, second.id] } as const;
    return { id: this.#writer.add(read.name, operator, node), rank: first.rank };
  }

  #concat(read: OnnxNodeReader): Value {
    const inputs = Array.from({ length: read.inputCount }, (_, index) => this.#tensor(read, index));
    const rank = inputs[0]?.rank ?? 4;
    if (inputs.some((input) => input.rank !== rank)) throw read.refuse("joins tensors of different shapes");
    const axis = read.int("axis", 0);
    if (axis !== CHANNELS && axis !== CHANNELS - rank)
      throw read.refuse(`it joins along axis ${axis}, not channels`);
    const node = { kind: "concat", inputs: inputs.map(({ id }) => id) } as const;
    return { id: this.#writer.add(read.name, read.operator, node), rank };
  }

  #flatten(read: OnnxNodeReader, operator: "Flatten" | "Reshape"): Value {
    const input = this.#tensor(read, 0).id;
    const count = elementCount(this.#writer.shape(input));
    if (operator === "Flatten" && read.int("axis", 1) !== 1) throw read.refuse("its axis is not 1");
    if (operator === "Reshape") {
      const [batch, length, ...more] = integerValues(this.#constant(read, 1));
      const keepsBatch = batch === 1 || (batch === 0 && read.int("allowzero", 0) === 0);
      read.skip("allowzero");
      const isFlat = keepsBatch ? length === -1 || length === count : batch === -1 && length === count;
      if (!isFlat || more.length > 0)
        throw read.refuse(`its shape ${[batch, length, ...more].join(" × ")} does not flatten`);
    }
    return { id: this.#writer.add(read.name, operator, { kind: "flatten", input }), rank: 2 };
  }
}

function assertOperatorSet(version: number | undefined): void {
  const { from, to } = OPERATOR_SETS;
  if (version === undefined) throw malformedModel("it names no version of ONNX's operator set");
  if (version < from || version > to)
    throw unsupportedModel(`is written for version ${version} of ONNX's operator set, not ${from} to ${to}`);
}

/** Batch × values, or batch × channels × height × width. */
function inputShape({ name, dimensions }: OnnxValue): { readonly shape: TensorShape; readonly rank: 2 | 4 } {
  const [batch, ...sides] = dimensions;
  if (sides.some((side) => side === undefined)) throw dynamicShape(name);
  const known = sides as number[];
  if (batch !== undefined && batch !== 1)
    throw unsupportedNode(name, "input", `it takes batches of ${batch}; export it for 1`);
  if (known.length === 1) return { shape: [known[0] as number, 1, 1], rank: 2 };
  if (known.length === 3) return { shape: known as unknown as TensorShape, rank: 4 };
  throw unsupportedNode(name, "input", `it has ${dimensions.length} dimensions, not 2 or 4`);
}

/**
 * A float graph from an ONNX file (operator sets 7 to 23). Supported: Conv (grouped and depthwise), Gemm, MatMul,
 * BatchNormalization, Relu, LeakyRelu, Sigmoid, Tanh, Gelu, MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool,
 * Add, Sub, Mul, Div (with constants; Add of two tensors), Concat, Flatten, Reshape to flat, Identity, Dropout,
 * Constant; a last Softmax, LogSoftmax or ArgMax is left out and noted. Anything else is refused, naming the node.
 *
 * Throws `malformed-model`, `unsupported-model`, `dynamic-shape`, `weight-not-finite`, `invalid-float-graph`. Cost:
 * one copy of the weights, reserved for a node once the graph is known to keep its bounds with it.
 */
export function importOnnx(bytes: Uint8Array): ImportedModel {
  return new OnnxImporter(readOnnx(bytes)).import();
}
