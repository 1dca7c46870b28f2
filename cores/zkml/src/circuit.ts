import { CodedError } from "@aios/kernel/coded-error";
import { assertProvable } from "./circuit-size.js";
import { byteBitsGadget, upperBits } from "./decomposition-gadget.js";
import { assertGraphInput, evaluateTensors } from "./graph-evaluator.js";
import { analyseGraphRanges, type TensorRange } from "./graph-ranges.js";
import { tensorShapes } from "./graph-shapes.js";
import {
  absorbInBlocks,
  commitmentTag,
  PACKED_BYTES,
  packElements,
  saltElements,
} from "./input-commitment.js";
import { type ProvableModel, provableGraph, validateIntegerGraph } from "./integer-graph.js";
import { elementCount, type IntegerNode, inputsOf, type TensorShape } from "./integer-node.js";
import { type NodeInput, nodeGadget, nodeWitness } from "./node-gadgets.js";
import { logitBits, logitRange, packOutput } from "./output-packing.js";
import { poseidonGadget, poseidonWitness } from "./poseidon-gadget.js";
import type { R1cs, Witness } from "./r1cs.js";
import {
  combine,
  constantTerm,
  type LinearCombination,
  plus,
  R1csBuilder,
  signalTerm,
} from "./r1cs-builder.js";
import { SCALAR_FIELD_ORDER } from "./scalar-field.js";

function byteGadget(builder: R1csBuilder, name: string): LinearCombination {
  const byte = signalTerm(builder.signal(name));
  byteBitsGadget(builder, name, byte);
  return byte;
}

function packedBytes(bytes: readonly LinearCombination[]): LinearCombination[] {
  return Array.from({ length: Math.ceil(bytes.length / PACKED_BYTES) }, (_, index) => {
    const group = bytes.slice(index * PACKED_BYTES, (index + 1) * PACKED_BYTES);
    return combine(
      group.map((byte, position) => [byte, 1n << BigInt(8 * (group.length - 1 - position))] as const),
    );
  });
}

function nodeInput<T>(
  node: IntegerNode,
  shapes: readonly TensorShape[],
  ranges: readonly TensorRange[],
  tensors: readonly (readonly T[])[],
): NodeInput<T> {
  const ids = inputsOf(node);
  const first = ids[0] as number;
  return {
    shape: shapes[first] as TensorShape,
    range: ranges[first] as TensorRange,
    tensors: ids.map((id) => tensors[id] as readonly T[]),
  };
}

/**
 * The circuit of one model: weights are coefficients, so the key belongs to this model alone. Public inputs
 * [context, inputCommitment, packedOutput]; private are the input bytes, the salt and what follows from them.
 *
 * It says: there are bytes and a salt that `inputCommitment` commits to, and evaluating the model on the bytes packs to
 * `packedOutput`. The context is only bound: a square of it is constrained, so that it cannot be exchanged.
 * Throws as `validateIntegerGraph`, and `circuit-too-large` before anything large is built. Cost: linear in the
 * number of multiplications.
 */
export function compileCircuit(model: ProvableModel): R1cs {
  const graph = provableGraph(model);
  validateIntegerGraph(graph);
  assertProvable(graph);
  const [shapes, ranges] = [tensorShapes(graph), analyseGraphRanges(graph)];
  const builder = new R1csBuilder();
  const context = signalTerm(builder.publicInput("context"));
  const commitment = signalTerm(builder.publicInput("inputCommitment"));
  const packedOutput = signalTerm(builder.publicInput("packedOutput"));
  builder.constrain("context is bound", context, context, signalTerm(builder.signal("contextSquared")));

  const inputs = elementCount(graph.inputShape);
  const bytes = Array.from({ length: inputs }, (_, index) => byteGadget(builder, `input[${index}]`));

  const salt = ["salt.high", "salt.low"].map((name) => signalTerm(builder.signal(name)));
  let digest = constantTerm(commitmentTag(inputs));
  for (const [index, block] of absorbInBlocks([...salt, ...packedBytes(bytes)]).entries()) {
    digest = poseidonGadget(builder, `commitment[${index}]`, [digest, ...block]);
  }
  builder.constrainEqual("input commitment", digest, commitment);

  const tensors: (readonly LinearCombination[])[] = [bytes];
  for (const [index, node] of graph.nodes.entries()) {
    tensors.push(nodeGadget(builder, `node[${index}]`, node, nodeInput(node, shapes, ranges, tensors)));
  }
  const logits = tensors.at(-1) as readonly LinearCombination[];
  const bits = BigInt(logitBits(logits.length));
  const offset = constantTerm(BigInt(-logitRange(logits.length).min));
  const packed = combine(
    logits.map((logit, index) => [plus(logit, offset), 1n << (bits * BigInt(index))] as const),
  );
  builder.constrainEqual("packed output", packed, packedOutput);
  return builder.build();
}

/** The commitment to its input that a witness carries, as its circuit computes it: `inputCommitment` of the same bytes. */
export function committedInput(witness: Witness): bigint {
  return witness[2] as bigint;
}

/**
 * All values of the model's circuit for one input: [1, context, inputCommitment, packedOutput, private…], in the
 * order in which `compileCircuit` declares them. Secret beyond the first four. Throws `wrong-input-shape`,
 * `invalid-job-input`, `invalid-statement` for a context outside the field, `circuit-mismatch`.
 */
export function computeWitness(
  model: ProvableModel,
  r1cs: R1cs,
  input: Uint8Array,
  salt: Uint8Array,
  context: bigint,
): Witness {
  const graph = provableGraph(model);
  assertGraphInput(graph, input);
  if (context < 0n || context >= SCALAR_FIELD_ORDER) {
    throw new CodedError({
      code: "invalid-statement",
      kind: "invalid",
      message: "The statement's context is not a field element.",
      field: "context",
    });
  }
  const signals: bigint[] = [(context * context) % SCALAR_FIELD_ORDER];
  for (const byte of input) signals.push(BigInt(byte), ...upperBits(byte));
  signals.push(...saltElements(salt));
  let digest = commitmentTag(input.length);
  for (const [index, block] of absorbInBlocks(packElements(input, salt)).entries()) {
    const poseidon = poseidonWitness([digest, ...block], (position) => index === 0 && position === 0);
    for (const signal of poseidon.signals) signals.push(signal);
    digest = poseidon.digest;
  }
  const [shapes, ranges] = [tensorShapes(graph), analyseGraphRanges(graph)];
  const tensors = evaluateTensors(graph, input).map((tensor) => Array.from(tensor));
  for (const node of graph.nodes) {
    for (const group of nodeWitness(node, nodeInput(node, shapes, ranges, tensors)))
      for (const signal of group) signals.push(signal);
  }
  const witness = [1n, context, digest, packOutput(tensors.at(-1) as number[]), ...signals];
  if (witness.length !== r1cs.variables) {
    throw new CodedError({
      code: "circuit-mismatch",
      kind: "invalid",
      message: "The circuit was not compiled from this model.",
    });
  }
  return witness;
}
