import { type FloatGraph, type FloatNode, floatInputsOf } from "./float-graph.js";
import type { Window } from "./integer-node.js";

type Activation = FloatNode & { readonly kind: "activation" };

/** Non-decreasing, so the largest of f(x) is f of the largest x. */
function isMonotone({ function: { type } }: Activation): boolean {
  return type !== "gelu" && type !== "gelu-tanh";
}

function isDisjoint({ kernel, stride }: Window): boolean {
  return stride[0] >= kernel[0] && stride[1] >= kernel[1];
}

/**
 * The same function with max pooling before the activation where that saves work: a window of four then needs one
 * activation instead of four. Windows must not overlap and nothing else may read the activation's values.
 */
export function poolBeforeActivation(graph: FloatGraph): FloatGraph {
  const nodes = [...graph.nodes];
  for (const [index, pool] of graph.nodes.entries()) {
    if (pool.kind !== "max-pool" || !isDisjoint(pool.window)) continue;
    const activation = nodes[pool.input - 1];
    const readers = graph.nodes.filter((node) => floatInputsOf(node).includes(pool.input)).length;
    if (activation?.kind !== "activation" || readers !== 1 || !isMonotone(activation)) continue;
    nodes[pool.input - 1] = { ...pool, input: activation.input };
    nodes[index] = { ...activation, input: pool.input };
  }
  return { inputShape: graph.inputShape, nodes };
}
