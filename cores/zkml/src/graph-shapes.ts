import { CodedError } from "@aios/kernel/coded-error";
import { elementCount, type IntegerNode, type TensorShape, type Window } from "./integer-node.js";
import { MAX_PARAMETERS } from "./model-limits.js";
import { windowOutput } from "./window-taps.js";

/** Bounds of every graph; what is beyond them is refused before memory is reserved. */
export const MAX_NODES = 256;
export const MAX_TENSOR_ELEMENTS = 1 << 20;
export const MAX_GRAPH_INPUTS = 65_536;
export const MAX_KERNEL_SIDE = 255;
/** Multiplications of one evaluation. */
export const MAX_MULTIPLICATIONS = 2 ** 31;

/** What shape inference needs to know of a node, float or integer. */
export type ShapedNode =
  | { readonly kind: "dense"; readonly input: number; readonly outputs: number }
  | {
      readonly kind: "convolution";
      readonly input: number;
      readonly outputs: number;
      readonly groups: number;
      readonly window: Window;
    }
  | { readonly kind: "pool"; readonly input: number; readonly window: Window }
  | { readonly kind: "add" | "concat"; readonly inputs: readonly number[] }
  | { readonly kind: "flatten" | "elementwise"; readonly input: number };

function whole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

function windowProblem({ kernel, stride, padding }: Window): string | undefined {
  if (![...kernel, ...stride].every((side) => whole(side, 1, MAX_KERNEL_SIDE)))
    return `has a kernel or stride that is not 1 to ${MAX_KERNEL_SIDE}`;
  const [top, left, bottom, right] = padding;
  const fits =
    [top, bottom].every((side) => whole(side, 0, kernel[0] - 1)) &&
    [left, right].every((side) => whole(side, 0, kernel[1] - 1));
  return fits ? undefined : "is padded by as much as its kernel or more";
}

function inputsOfShaped(node: ShapedNode): readonly number[] {
  return "inputs" in node ? node.inputs : [node.input];
}

/** Shape that one node gives, or what is wrong with it. `shapes` are those of the tensors before it. */
export function shapeOf(node: ShapedNode, shapes: readonly TensorShape[]): TensorShape | string {
  const inputs = inputsOfShaped(node);
  if (inputs.length < 1 || !inputs.every((id) => whole(id, 0, shapes.length - 1)))
    return "reads a tensor that does not come before it";
  const first = shapes[inputs[0] as number] as TensorShape;
  switch (node.kind) {
    case "dense":
      return [node.outputs, 1, 1];
    case "convolution": {
      const { groups, outputs } = node;
      if (!whole(groups, 1, first[0]) || first[0] % groups !== 0 || outputs % groups !== 0)
        return `cannot split ${first[0]} channels and ${outputs} outputs into ${groups} groups`;
      return windowShape(first, outputs, node.window);
    }
    case "pool":
      return windowShape(first, first[0], node.window);
    case "flatten":
      return [elementCount(first), 1, 1];
    case "elementwise":
      return first;
    case "add": {
      const second = shapes[inputs[1] as number];
      const same =
        inputs.length === 2 && second !== undefined && first.every((side, at) => side === second[at]);
      return same ? first : "adds tensors of different shapes";
    }
    case "concat": {
      const all = inputs.map((id) => shapes[id] as TensorShape);
      if (!all.every((shape) => shape[1] === first[1] && shape[2] === first[2]))
        return "joins planes of different sizes";
      return [all.reduce((sum, shape) => sum + shape[0], 0), first[1], first[2]];
    }
  }
}

function windowShape(shape: TensorShape, channels: number, window: Window): TensorShape | string {
  const problem = windowProblem(window);
  if (problem !== undefined) return problem;
  const output = windowOutput(shape, window);
  return output === undefined ? "has a kernel larger than its input" : [channels, ...output];
}

/** Products that one node needs for an evaluation. */
function multiplications(node: ShapedNode, input: TensorShape, output: TensorShape): number {
  if (node.kind === "dense") return elementCount(input) * node.outputs;
  if (node.kind === "pool") return elementCount(output) * node.window.kernel[0] * node.window.kernel[1];
  if (node.kind !== "convolution") return elementCount(output);
  return elementCount(output) * (input[0] / node.groups) * node.window.kernel[0] * node.window.kernel[1];
}

/** Weights and biases of a node of this shape. */
export function parameterCounts(
  node: ShapedNode,
  input: TensorShape,
): { readonly weights: number; readonly biases: number } {
  if (node.kind === "dense") return { weights: elementCount(input) * node.outputs, biases: node.outputs };
  if (node.kind !== "convolution") return { weights: 0, biases: 0 };
  const kernel = node.window.kernel[0] * node.window.kernel[1];
  return { weights: node.outputs * (input[0] / node.groups) * kernel, biases: node.outputs };
}

