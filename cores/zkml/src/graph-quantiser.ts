import { activate } from "./activation-function.js";
import { type ActivationFunction, type FloatGraph, type FloatNode, floatInputsOf } from "./float-graph.js";
import { evaluateNode } from "./graph-evaluator.js";
import { shapedNode, shapeOf } from "./graph-shapes.js";
import { type IntegerNode, inputsOf, type TensorId, type TensorShape } from "./integer-node.js";
import { chooseScaling } from "./requantisation-choice.js";
import { type Granularity, quantiseParameters } from "./weight-quantisation.js";

/** How a tensor of the integer graph stands for one of the float graph. */
export interface QuantisedTensor {
  readonly id: TensorId;
  /** Real value of one unit of each channel. */
  readonly scales: Float64Array;
  /** Largest magnitude where it is known to be small: 8-bit values and sums of a few. `undefined` for accumulators. */
  readonly bound: number | undefined;
}

/** Operands of linear nodes stay below this, so that accumulators fit int32 for all but huge nodes. */
const MAX_OPERAND = 2 ** 14;
/** Weight of the coarser of two added tensors. */
const ADD_MULTIPLIER = 1 << 10;
/** Beyond these the functions are flat to within a quarter of an 8-bit step. */
const FLAT_BEYOND: Readonly<Partial<Record<ActivationFunction["type"], number>>> = { sigmoid: 7, tanh: 3.5 };

/** Writes the integer graph node by node and evaluates it on the calibration inputs while doing so. */
export class GraphQuantiser {
  readonly nodes: IntegerNode[] = [];
  readonly #shapes: TensorShape[];
  readonly #values: (readonly Int32Array[])[];
  readonly #tensors: QuantisedTensor[];
  /** 8-bit forms of accumulators, by tensor. */
  readonly #operands = new Map<TensorId, QuantisedTensor>();

  constructor(
    private readonly source: FloatGraph,
    calibrationInputs: readonly Uint8Array[],
    private readonly options: { readonly granularity: Granularity; readonly minMultiplier: number },
  ) {
    this.#shapes = [source.inputShape];
    this.#values = [calibrationInputs.map((input) => Int32Array.from(input))];
    const scales = new Float64Array(source.inputShape[0]).fill(1 / 255);
    this.#tensors = [{ id: 0, scales, bound: 255 }];
  }

  /** What the calibration inputs give for a tensor of the integer graph. */
  valuesOf(id: TensorId): readonly Int32Array[] {
    return this.#values[id] as readonly Int32Array[];
  }

  /** Quantises the source's node `index`; all before it have been added. */
  add(index: number): QuantisedTensor {
    const tensor = this.#quantise(this.source.nodes[index] as FloatNode, index + 1);
    this.#tensors.push(tensor);
    return tensor;
  }

