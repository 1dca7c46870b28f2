import { randomBytes } from "node:crypto";
import { computeWitness } from "@aios/core-zkml/circuit";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { provableGraph } from "@aios/core-zkml/integer-graph";
import { elementCount } from "@aios/core-zkml/integer-node";
import { packOutput } from "@aios/core-zkml/output-packing";
import { evaluateModel, provableModelCommitment } from "@aios/core-zkml/provable-model";
import type { R1cs, Witness } from "@aios/core-zkml/r1cs";
import { publicInputs } from "@aios/core-zkml/statement";
import { SeededRng } from "@aios/kernel/random";
import { hexlify, keccak256, toBeHex } from "ethers";
import type { JobFacts, PartContext } from "./part.js";

/** One inference that is bound to a job on the chain. */
export interface ProvenJob {
  readonly inputs: readonly bigint[];
  witness(r1cs: R1cs): Witness;
}

/**
 * Has a job ordered for a random input, by what the reference evaluator gives. The model has a new salt, so that it can be
 * published once for each system; no circuit depends on that.
 */
export async function orderedJob(
  { made, order }: PartContext,
  system: JobFacts["system"],
  verifyingKey: Uint8Array,
): Promise<ProvenJob> {
  const rng = new SeededRng(2);
  const model = { ...made.model, salt: randomBytes(32) };
  const input = rng.bytes(elementCount(provableGraph(model).inputShape));
  const salt = rng.bytes(32);
  const commitment = inputCommitment(input, salt);
  const output = packOutput(evaluateModel(model, input));
  const context = await order({
    system,
    modelCommitment: hexlify(provableModelCommitment(model)),
    verifyingKeyHash: keccak256(verifyingKey),
    inputCommitment: toBeHex(commitment, 32),
    output: String(output),
  });
  return {
    inputs: publicInputs(context, commitment, output),
    witness: (r1cs) => computeWitness(model, r1cs, input, salt, context),
  };
}