/**
 * Shapes of a graph that grows node by node, bounded at every step (see the constants above), so that whoever writes a
 * graph reserves no memory for a node that does not fit. `refuse` makes the error: node index (−1 for the graph as a
 * whole) and what is wrong.
 */
export class GraphShapes {
  readonly #shapes: TensorShape[];
  #parameters = 0;
  #products = 0;
  #elements: number;

  constructor(
    inputShape: TensorShape,
    private readonly refuse: (node: number, problem: string) => Error,
  ) {
    if (
      !inputShape.every((side) => whole(side, 1, MAX_GRAPH_INPUTS)) ||
      elementCount(inputShape) > MAX_GRAPH_INPUTS
    )
      throw refuse(-1, `takes an input of ${inputShape.join(" × ")}, not 1 to ${MAX_GRAPH_INPUTS} values`);
    this.#shapes = [inputShape];
    this.#elements = elementCount(inputShape);
  }

  /** Of all tensors, the input's first. */
  get shapes(): readonly TensorShape[] {
    return this.#shapes;
  }

  /** Shape that the next node gives. */
  add(node: ShapedNode): TensorShape {
    const index = this.#shapes.length - 1;
    if (index >= MAX_NODES) throw this.refuse(-1, `has more than ${MAX_NODES} nodes`);
    if ("outputs" in node && !whole(node.outputs, 1, MAX_TENSOR_ELEMENTS))
      throw this.refuse(index, `has ${node.outputs} outputs`);
    const shape = shapeOf(node, this.#shapes);
    if (typeof shape === "string") throw this.refuse(index, shape);
    const input = this.#shapes[inputsOfShaped(node)[0] as number] as TensorShape;
    const counts = parameterCounts(node, input);
    this.#parameters += counts.weights + counts.biases;
    this.#products += multiplications(node, input, shape);
    this.#elements += elementCount(shape);
    const above = (limit: number, what: string) =>
      this.refuse(index, `brings the graph above ${limit} ${what}`);
    if (this.#elements > MAX_TENSOR_ELEMENTS) throw above(MAX_TENSOR_ELEMENTS, "intermediate values");
    if (this.#parameters > MAX_PARAMETERS) throw above(MAX_PARAMETERS, "parameters");
    if (this.#products > MAX_MULTIPLICATIONS) throw above(MAX_MULTIPLICATIONS, "multiplications");
    this.#shapes.push(shape);
    return shape;
  }
}

/** Shapes of all tensors of a whole graph, the input's first; `refuse` as in `GraphShapes`. */
export function inferShapes(
  inputShape: TensorShape,
  nodes: readonly ShapedNode[],
  refuse: (node: number, problem: string) => Error,
): TensorShape[] {
  if (nodes.length < 1 || nodes.length > MAX_NODES)
    throw refuse(-1, `has ${nodes.length} nodes, not 1 to ${MAX_NODES}`);
  const graph = new GraphShapes(inputShape, refuse);
  for (const node of nodes) graph.add(node);
  return [...graph.shapes];
}

/** Tensors that nothing reads, other than the last one. */
export function unreadTensors(nodes: readonly { readonly inputs: readonly number[] }[]): number[] {
  const read = new Set(nodes.flatMap((node) => node.inputs));
  return nodes.map((_, index) => index).filter((id) => !read.has(id));
}

export function refusedGraph(node: number, problem: string): CodedError {
  const subject = node < 0 ? "it" : `node ${node}`;
  return new CodedError({
    code: "invalid-integer-graph",
    kind: "unprocessable",
    message: `This model cannot be used: ${subject} ${problem}.`,
    details: { node, problem },
  });
}

/** What shape inference needs of an integer node. */
export function shapedNode(node: IntegerNode): ShapedNode {
  switch (node.kind) {
    case "sum-pool":
    case "max-pool":
      return { kind: "pool", input: node.input, window: node.window };
    case "requantise":
    case "table":
      return { kind: "elementwise", input: node.input };
    default:
      return node;
  }
}

/** Shapes of all tensors of an integer graph, the input's first. Throws `invalid-integer-graph`. */
export function tensorShapes(graph: {
  readonly inputShape: TensorShape;
  readonly nodes: readonly IntegerNode[];
}): TensorShape[] {
  return inferShapes(graph.inputShape, graph.nodes.map(shapedNode), refusedGraph);
}
