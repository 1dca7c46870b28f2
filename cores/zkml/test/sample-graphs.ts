import { SeededRng } from "@aios/kernel/random";
import type { ActivationFunction, FloatGraph, FloatNode } from "../src/float-graph.js";
import { quantiseGraph } from "../src/graph-quantisation.js";
import type { IntegerGraph, IntegerNode, TensorShape, Window } from "../src/integer-node.js";
import type { Granularity } from "../src/weight-quantisation.js";

export function square(side: number, stride = 1, padding = 0): Window {
  return {
    kernel: [side, side],
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
  };
}

function floats(rng: SeededRng, count: number, size: number): Float32Array {
  return Float32Array.from({ length: count }, () => (rng.uint32() / 2 ** 31 - 1) * size);
}

/** Writes float graphs with random weights. */
export class FloatGraphWriter {
  readonly nodes: FloatNode[] = [];

  constructor(
    readonly inputShape: TensorShape,
    private readonly rng: SeededRng,
  ) {}

  #push(node: FloatNode): number {
    return this.nodes.push(node);
  }

  #name(kind: string): string {
    return `${kind} ${this.nodes.length + 1}`;
  }

  convolution(input: number, channels: number, outputs: number, window: Window, groups = 1): number {
    const each = (channels / groups) * window.kernel[0] * window.kernel[1];
    return this.#push({
      kind: "convolution",
      name: this.#name("conv"),
      input,
      outputs,
      groups,
      window,
      weights: floats(this.rng, outputs * each, Math.sqrt(6 / each)),
      biases: floats(this.rng, outputs, 0.2),
    });
  }

  dense(input: number, inputs: number, outputs: number): number {
    return this.#push({
      kind: "dense",
      name: this.#name("dense"),
      input,
      outputs,
      weights: floats(this.rng, outputs * inputs, Math.sqrt(6 / inputs)),
      biases: floats(this.rng, outputs, 0.2),
    });
  }

  batchNorm(input: number, channels: number): number {
    const scale = floats(this.rng, channels, 0.5).map((value) => value + 1);
    return this.#push({
      kind: "batch-norm",
      name: this.#name("norm"),
      input,
      scale,
      offset: floats(this.rng, channels, 0.3),
    });
  }

  activation(input: number, type: ActivationFunction["type"]): number {
    const fn: ActivationFunction = type === "leaky-relu" ? { type, slope: 0.1 } : { type };
    return this.#push({ kind: "activation", name: this.#name(type), input, function: fn });
  }

  pool(input: number, kind: "max-pool" | "average-pool", window: Window): number {
    return this.#push({ kind, name: this.#name(kind), input, window });
  }

  join(kind: "add" | "concat", a: number, b: number): number {
    return this.#push({ kind, name: this.#name(kind), inputs: [a, b] });
  }

  flatten(input: number): number {
    return this.#push({ kind: "flatten", name: this.#name("flatten"), input });
  }

  finish(): FloatGraph {
    return { inputShape: this.inputShape, nodes: this.nodes };
  }
}

/** A small network with every kind of node, on an input of 2 × 6 × 6. */
export function everyKind(seed: number, activation: ActivationFunction["type"]): FloatGraph {
  const write = new FloatGraphWriter([2, 6, 6], new SeededRng(seed));
  const first = write.activation(write.batchNorm(write.convolution(0, 2, 4, square(3, 1, 1)), 4), "relu");
  const pooled = write.pool(first, "max-pool", square(2, 2));
  const deep = write.activation(write.convolution(pooled, 4, 4, square(3, 1, 1), 4), activation);
  const residual = write.activation(
    write.join("add", write.convolution(deep, 4, 4, square(1)), pooled),
    "leaky-relu",
  );
  const joined = write.join("concat", residual, deep);
  const average = write.batchNorm(write.pool(joined, "average-pool", square(2, 1)), 8);
  const hidden = write.activation(write.dense(write.flatten(average), 32, 5), activation);
  write.dense(hidden, 5, 3);
  return write.finish();
}

/** The smallest network with a convolution, a pool, a table, a sum and a dense layer, on an input of 1 × 3 × 3. */
export function smallConvolutional(seed: number): FloatGraph {
  const write = new FloatGraphWriter([1, 3, 3], new SeededRng(seed));
  const planes = write.activation(write.convolution(0, 1, 2, square(2)), "relu");
  const pooled = write.pool(planes, "max-pool", square(2, 1));
  const tabled = write.activation(
    write.join("add", write.convolution(pooled, 2, 2, square(1)), pooled),
    "sigmoid",
  );
  write.dense(tabled, 2, 3);
  return write.finish();
}

export function quantised(
  graph: FloatGraph,
  seed: number,
  granularity: Granularity = "channel",
  samples = 12,
): IntegerGraph {
  const rng = new SeededRng(seed + 77);
  const size = graph.inputShape.reduce((a, b) => a * b, 1);
  const calibration = Array.from({ length: samples }, () => rng.bytes(size));
  return quantiseGraph(graph, calibration, rng.bytes(32), undefined, { granularity }).graph;
}

export function integerGraph(inputShape: TensorShape, nodes: readonly IntegerNode[]): IntegerGraph {
  return { inputShape, nodes, salt: new Uint8Array(32).fill(7) };
}
