import type { ActivationFunction } from "@aios/core-zkml/float-graph";
import { elementCount, type TensorId, type TensorShape, type Window } from "@aios/core-zkml/integer-node";
import { GraphWriter, samePadding } from "./graph-writer.js";
import { dynamicShape, malformedModel, unsupportedNode } from "./import-error.js";
import { type ImportedModel, MAX_MODEL_BYTES } from "./imported-model.js";
import { readTfjsTopology, type TfjsLayer, type TfjsTopology } from "./tfjs-topology.js";

/** A tensor of the graph; `rows` is the plane whose values a flat tensor lists channel last, as TensorFlow does. */
interface Value {
  readonly id: TensorId;
  readonly rows: TensorShape | undefined;
}

const IDENTITIES = new Set(["Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout"]);

class TfjsImporter {
  #writer: GraphWriter | undefined;
  readonly #values = new Map<string, Value>();

  constructor(
    private readonly topology: TfjsTopology,
    private readonly weights: DataView,
  ) {}

  import(): ImportedModel {
    for (const layer of this.topology.layers) this.#values.set(layer.name, this.#layer(layer));
    const output = this.#values.get(this.topology.output);
    if (output === undefined || this.#writer === undefined || output.id === 0)
      throw malformedModel("nothing computes its output");
    return this.#writer.finish(output.id);
  }

  /** The graph, begun by the input's shape. */
  #graph(layer: TfjsLayer): GraphWriter {
    if (this.#writer !== undefined) return this.#writer;
    throw this.#refuse(layer, "nothing before it says the shape of the input");
  }

  #refuse(layer: TfjsLayer, problem: string) {
    return unsupportedNode(layer.name, layer.kind, problem);
  }

  #layer(layer: TfjsLayer): Value {
    const { config } = layer;
    if (layer.kind === "InputLayer") return this.#begin(layer);
    // A sequential model's first layer may carry the input's shape itself.
    const inputs =
      this.#writer === undefined
        ? [this.#begin(layer)]
        : layer.inputs.map((name) => {
            const value = this.#values.get(name);
            if (value === undefined)
              throw this.#refuse(layer, "it reads a layer that does not come before it");
            return value;
          });
    if (inputs.length === 0) throw this.#refuse(layer, "it reads nothing");
    if (config.has("data_format") && config.text("data_format") !== "channels_last")
      throw this.#refuse(layer, "its data format is not channels_last");
    return this.#operation(layer, inputs);
  }

  #begin(layer: TfjsLayer): Value {
    if (this.#writer !== undefined) throw this.#refuse(layer, "it is a second input");
    const name = layer.config.has("batch_input_shape") ? "batch_input_shape" : "batch_shape";
    const [, ...sides] = layer.config.list(name);
    if (!sides.every((side) => typeof side === "number")) throw dynamicShape(layer.name);
    const known = sides as number[];
    if (known.length === 1) this.#writer = new GraphWriter([known[0] as number, 1, 1]);
    else if (known.length === 3) {
      const [height, width, channels] = known as [number, number, number];
      this.#writer = new GraphWriter([channels, height, width]);
      if (channels > 1)
        this.#writer.notes.push("Input bytes are given channel by channel, not channel last.");
    } else throw this.#refuse(layer, `its input has ${known.length} dimensions, not 1 or 3`);
    return { id: 0, rows: undefined };
  }

