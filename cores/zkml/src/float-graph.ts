import { CodedError } from "@aios/kernel/coded-error";
import { inferShapes, parameterCounts, type ShapedNode } from "./graph-shapes.js";
import type { TensorId, TensorShape, Window } from "./integer-node.js";

export type ActivationFunction =
  | { readonly type: "relu" | "sigmoid" | "tanh" | "gelu" | "gelu-tanh" }
  | { readonly type: "leaky-relu"; readonly slope: number };

interface Named {
  /** As the model's author calls it; only for reports. */
  readonly name: string;
}

/** Layouts as in `integer-node`; weights are 32-bit floats. */
export type FloatNode = Named &
  (
    | {
        readonly kind: "dense";
        readonly input: TensorId;
        readonly outputs: number;
        readonly weights: Float32Array;
        readonly biases: Float32Array;
      }
    | {
        readonly kind: "convolution";
        readonly input: TensorId;
        readonly outputs: number;
        readonly groups: number;
        readonly window: Window;
        readonly weights: Float32Array;
        readonly biases: Float32Array;
      }
    /** scale[c] · x + offset[c]: what batch normalisation is after training. */
    | {
        readonly kind: "batch-norm";
        readonly input: TensorId;
        readonly scale: Float32Array;
        readonly offset: Float32Array;
      }
    | { readonly kind: "activation"; readonly input: TensorId; readonly function: ActivationFunction }
    /** An average divides by the whole kernel, padding included. */
    | { readonly kind: "max-pool" | "average-pool"; readonly input: TensorId; readonly window: Window }
    | { readonly kind: "add"; readonly inputs: readonly [TensorId, TensorId] }
    | { readonly kind: "concat"; readonly inputs: readonly TensorId[] }
    | { readonly kind: "flatten"; readonly input: TensorId }
  );

/**
 * A trained model as a graph; tensors are numbered as in the integer form. The input's bytes are read as
 * `byte / 255`, channel by channel; the last node gives logits.
 */
export interface FloatGraph {
  readonly inputShape: TensorShape;
  readonly nodes: readonly FloatNode[];
}

export function floatInputsOf(node: FloatNode): readonly TensorId[] {
  return "inputs" in node ? node.inputs : [node.input];
}

/** What shape inference needs of a float node. */
export function shapedFloatNode(node: FloatNode): ShapedNode {
  switch (node.kind) {
    case "max-pool":
    case "average-pool":
      return { kind: "pool", input: node.input, window: node.window };
    case "activation":
    case "batch-norm":
      return { kind: "elementwise", input: node.input };
    default:
      return node;
  }
}

/** Shapes of all tensors, the input's first. Throws `invalid-float-graph` naming the node. */
export function floatShapes(graph: FloatGraph): TensorShape[] {
  return inferShapes(graph.inputShape, graph.nodes.map(shapedFloatNode), (index, problem) =>
    refused(graph.nodes[index], problem),
  );
}

function refused(node: FloatNode | undefined, problem: string): CodedError {
  const subject = node === undefined ? "it" : `node "${node.name}"`;
  return new CodedError({
    code: "invalid-float-graph",
    kind: "unprocessable",
    message: `This model cannot be used: ${subject} ${problem}.`,
    details: { node: node?.name, problem },
  });
}

function parametersOf(node: FloatNode): readonly Float32Array[] {
  if (node.kind === "batch-norm") return [node.scale, node.offset];
  return node.kind === "dense" || node.kind === "convolution" ? [node.weights, node.biases] : [];
}

/** Throws `invalid-float-graph` naming the node: shape, number of parameters, NaN or infinity, nothing reads it. */
export function validateFloatGraph(graph: FloatGraph): void {
  const shapes = floatShapes(graph);
  const read = new Set(graph.nodes.flatMap(floatInputsOf));
  for (const [index, node] of graph.nodes.entries()) {
    const input = shapes[floatInputsOf(node)[0] as number] as TensorShape;
    const counts = parameterCounts(shapedFloatNode(node), input);
    const expected = node.kind === "batch-norm" ? [input[0], input[0]] : [counts.weights, counts.biases];
    for (const [at, values] of parametersOf(node).entries()) {
      if (values.length !== expected[at])
        throw refused(node, `has ${values.length} parameters where ${expected[at]} are needed`);
      if (!values.every(Number.isFinite)) throw refused(node, "has a number that is not finite");
    }
    if (node.kind === "activation" && node.function.type === "leaky-relu") {
      const { slope } = node.function;
      if (!(slope >= 0 && slope <= 1)) throw refused(node, `has a slope of ${slope}, not 0 to 1`);
    }
    if (index < graph.nodes.length - 1 && !read.has(index + 1))
      throw refused(node, "gives values that nothing reads");
  }
}
