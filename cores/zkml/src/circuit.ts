import { CodedError } from "@aios/kernel/coded-error";
import { assertProvable } from "./circuit-size.js";
import { accumulate, assertInputShape, requantise } from "./evaluator.js";
import {
  absorbInBlocks,
  commitmentTag,
  PACKED_BYTES,
  packElements,
  saltElements,
} from "./input-commitment.js";
import type { IntegerLayer } from "./integer-layer.js";
import { type IntegerModel, validateIntegerModel } from "./integer-model.js";
import { logitBits, logitRange, packOutput } from "./output-packing.js";
import { poseidonGadget, poseidonWitness } from "./poseidon-gadget.js";
import type { R1cs, Witness } from "./r1cs.js";
import {
  combine,
  constantTerm,
  type LinearCombination,
  minus,
  ONE,
  plus,
  R1csBuilder,
  signalTerm,
} from "./r1cs-builder.js";
import { analyseRanges, type LayerRange } from "./range-analysis.js";
import { requantisationBits, requantisationGadget, requantisationWitness } from "./requantisation-gadget.js";
import { SCALAR_FIELD_ORDER } from "./scalar-field.js";

/** A byte as a signal with its upper seven bits; the lowest bit is what remains. Fixes nothing but byte ∈ [0, 255]. */
function byteGadget(builder: R1csBuilder, name: string): LinearCombination {
  const byte = signalTerm(builder.signal(name));
  let lowest = byte;
  for (let index = 1; index < 8; index++) {
    const bit = builder.signal(`${name}.bit[${index}]`);
    builder.constrainBoolean(`${name}.bit[${index}] is boolean`, signalTerm(bit));
    lowest = minus(lowest, signalTerm(bit, 1n << BigInt(index)));
  }
  builder.constrainBoolean(`${name}.bit[0] is boolean`, lowest);
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

function accumulators(layer: IntegerLayer, activations: readonly LinearCombination[]): LinearCombination[] {
  return Array.from({ length: layer.outputs }, (_, row) =>
    combine([
      [ONE, BigInt(layer.biases[row] as number)],
      ...activations.map(
        (activation, column) =>
          [activation, BigInt(layer.weights[row * layer.inputs + column] as number)] as const,
      ),
    ]),
  );
}

/**
 * The circuit of one model: weights are coefficients, so the key belongs to this model alone. Public inputs
 * [context, inputCommitment, packedOutput]; private are the input bytes, the salt and what follows from them.
 *
 * It says: there are bytes and a salt that `inputCommitment` commits to, and `evaluate(model, bytes)` packs to
 * `packedOutput`. The context is only bound: a square of it is constrained, so that it cannot be exchanged.
 * Throws as `validateIntegerModel`, and `circuit-too-large`. Cost: linear in the number of weights.
 */
export function compileCircuit(model: IntegerModel): R1cs {
  validateIntegerModel(model);
  assertProvable(model);
  const ranges = analyseRanges(model.layers);
  const builder = new R1csBuilder();
  const context = signalTerm(builder.publicInput("context"));
  const commitment = signalTerm(builder.publicInput("inputCommitment"));
  const packedOutput = signalTerm(builder.publicInput("packedOutput"));
  builder.constrain("context is bound", context, context, signalTerm(builder.signal("contextSquared")));

  const inputs = model.layers[0]?.inputs ?? 0;
  const bytes = Array.from({ length: inputs }, (_, index) => byteGadget(builder, `input[${index}]`));

  const salt = ["salt.high", "salt.low"].map((name) => signalTerm(builder.signal(name)));
  let digest = constantTerm(commitmentTag(inputs));
  for (const [index, block] of absorbInBlocks([...salt, ...packedBytes(bytes)]).entries()) {
    digest = poseidonGadget(builder, `commitment[${index}]`, [digest, ...block]);
  }
  builder.constrainEqual("input commitment", digest, commitment);

  let activations: LinearCombination[] = bytes;
  for (const [index, layer] of model.layers.entries()) {
    const sums = accumulators(layer, activations);
    activations = sums.map((sum, row) => {
      if (layer.activation === "none") return sum;
      const size = requantisationBits(layer, ranges[index] as LayerRange, row);
      return requantisationGadget(builder, `layer[${index}].neuron[${row}]`, sum, layer, size);
    });
  }
  const bits = BigInt(logitBits(activations.length));
  const offset = constantTerm(BigInt(-logitRange(activations.length).min));
  const packed = combine(
    activations.map((logit, index) => [plus(logit, offset), 1n << (bits * BigInt(index))] as const),
  );
  builder.constrainEqual("packed output", packed, packedOutput);
  return builder.build();
}

/**
 * All values of the model's circuit for one input: [1, context, inputCommitment, packedOutput, private…], in the
 * order in which `compileCircuit` declares them. Secret beyond the first four. Throws `wrong-input-shape`,
 * `invalid-job-input`, `invalid-statement` for a context outside the field, `circuit-mismatch`.
 */
export function computeWitness(
  model: IntegerModel,
  r1cs: R1cs,
  input: Uint8Array,
  salt: Uint8Array,
  context: bigint,
): Witness {
  assertInputShape(model, input);
  if (context < 0n || context >= SCALAR_FIELD_ORDER) {
    throw new CodedError({
      code: "invalid-statement",
      kind: "invalid",
      message: "The statement's context is not a field element.",
      field: "context",
    });
  }
  const ranges = analyseRanges(model.layers);
  const signals: bigint[] = [(context * context) % SCALAR_FIELD_ORDER];
  for (const byte of input) {
    signals.push(BigInt(byte));
    for (let index = 1; index < 8; index++) signals.push(BigInt((byte >> index) & 1));
  }
  signals.push(...saltElements(salt));
  let digest = commitmentTag(input.length);
  for (const [index, block] of absorbInBlocks(packElements(input, salt)).entries()) {
    const poseidon = poseidonWitness([digest, ...block], (position) => index === 0 && position === 0);
    for (const signal of poseidon.signals) signals.push(signal);
    digest = poseidon.digest;
  }
  let activations = input;
  let logits = new Int32Array(0);
  for (const [index, layer] of model.layers.entries()) {
    const sums = accumulate(layer, activations);
    if (layer.activation === "none") {
      logits = sums as Int32Array<ArrayBuffer>;
      continue;
    }
    for (const [row, sum] of sums.entries()) {
      const size = requantisationBits(layer, ranges[index] as LayerRange, row);
      for (const signal of requantisationWitness(sum, layer, size)) signals.push(signal);
    }
    activations = requantise(layer, sums);
  }
  const witness = [1n, context, digest, packOutput(logits), ...signals];
  if (witness.length !== r1cs.variables) {
    throw new CodedError({
      code: "circuit-mismatch",
      kind: "invalid",
      message: "The circuit was not compiled from this model.",
    });
  }
  return witness;
}
