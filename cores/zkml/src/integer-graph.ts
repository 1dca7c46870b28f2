import { analyseGraphRanges } from "./graph-ranges.js";
import { parameterCounts, refusedGraph as refuse, tensorShapes, unreadTensors } from "./graph-shapes.js";
import type { IntegerModel } from "./integer-model.js";
import {
  type IntegerGraph,
  type IntegerNode,
  inputsOf,
  type RequantiseNode,
  type TensorShape,
} from "./integer-node.js";
import { MAX_OUTPUTS, SALT_BYTES } from "./model-limits.js";

const MAX_FACTOR = 32_767;

function isFactor(value: number, min: number): boolean {
  return Number.isInteger(value) && value >= min && value <= MAX_FACTOR;
}

function requantiseProblem(node: RequantiseNode, channels: number): string | undefined {
  const { multipliers, slopes, shift, low } = node;
  if (multipliers.length !== 1 && multipliers.length !== channels)
    return `has ${multipliers.length} multipliers, not 1 or ${channels}`;
  if (!multipliers.every((value) => isFactor(value, 1)))
    return `has a multiplier that is not 1 to ${MAX_FACTOR}`;
  if (slopes !== undefined && slopes.length !== multipliers.length) return "has not one slope a multiplier";
  if (slopes !== undefined && !slopes.every((value) => isFactor(value, 0)))
    return `has a slope that is not 0 to ${MAX_FACTOR}`;
  if (!Number.isInteger(shift) || shift < 1 || shift > 40) return `has a shift of ${shift}, not 1 to 40`;
  if (!Number.isInteger(low) || low < -255 || low > 0) return `has a lower end of ${low}, not -255 to 0`;
  return undefined;
}

function nodeProblem(node: IntegerNode, input: TensorShape): string | undefined {
  switch (node.kind) {
    case "dense":
    case "convolution": {
      const counts = parameterCounts(node, input);
      if (node.weights.length !== counts.weights) return "has the wrong number of weights";
      return node.biases.length === counts.biases ? undefined : "has the wrong number of biases";
    }
    case "add":
      return node.multipliers.every((value) => isFactor(value, 1))
        ? undefined
        : `has a multiplier that is not 1 to ${MAX_FACTOR}`;
    case "requantise":
      return requantiseProblem(node, input[0]);
    case "table":
      if (node.table.length !== 256) return "has a table without 256 entries";
      if (!node.table.every((value) => value >= -255 && value <= 255))
        return "has a table entry that is not -255 to 255";
      return Number.isInteger(node.low) && node.low >= -255 && node.low <= 0
        ? undefined
        : `has a lower end of ${node.low}, not -255 to 0`;
    default:
      return undefined;
  }
}

/**
 * Throws `invalid-integer-graph` naming the node for wrong shapes, parameters or unread tensors, and
 * `model-range-exceeded` when some input could overflow a number.
 */
export function validateIntegerGraph(graph: IntegerGraph): void {
  const shapes = tensorShapes(graph);
  for (const [index, node] of graph.nodes.entries()) {
    const problem = nodeProblem(node, shapes[inputsOf(node)[0] as number] as TensorShape);
    if (problem !== undefined) throw refuse(index, problem);
  }
  const unread = unreadTensors(graph.nodes.map((node) => ({ inputs: inputsOf(node) })))[0];
  if (unread !== undefined) throw refuse(unread - 1, "gives values that nothing reads");
  const [channels, height, width] = shapes.at(-1) as TensorShape;
  const outputs = channels * height * width;
  if (outputs > MAX_OUTPUTS) throw refuse(-1, `has ${outputs} outputs, not 1 to ${MAX_OUTPUTS}`);
  if (graph.salt.length !== SALT_BYTES)
    throw refuse(-1, `has a salt of ${graph.salt.length} bytes, not ${SALT_BYTES}`);
  analyseGraphRanges(graph);
}

/** A perceptron in the intermediate form: dense layers with a ReLU requantisation between them. */
export function perceptronGraph(model: IntegerModel): IntegerGraph {
  const nodes: IntegerNode[] = [];
  for (const layer of model.layers) {
    const { outputs, weights, biases, multiplier, shift } = layer;
    nodes.push({ kind: "dense", input: nodes.length, outputs, weights, biases });
    if (layer.activation === "none") continue;
    const multipliers = Uint16Array.of(multiplier);
    nodes.push({ kind: "requantise", input: nodes.length, multipliers, slopes: undefined, shift, low: 0 });
  }
  return { inputShape: [model.layers[0]?.inputs ?? 0, 1, 1], nodes, salt: model.salt };
}

/** Either form of a quantised model. */
export type ProvableModel = IntegerModel | IntegerGraph;

/** The intermediate form of either. */
export function provableGraph(model: ProvableModel): IntegerGraph {
  return "nodes" in model ? model : perceptronGraph(model);
}
