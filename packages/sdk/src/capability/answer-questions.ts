import type { CapabilityClaim } from "@aios/core-capability/capability";
import { drawnIndex } from "@aios/core-capability/draw";
import type { Sample, TestSet } from "@aios/core-capability/test-set";
import { computeWitness } from "@aios/core-zkml/circuit";
import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import { packOutput } from "@aios/core-zkml/output-packing";
import { evaluateModel, provableModelCommitment } from "@aios/core-zkml/provable-model";
import type { R1cs, Witness } from "@aios/core-zkml/r1cs";
import { CodedError } from "@aios/kernel/coded-error";
import { toHex } from "../hex.js";
import {
  type CapabilityChain,
  claimsInterface,
  proofSystemOf,
  questionContexts,
} from "./capability-contract.js";

export interface AnswerInput {
  readonly model: ProvableModel;
  readonly r1cs: R1cs;
  readonly samples: readonly Sample[];
  readonly testSet: TestSet;
  /** Evidence (verifying key and proof, ABI-encoded) for a witness that satisfies the circuit. */
  readonly prove: (witness: Witness) => Promise<Uint8Array>;
}

/** Calldata that answers some questions, and which. */
export interface AnswerBatch {
  readonly positions: readonly number[];
  readonly calldata: string;
}

/** About 250,000 gas each; a transaction takes 16.7 M at most (EIP-7825). */
const BATCH = 40;

/**
 * Proves the questions of a claim that are not answered yet, in batches that fit a transaction each. Interrupted and begun
 * again it goes on with what the chain does not have. Throws `claim-not-drawn`, `proof-system-differs`, `test-set-differs`,
 * `model-differs`.
 */
export async function* answerQuestions(
  chain: CapabilityChain,
  claim: CapabilityClaim,
  { model, r1cs, samples, testSet, prove }: AnswerInput,
): AsyncGenerator<AnswerBatch> {
  const { seed } = claim;
  if (seed === undefined) throw refused("claim-not-drawn", "The samples of this claim are not drawn yet.");
  if ((await proofSystemOf(chain, claim)) !== "groth16")
    throw refused("proof-system-differs", "The claim takes UltraHonk proofs; these are Groth16 proofs.");
  if (testSet.root !== claim.testSetRoot || testSet.size !== claim.testSetSize)
    throw refused("test-set-differs", "The claim is about another test set than this one.");
  const contexts = await questionContexts(chain, claim);
  if (toHex(provableModelCommitment(model)) !== contexts.modelCommitment)
    throw refused("model-differs", "The claim is about another model than this one.");

  const open = Array.from({ length: claim.drawCount }, (_, position) => position).filter(
    (position) => ((claim.answeredBits >> BigInt(position)) & 1n) === 0n,
  );
  for (let from = 0; from < open.length; from += BATCH) {
    const positions = open.slice(from, from + BATCH);
    const answers: unknown[] = [];
    for (const position of positions) {
      const index = drawnIndex(seed, position, testSet.size);
      const { input, salt } = samples[index] as Sample;
      const { inputCommitment, label } = testSet.committed(index);
      const evidence = await prove(computeWitness(model, r1cs, input, salt, contexts.at(position)));
      const output = packOutput(evaluateModel(model, input));
      answers.push([position, inputCommitment, label, testSet.pathOf(index), output, toHex(evidence)]);
    }
    yield { positions, calldata: claimsInterface.encodeFunctionData("answer", [claim.claimId, answers]) };
  }
}

function refused(code: string, message: string): CodedError {
  return new CodedError({ code, kind: "conflict", message });
}
