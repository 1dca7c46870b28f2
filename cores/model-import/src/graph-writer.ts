import {
  type FloatGraph,
  type FloatNode,
  shapedFloatNode,
  validateFloatGraph,
} from "@aios/core-zkml/float-graph";
import { shapeOf } from "@aios/core-zkml/graph-shapes";
import type { TensorId, TensorShape, Window } from "@aios/core-zkml/integer-node";
import { unsupportedNode, weightNotFinite } from "./import-error.js";
import type { ImportedModel } from "./imported-model.js";

type WithoutName<T> = T extends { readonly name: string } ? Omit<T, "name"> : never;

/** Writes a float graph node by node and keeps the shapes of its tensors. */
export class GraphWriter {
  readonly notes: string[] = [];
  readonly #nodes: FloatNode[] = [];
  readonly #shapes: TensorShape[];

  constructor(private readonly inputShape: TensorShape) {
    this.#shapes = [inputShape];
  }

  shape(id: TensorId): TensorShape {
    return this.#shapes[id] as TensorShape;
  }

  /** Throws `unsupported-model` for shapes that do not fit and `weight-not-finite`. */
  add(name: string, operator: string, node: WithoutName<FloatNode>): TensorId {
    const named = { ...node, name } as FloatNode;
    const shape = shapeOf(shapedFloatNode(named), this.#shapes);
    if (typeof shape === "string") throw unsupportedNode(name, operator, shape);
    if ("weights" in named) assertFinite(name, named.weights, named.biases);
    if ("scale" in named) assertFinite(name, named.scale, named.offset);
    this.#shapes.push(shape);
    return this.#nodes.push(named);
  }

  /** The graph up to `output`, which must be the last node written. Throws `invalid-float-graph`. */
  finish(output: TensorId): ImportedModel {
    const graph: FloatGraph = { inputShape: this.inputShape, nodes: this.#nodes.slice(0, output) };
    validateFloatGraph(graph);
    return { graph, notes: this.notes };
  }
}

function assertFinite(name: string, ...arrays: readonly Float32Array[]): void {
  for (const values of arrays) {
    const index = values.findIndex((value) => !Number.isFinite(value));
    if (index >= 0) throw weightNotFinite(name, index);
  }
}

/** Padding that keeps ⌈side / stride⌉ positions; an odd cell goes to the end, or to the beginning when `atStart`. */
export function samePadding(
  shape: TensorShape,
  kernel: Window["kernel"],
  stride: Window["stride"],
  atStart = false,
): Window["padding"] {
  const total = (side: number, cells: number, step: number): number =>
    Math.max(0, (Math.ceil(side / step) - 1) * step + cells - side);
  const vertical = total(shape[1], kernel[0], stride[0]);
  const horizontal = total(shape[2], kernel[1], stride[1]);
  const first = (padding: number): number => (atStart ? Math.ceil(padding / 2) : Math.floor(padding / 2));
  const [top, left] = [first(vertical), first(horizontal)];
  return [top, left, vertical - top, horizontal - left];
}
