import { evaluateGraph } from "./graph-evaluator.js";
import { tensorShapes } from "./graph-shapes.js";
import { type ProvableModel, provableGraph } from "./integer-graph.js";
import { decodeIntegerGraph, graphCommitment, isEncodedGraph } from "./integer-graph-codec.js";
import { decodeIntegerModel, modelCommitment } from "./integer-model.js";
import { elementCount, type TensorShape } from "./integer-node.js";

/** Reads either encoding, told apart by its tag. Throws as `decodeIntegerModel` or `decodeIntegerGraph`. */
export function decodeProvableModel(bytes: Uint8Array): ProvableModel {
  return isEncodedGraph(bytes) ? decodeIntegerGraph(bytes) : decodeIntegerModel(bytes);
}

/** keccak256 of the model's encoding, in the form that it is in. 32 bytes. */
export function provableModelCommitment(model: ProvableModel): Uint8Array {
  return "nodes" in model ? graphCommitment(model) : modelCommitment(model);
}

/** The reference evaluation of either form. Throws `wrong-input-shape`. */
export function evaluateModel(model: ProvableModel, input: Uint8Array): Int32Array {
  return evaluateGraph(provableGraph(model), input);
}

/** Weight multiplications of one evaluation: what an inference is charged by. */
export function multiplicationCount(model: ProvableModel): number {
  const graph = provableGraph(model);
  const shapes = tensorShapes(graph);
  return graph.nodes.reduce((sum, node, index) => {
    if (node.kind === "dense") return sum + node.weights.length;
    if (node.kind !== "convolution") return sum;
    const positions = elementCount(shapes[index + 1] as TensorShape) / node.outputs;
    return sum + positions * node.weights.length;
  }, 0);
}
