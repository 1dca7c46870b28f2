import { type FloatGraph, type FloatNode, floatInputsOf } from "./float-graph.js";
import type { TensorId } from "./integer-node.js";

type Linear = FloatNode & { readonly kind: "dense" | "convolution" };

function folded(linear: Linear, norm: FloatNode & { readonly kind: "batch-norm" }): Linear {
  const perOutput = linear.weights.length / linear.outputs;
  const scale = (output: number): number => norm.scale[output] as number;
  return {
    ...linear,
    weights: linear.weights.map((weight, at) => weight * scale(Math.floor(at / perOutput))),
    biases: linear.biases.map((bias, at) => bias * scale(at) + (norm.offset[at] as number)),
  };
}

/** A normalisation that nothing linear precedes: a convolution of one cell a channel. */
function alone(norm: FloatNode & { readonly kind: "batch-norm" }): FloatNode {
  return {
    kind: "convolution",
    name: norm.name,
    input: norm.input,
    outputs: norm.scale.length,
    groups: norm.scale.length,
    window: { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0] },
    weights: norm.scale,
    biases: norm.offset,
  };
}

/**
 * The same function without batch normalisation: folded into the dense or convolution node before it where nothing
 * else reads that one, else a convolution of one cell a channel. The graph is valid.
 */
export function foldBatchNorms(graph: FloatGraph): FloatGraph {
  const readers = new Map<TensorId, number>();
  for (const id of graph.nodes.flatMap(floatInputsOf)) readers.set(id, (readers.get(id) ?? 0) + 1);
  const nodes: FloatNode[] = [];
  const moved: TensorId[] = [0];
  for (const original of graph.nodes) {
    const node = renumbered(original, moved);
    if (node.kind !== "batch-norm") {
      moved.push(nodes.push(node));
      continue;
    }
    const before = nodes[node.input - 1];
    const isOnlyReader = "input" in original && readers.get(original.input) === 1;
    if (isOnlyReader && before !== undefined && (before.kind === "dense" || before.kind === "convolution")) {
      nodes[node.input - 1] = folded(before, node);
      moved.push(node.input);
    } else moved.push(nodes.push(alone(node)));
  }
  return { inputShape: graph.inputShape, nodes };
}

function renumbered(node: FloatNode, moved: readonly TensorId[]): FloatNode {
  const to = (id: TensorId): TensorId => moved[id] as TensorId;
  if (node.kind === "add") return { ...node, inputs: [to(node.inputs[0]), to(node.inputs[1])] };
  return node.kind === "concat"
    ? { ...node, inputs: node.inputs.map(to) }
    : { ...node, input: to(node.input) };
}
