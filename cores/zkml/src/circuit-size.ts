import { CodedError } from "@aios/kernel/coded-error";
import { analyseGraphRanges, type TensorRange } from "./graph-ranges.js";
import { tensorShapes } from "./graph-shapes.js";
import { absorbInBlocks, PACKED_BYTES } from "./input-commitment.js";
import { type ProvableModel, provableGraph } from "./integer-graph.js";
import { elementCount, type IntegerNode, inputsOf, scalingOf, type TensorShape } from "./integer-node.js";
import { differenceMagnitude, maximumConstraints } from "./maximum-gadget.js";
import { poseidonSboxes } from "./poseidon.js";
import { requantisationBits, requantisationConstraints } from "./requantisation-gadget.js";
import { TABLE_CONSTRAINTS } from "./table-gadget.js";
import { windowTaps } from "./window-taps.js";

/** Beyond this a proving key is larger than what anyone should download; such models need another proof system. */
export const MAX_CONSTRAINTS = 1 << 18;
export const MAX_TERMS = 8_000_000;

export interface CircuitSize {
  readonly constraints: number;
  /** Upper bound of the terms of all rows. */
  readonly terms: number;
}

function nodeConstraints(node: IntegerNode, shape: TensorShape, range: TensorRange): number {
  const plane = shape[1] * shape[2];
  let count = 0;
  if (node.kind === "table") return TABLE_CONSTRAINTS * elementCount(shape);
  if (node.kind === "requantise") {
    for (let channel = 0; channel < shape[0]; channel++) {
      const [min, max] = [range.min[channel] as number, range.max[channel] as number];
      count += plane * requantisationConstraints(requantisationBits(scalingOf(node, channel), min, max));
    }
  } else if (node.kind === "max-pool") {
    const { starts, positions } = windowTaps(shape, node.window);
    for (let channel = 0; channel < shape[0]; channel++) {
      const magnitude = differenceMagnitude(range.min[channel] as number, range.max[channel] as number);
      for (let position = 0; position < positions; position++) {
        const cells = (starts[position + 1] as number) - (starts[position] as number);
        count += maximumConstraints(cells, magnitude);
      }
    }
  }
  return count;
}

/** Most terms that one element of what the node gives is made of, and terms of the rows that the node adds. */
function nodeTerms(
  node: IntegerNode,
  shape: TensorShape,
  width: readonly number[],
): readonly [number, number] {
  const own = width[inputsOf(node)[0] as number] as number;
  const kernel = "window" in node ? node.window.kernel[0] * node.window.kernel[1] : 0;
  switch (node.kind) {
    case "dense":
      return [1 + elementCount(shape) * own, 0];
    case "convolution":
      return [1 + (shape[0] / node.groups) * kernel * own, 0];
    case "sum-pool":
      return [kernel * own, 0];
    case "max-pool":
      return [1, elementCount(shape) * 4 * (own + 30)];
    case "add":
      return [own + (width[node.inputs[1]] as number), 0];
    case "concat":
      return [Math.max(...node.inputs.map((id) => width[id] as number)), 0];
    case "flatten":
      return [own, 0];
    case "requantise":
      return [2, elementCount(shape) * ((node.slopes === undefined ? 1 : 3) * own + 150)];
    case "table":
      return [1, elementCount(shape) * (10 * own + 500)];
  }
}

/** Size of the model's circuit, without building it. */
export function circuitSize(model: ProvableModel): CircuitSize {
  const graph = provableGraph(model);
  const [shapes, ranges] = [tensorShapes(graph), analyseGraphRanges(graph)];
  const inputs = elementCount(graph.inputShape);
  let constraints = 3 + 8 * inputs;
  const blocks = absorbInBlocks(Array.from({ length: 2 + Math.ceil(inputs / PACKED_BYTES) }));
  for (const [index, block] of blocks.entries()) {
    const constants = index === 0 ? 2 : 1;
    constraints += 3 * (poseidonSboxes(block.length + 1) - constants);
  }
  let terms = 30 * constraints;
  const width = [1];
  for (const node of graph.nodes) {
    const first = inputsOf(node)[0] as number;
    const shape = shapes[first] as TensorShape;
    constraints += nodeConstraints(node, shape, ranges[first] as TensorRange);
    const [perElement, added] = nodeTerms(node, shape, width);
    width.push(perElement);
    terms += added;
  }
  terms += elementCount(shapes.at(-1) as TensorShape) * (width.at(-1) as number);
  return { constraints, terms };
}

/** Number of constraints, without building them. */
export function countConstraints(model: ProvableModel): number {
  return circuitSize(model).constraints;
}

/** Refuses models whose keys would be too large. Throws `circuit-too-large` with the count. */
export function assertProvable(model: ProvableModel): void {
  const { constraints, terms } = circuitSize(model);
  if (constraints > MAX_CONSTRAINTS || terms > MAX_TERMS) {
    throw new CodedError({
      code: "circuit-too-large",
      kind: "unprocessable",
      message: `A proof of this model would need ${constraints} constraints over ${terms} terms; at most ${MAX_CONSTRAINTS} over ${MAX_TERMS} are supported.`,
      details: { constraints, limit: MAX_CONSTRAINTS, terms, termLimit: MAX_TERMS },
    });
  }
}