  #operation(layer: TfjsLayer, inputs: readonly Value[]): Value {
    const { config, kind } = layer;
    const input = inputs[0] as Value;
    if (IDENTITIES.has(kind)) return input;
    switch (kind) {
      case "Dense":
        return this.#activated(layer, this.#dense(layer, input));
      case "Conv2D":
      case "DepthwiseConv2D":
        return this.#activated(layer, this.#convolution(layer, input));
      case "BatchNormalization":
        return this.#batchNorm(layer, input);
      case "Activation":
        return this.#activated(layer, input);
      case "ReLU":
        if (config.has("max_value") || config.number("threshold", 0) !== 0)
          throw this.#refuse(layer, "it has a largest value or a threshold");
        return this.#relu(layer, input, config.number("negative_slope", 0));
      case "LeakyReLU":
        return this.#relu(layer, input, config.number("alpha", config.number("negative_slope", 0.3)));
      case "Softmax":
        return this.#softmax(layer, input);
      case "MaxPooling2D":
      case "AveragePooling2D":
        return this.#pool(layer, input);
      case "GlobalMaxPooling2D":
      case "GlobalAveragePooling2D": {
        const [, height, width] = this.#graph(layer).shape(input.id);
        const window: Window = { kernel: [height, width], stride: [1, 1], padding: [0, 0, 0, 0] };
        const kindOf = kind === "GlobalMaxPooling2D" ? "max-pool" : "average-pool";
        return {
          id: this.#graph(layer).add(layer.name, kind, { kind: kindOf, input: input.id, window }),
          rows: undefined,
        };
      }
      case "Flatten":
        return this.#flatten(layer, input);
      case "Add":
      case "Concatenate":
        return this.#join(layer, inputs);
      default:
        throw this.#refuse(layer, "this layer is not supported");
    }
  }

  #weight(layer: TfjsLayer, name: string, shape: readonly number[]): Float32Array {
    const weight = this.topology.weights.get(`${layer.name}/${name}`);
    if (weight === undefined) throw this.#refuse(layer, `it has no weight ${name}`);
    if (weight.shape.join() !== shape.join())
      throw this.#refuse(
        layer,
        `its weight ${name} has shape ${weight.shape.join(" × ")}, not ${shape.join(" × ")}`,
      );
    return Float32Array.from({ length: weight.count }, (_, at) =>
      this.weights.getFloat32(weight.offset + at * 4, true),
    );
  }

  #biases(layer: TfjsLayer, outputs: number): Float32Array {
    return layer.config.flag("use_bias", true)
      ? this.#weight(layer, "bias", [outputs])
      : new Float32Array(outputs);
  }

  /** Where our order (channel by channel) has what TensorFlow lists at `index` of a flattened plane. */
  #fromChannelLast(rows: TensorShape | undefined, index: number): number {
    if (rows === undefined) return index;
    const [channels, height, width] = rows;
    return (index % channels) * height * width + Math.floor(index / channels);
  }

  #dense(layer: TfjsLayer, input: Value): Value {
    const graph = this.#graph(layer);
    const [inputs, height, width] = graph.shape(input.id);
    if (height !== 1 || width !== 1) throw this.#refuse(layer, "its input is not flat");
    const outputs = layer.config.number("units", 0);
    const node = { kind: "dense", input: input.id, outputs } as const;
    const id = graph.addWithParameters(layer.name, layer.kind, node, () => {
      const kernel = this.#weight(layer, "kernel", [inputs, outputs]);
      const weights = new Float32Array(kernel.length);
      for (let column = 0; column < inputs; column++) {
        const ours = this.#fromChannelLast(input.rows, column);
        for (let row = 0; row < outputs; row++)
          weights[row * inputs + ours] = kernel[column * outputs + row] as number;
      }
      return { ...node, weights, biases: this.#biases(layer, outputs) };
    });
    return { id, rows: undefined };
  }

  #window(layer: TfjsLayer, shape: TensorShape, kernel: [number, number], stride: [number, number]): Window {
    const positive = [...kernel, ...stride].every((side) => Number.isInteger(side) && side > 0);
    if (!positive) throw this.#refuse(layer, "its kernel or stride is not positive");
    const padding = layer.config.text("padding", "valid").toLowerCase();
    if (padding === "valid") return { kernel, stride, padding: [0, 0, 0, 0] };
    if (padding !== "same") throw this.#refuse(layer, `its padding ${padding} is not supported`);
    return { kernel, stride, padding: samePadding(shape, kernel, stride) };
  }

  #convolution(layer: TfjsLayer, input: Value): Value {
    const { config } = layer;
    const graph = this.#graph(layer);
    const shape = graph.shape(input.id);
    const [channels] = shape;
    if (config.pair("dilation_rate", [1, 1]).some((rate) => rate !== 1))
      throw this.#refuse(layer, "it is dilated");
    const kernel = config.pair("kernel_size", [0, 0]);
    const window = this.#window(layer, shape, kernel, config.pair("strides", [1, 1]));
    const cells = kernel[0] * kernel[1];
    const isDepthwise = layer.kind === "DepthwiseConv2D";
    const multiplier = config.number("depth_multiplier", 1);
    const groups = isDepthwise ? channels : config.number("groups", 1);
    const outputs = isDepthwise ? channels * multiplier : config.number("filters", 0);
    const each = channels / groups;
    const node = { kind: "convolution", input: input.id, outputs, groups, window } as const;
    const id = graph.addWithParameters(layer.name, layer.kind, node, () => {
      // TensorFlow: [height, width, channels of a group, outputs], depthwise [height, width, channels, multiplier].
      const stored = isDepthwise
        ? this.#weight(layer, "depthwise_kernel", [...kernel, channels, multiplier])
        : this.#weight(layer, "kernel", [...kernel, each, outputs]);
      const perCell = stored.length / cells;
      const weights = stored.map((_, at) => {
        const output = Math.floor(at / (each * cells));
        const channel = Math.floor(at / cells) % each;
        return stored[(at % cells) * perCell + (isDepthwise ? output : channel * outputs + output)] as number;
      });
      return { ...node, weights, biases: this.#biases(layer, outputs) };
    });
    return { id, rows: undefined };
  }

  #batchNorm(layer: TfjsLayer, input: Value): Value {
    const { config } = layer;
    const graph = this.#graph(layer);
    const [channels] = graph.shape(input.id);
    const axis = Array.isArray(config.get("axis")) ? config.list("axis")[0] : config.number("axis", -1);
    const isFlat = graph.shape(input.id)[1] === 1 && graph.shape(input.id)[2] === 1;
    if (axis !== -1 && axis !== (isFlat ? 1 : 3))
      throw this.#refuse(layer, `its axis ${String(axis)} is not the last`);
    const vector = (name: string, flag: string, missing: number): Float32Array => {
      if (flag !== "" && !config.flag(flag, true)) return new Float32Array(channels).fill(missing);
      const values = this.#weight(layer, name, [channels]);
      const ordered = new Float32Array(channels);
      for (const [at, value] of values.entries()) ordered[this.#fromChannelLast(input.rows, at)] = value;
      return ordered;
    };
    const epsilon = config.number("epsilon", 1e-3);
    const shape = { kind: "elementwise", input: input.id } as const;
    const id = graph.addWithParameters(layer.name, layer.kind, shape, () => {
      const [gamma, beta] = [vector("gamma", "scale", 1), vector("beta", "center", 0)];
      const [mean, variance] = [vector("moving_mean", "", 0), vector("moving_variance", "", 1)];
      const scale = gamma.map((value, at) => value / Math.sqrt((variance[at] as number) + epsilon));
      const offset = beta.map((value, at) => value - (mean[at] as number) * (scale[at] as number));
      return { kind: "batch-norm", input: input.id, scale, offset };
    });
    return { ...input, id };
  }

  #activated(layer: TfjsLayer, input: Value): Value {
    const name = layer.config.text("activation", "linear");
    switch (name) {
      case "linear":
        return input;
      case "relu":
      case "sigmoid":
      case "tanh":
      case "gelu":
        return this.#activation(layer, input, { type: name });
      case "gelu_new":
        return this.#activation(layer, input, { type: "gelu-tanh" });
      case "softmax":
        return this.#softmax(layer, input);
      default:
        throw this.#refuse(layer, `activation ${name} is not supported`);
    }
  }

  #relu(layer: TfjsLayer, input: Value, slope: number): Value {
    return this.#activation(layer, input, slope === 0 ? { type: "relu" } : { type: "leaky-relu", slope });
  }

  #activation(layer: TfjsLayer, input: Value, activation: ActivationFunction): Value {
    const id = this.#graph(layer).add(layer.name, layer.kind, {
      kind: "activation",
      input: input.id,
      function: activation,
    });
    return { ...input, id };
  }

  #softmax(layer: TfjsLayer, input: Value): Value {
    if (layer.name !== this.topology.output)
      throw this.#refuse(layer, "a softmax is only left out at the end");
    this.#graph(layer).notes.push(
      `Softmax "${layer.name}" is left out: it grows with the logits, which are proven; apply it to them outside.`,
    );
    return input;
  }

  #pool(layer: TfjsLayer, input: Value): Value {
    const graph = this.#graph(layer);
    const size = layer.config.pair("pool_size", [2, 2]);
    const stride = layer.config.has("strides") ? layer.config.pair("strides", size) : size;
    const window = this.#window(layer, graph.shape(input.id), size, stride);
    const isAverage = layer.kind === "AveragePooling2D";
    if (isAverage && window.padding.some((side) => side > 0))
      throw this.#refuse(layer, "its averages leave out the padding");
    const kind = isAverage ? "average-pool" : "max-pool";
    return { id: graph.add(layer.name, layer.kind, { kind, input: input.id, window }), rows: undefined };
  }

  #flatten(layer: TfjsLayer, input: Value): Value {
    const graph = this.#graph(layer);
    const shape = graph.shape(input.id);
    if (elementCount(shape) === shape[0]) return input;
    return { id: graph.add(layer.name, layer.kind, { kind: "flatten", input: input.id }), rows: shape };
  }

  #join(layer: TfjsLayer, inputs: readonly Value[]): Value {
    const graph = this.#graph(layer);
    const ids = inputs.map(({ id }) => id);
    if (layer.kind === "Add") {
      if (ids.length !== 2) throw this.#refuse(layer, `it adds ${ids.length} tensors, not 2`);
      const [a, b] = inputs as [Value, Value];
      if (a.rows?.join() !== b.rows?.join())
        throw this.#refuse(layer, "it adds planes flattened differently");
      const pair = [a.id, b.id] as const;
      return { ...a, id: graph.add(layer.name, layer.kind, { kind: "add", inputs: pair }) };
    }
    if (inputs.some(({ rows }) => rows !== undefined)) throw this.#refuse(layer, "it joins flattened planes");
    const axis = layer.config.number("axis", -1);
    const [, height, width] = graph.shape(ids[0] as TensorId);
    if (axis !== -1 && axis !== (height === 1 && width === 1 ? 1 : 3))
      throw this.#refuse(layer, `it joins along axis ${axis}, not channels`);
    return { id: graph.add(layer.name, layer.kind, { kind: "concat", inputs: ids }), rows: undefined };
  }
}

/**
 * A float graph from a TensorFlow.js layers model: the text of `model.json` and the bytes of its weight files in the
 * order of the manifest. Supported: Dense, Conv2D, DepthwiseConv2D, BatchNormalization, Activation, ReLU, LeakyReLU,
 * max, average and global pooling, Flatten, Add, Concatenate, dropout; a last softmax is left out and noted. Anything
 * else is refused, naming the layer. Pixels become channel by channel.
 *
 * Throws `malformed-model`, `unsupported-model`, `dynamic-shape`, `weight-not-finite`, `invalid-float-graph`. Cost:
 * two copies of the weights.
 */
export function importTfjsLayers(json: string, weights: Uint8Array): ImportedModel {
  if (weights.length > MAX_MODEL_BYTES)
    throw malformedModel(`its weights have more than ${MAX_MODEL_BYTES} bytes`);
  const topology = readTfjsTopology(json);
  if (topology.weightBytes !== weights.length)
    throw malformedModel(
      `its manifest names ${topology.weightBytes} weight bytes; there are ${weights.length}`,
    );
  const view = new DataView(weights.buffer, weights.byteOffset, weights.length);
  return new TfjsImporter(topology, view).import();
}
