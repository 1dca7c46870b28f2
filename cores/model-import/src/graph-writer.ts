import {
  type FloatGraph,
  type FloatNode,
  shapedFloatNode,
  validateFloatGraph,
} from "@aios/core-zkml/float-graph";
import { GraphShapes, type ShapedNode } from "@aios/core-zkml/graph-shapes";
import type { TensorId, TensorShape, Window } from "@aios/core-zkml/integer-node";
import { unsupportedModel, unsupportedNode, weightNotFinite } from "./import-error.js";
import type { ImportedModel } from "./imported-model.js";

type WithoutName<T> = T extends { readonly name: string } ? Omit<T, "name"> : never;
type ParameterKind = "dense" | "convolution" | "batch-norm";
type WithParameters = WithoutName<Extract<FloatNode, { readonly kind: ParameterKind }>>;
type WithoutParameters = WithoutName<Exclude<FloatNode, { readonly kind: ParameterKind }>>;

/** Writes a float graph node by node and keeps the shapes of its tensors, bounded at every step. */
export class GraphWriter {
  readonly notes: string[] = [];
  readonly #nodes: FloatNode[] = [];
  readonly #shapes: GraphShapes;
  #adding = { name: "", operator: "" };

  /** Throws `unsupported-model` for an input that is too large. */
  constructor(private readonly inputShape: TensorShape) {
    this.#shapes = new GraphShapes(inputShape, (node, problem) =>
      node < 0
        ? unsupportedModel(problem)
        : unsupportedNode(this.#adding.name, this.#adding.operator, `it ${problem}`),
    );
  }

  shape(id: TensorId): TensorShape {
    return this.#shapes.shapes[id] as TensorShape;
  }

  /** Throws `unsupported-model` for a shape that does not fit or a graph that becomes too large. */
  add(name: string, operator: string, node: WithoutParameters): TensorId {
    const named = { ...node, name } as FloatNode;
    this.#reserve(name, operator, shapedFloatNode(named));
    return this.#nodes.push(named);
  }

  /**
   * A node whose parameters are read once its shape is known to fit. Throws what `add` throws, and
   * `weight-not-finite`.
   */
  addWithParameters(name: string, operator: string, shape: ShapedNode, read: () => WithParameters): TensorId {
    this.#reserve(name, operator, shape);
    const node = { ...read(), name } as FloatNode;
    if ("weights" in node) assertFinite(name, node.weights, node.biases);
    if ("scale" in node) assertFinite(name, node.scale, node.offset);
    return this.#nodes.push(node);
  }

  #reserve(name: string, operator: string, shape: ShapedNode): void {
    this.#adding = { name, operator };
    this.#shapes.add(shape);
  }

  /** The graph up to `output`. Throws `invalid-float-graph`. */
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