  #emit(node: IntegerNode): TensorId {
    const ids = inputsOf(node);
    const shape = this.#shapes[ids[0] as number] as TensorShape;
    const result = shapeOf(shapedNode(node), this.#shapes);
    if (typeof result === "string") throw new RangeError(result);
    const inputs = ids.map((id) => this.valuesOf(id));
    const samples = (inputs[0] as readonly Int32Array[]).keys();
    this.#values.push(
      Array.from(samples, (sample) =>
        evaluateNode(
          node,
          shape,
          inputs.map((values) => values[sample] as Int32Array),
        ),
      ),
    );
    this.#shapes.push(result);
    return this.nodes.push(node);
  }

  #quantise(node: FloatNode, floatId: TensorId): QuantisedTensor {
    const source = this.#tensors[floatInputsOf(node)[0] as number] as QuantisedTensor;
    switch (node.kind) {
      case "dense":
      case "convolution":
        return this.#linear(node, floatId, this.#operand(source));
      case "activation":
        return this.#activation(node.function, source);
      case "max-pool":
        return { ...source, id: this.#emit({ kind: "max-pool", input: source.id, window: node.window }) };
      case "average-pool": {
        const input = this.#operand(source);
        const cells = node.window.kernel[0] * node.window.kernel[1];
        const id = this.#emit({ kind: "sum-pool", input: input.id, window: node.window });
        return { id, scales: input.scales.map((scale) => scale / cells), bound: (input.bound ?? 0) * cells };
      }
      case "add":
        return this.#add(node.inputs);
      case "concat":
        return this.#concat(node.inputs);
      case "flatten": {
        const [, height, width] = this.#shapes[source.id] as TensorShape;
        const plane = height * width;
        const scales = Float64Array.from(
          { length: source.scales.length * plane },
          (_, at) => source.scales[Math.floor(at / plane)] as number,
        );
        return { ...source, id: this.#emit({ kind: "flatten", input: source.id }), scales };
      }
      case "batch-norm":
        throw new TypeError("batch normalisation is folded before");
    }
  }

  #linear(
    node: FloatNode & { readonly kind: "dense" | "convolution" },
    floatId: TensorId,
    input: QuantisedTensor,
  ): QuantisedTensor {
    const granularity = this.#isUnscaledOutput(floatId) ? "tensor" : this.options.granularity;
    const unit = input.scales[0] as number;
    const { weights, biases, scales } = quantiseParameters(node.weights, node.biases, unit, granularity);
    const { outputs } = node;
    const id =
      node.kind === "dense"
        ? this.#emit({ kind: "dense", input: input.id, outputs, weights, biases })
        : this.#emit({
            kind: "convolution",
            input: input.id,
            outputs,
            groups: node.groups,
            window: node.window,
            weights,
            biases,
          });
    return { id, scales, bound: undefined };
  }

  /** Whether the tensor's accumulators become the logits, which need one scale for all. */
  #isUnscaledOutput(floatId: TensorId): boolean {
    if (floatId === this.source.nodes.length) return true;
    return this.source.nodes.some(
      (node, index) =>
        (node.kind === "flatten" || node.kind === "max-pool") &&
        node.input === floatId &&
        this.#isUnscaledOutput(index + 1),
    );
  }

  /** The tensor itself when it is small and of one scale, else requantised to 8 bits. */
  #operand(tensor: QuantisedTensor, mostMagnitude = MAX_OPERAND): QuantisedTensor {
    const isUniform = tensor.scales.every((scale) => scale === tensor.scales[0]);
    if (isUniform && tensor.bound !== undefined && tensor.bound <= mostMagnitude) return tensor;
    const known = this.#operands.get(tensor.id);
    if (known !== undefined) return known;
    const [min, max] = this.#reached(tensor);
    const made = this.#requantise(tensor, min, max, undefined);
    this.#operands.set(tensor.id, made);
    return made;
  }

  /** Smallest and largest real value on the calibration inputs, 0 included. */
  #reached(tensor: QuantisedTensor): [min: number, max: number] {
    let [min, max] = [0, 0];
    const [, height, width] = this.#shapes[tensor.id] as TensorShape;
    const plane = height * width;
    for (const values of this.valuesOf(tensor.id)) {
      for (let at = 0; at < values.length; at++) {
        const real = (values[at] as number) * (tensor.scales[Math.floor(at / plane)] as number);
        if (real < min) min = real;
        else if (real > max) max = real;
      }
    }
    return [min, max];
  }

  /** A tensor that calibration leaves at 0 gets an interval in proportion to its units. */
  #requantise(tensor: QuantisedTensor, min: number, max: number, slope: number | undefined): QuantisedTensor {
    const unit = tensor.scales.reduce((a, b) => Math.max(a, b), 0);
    const top = max - min > 0 ? max : unit * 255;
    const { node, scale } = chooseScaling(tensor.scales, min, top, {
      slope,
      minMultiplier: this.options.minMultiplier,
    });
    const id = this.#emit({ kind: "requantise", input: tensor.id, ...node });
    return { id, scales: new Float64Array(tensor.scales.length).fill(scale), bound: 255 };
  }

  #activation(activation: ActivationFunction, input: QuantisedTensor): QuantisedTensor {
    const [min, max] = this.#reached(input);
    if (activation.type === "relu") return this.#requantise(input, 0, max, undefined);
    if (activation.type === "leaky-relu")
      return this.#requantise(input, min * activation.slope, max, activation.slope);
    const flat = FLAT_BEYOND[activation.type] ?? Number.POSITIVE_INFINITY;
    const index = this.#requantise(input, Math.max(min, -flat), Math.min(max, flat), undefined);
    return this.#table(activation, index);
  }

  #table(activation: ActivationFunction, index: QuantisedTensor): QuantisedTensor {
    const node = this.nodes[index.id - 1];
    const low = node?.kind === "requantise" ? node.low : 0;
    const unit = index.scales[0] as number;
    const reals = Array.from({ length: 256 }, (_, at) => activate(activation, (at + low) * unit));
    const [min, max] = [Math.min(0, ...reals), Math.max(0, ...reals)];
    const scale = (max - min) / 255 || 1;
    const table = Int16Array.from(reals, (real) => Math.round(real / scale));
    const id = this.#emit({ kind: "table", input: index.id, low, table });
    return { id, scales: new Float64Array(index.scales.length).fill(scale), bound: 255 };
  }

  #add(ids: readonly [TensorId, TensorId]): QuantisedTensor {
    const [a, b] = ids.map((id) => this.#operand(this.#tensors[id] as QuantisedTensor)) as [
      QuantisedTensor,
      QuantisedTensor,
    ];
    const [unitA, unitB] = [a.scales[0] as number, b.scales[0] as number];
    const unit = Math.max(unitA, unitB) / ADD_MULTIPLIER;
    const weight = (own: number): number => Math.max(1, Math.round(own / unit));
    const id = this.#emit({
      kind: "add",
      inputs: [a.id, b.id],
      multipliers: [weight(unitA), weight(unitB)],
    });
    return { id, scales: new Float64Array(a.scales.length).fill(unit), bound: undefined };
  }

  /** All parts in the coarsest one's units. */
  #concat(ids: readonly TensorId[]): QuantisedTensor {
    const parts = ids.map((id) => this.#operand(this.#tensors[id] as QuantisedTensor, 255));
    const coarsest = parts.reduce((a, b) => ((a.scales[0] as number) >= (b.scales[0] as number) ? a : b));
    const common = coarsest.scales[0] as number;
    const joined = parts.map((part) => {
      if (part.scales[0] === common) return part.id;
      const [min] = this.#reached(part);
      // An 8-bit part of finer units fits into 255 of the common ones from its lower end on.
      const low = Math.max(-255 * common, min);
      const options = { slope: undefined, minMultiplier: 1 << 11 };
      const { node } = chooseScaling(part.scales, low, low + 255 * common, options);
      return this.#emit({ kind: "requantise", input: part.id, ...node });
    });
    const id = this.#emit({ kind: "concat", inputs: joined });
    const channels = (this.#shapes[id] as TensorShape)[0];
    return { id, scales: new Float64Array(channels).fill(common), bound: 255 };
  }
}
