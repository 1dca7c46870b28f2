import { JOB_KIND } from "@aios/core-settlement/typed-data";
import { computeWitness } from "@aios/core-zkml/circuit";
import { evaluate } from "@aios/core-zkml/evaluator";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { type IntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { packOutput } from "@aios/core-zkml/output-packing";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import type { R1cs, Witness } from "@aios/core-zkml/r1cs";
import { STATEMENT_VERSION, type StatementParts, statementContext } from "@aios/core-zkml/statement";
import type { SeededRng } from "@aios/kernel/random";
import { hexlify, toBeHex } from "ethers";
import type { TestProtocol } from "./protocol.js";

const WIDTHS = [16, 8, 4] as const;

/** Of two layers, with as many inputs, hidden and last neurons as `widths` says. */
export function smallModel(rng: SeededRng, widths: readonly [number, number, number] = WIDTHS): IntegerModel {
  const layer = (inputs: number, outputs: number, activation: "relu" | "none") => ({
    inputs,
    outputs,
    weights: Float32Array.from({ length: inputs * outputs }, () => (rng.below(2001) - 1000) / 1000),
    biases: Float32Array.from({ length: outputs }, () => (rng.below(201) - 100) / 1000),
    activation,
  });
  const float = { layers: [layer(widths[0], widths[1], "relu"), layer(widths[1], widths[2], "none")] };
  const calibration = Array.from({ length: 32 }, () => rng.bytes(widths[0]));
  return quantiseModel(float, calibration, rng.bytes(32)).model;
}

export interface DeliveredWrongly {
  readonly jobId: string;
  /** The verifier, as the order names it. */
  readonly verifier: string;
  readonly output: bigint;
  readonly statement: StatementParts;
  /** The claim that the escrow asks its verifier about. */
  readonly claim: unknown[];
  /** The circuit's values for the job's input, under another context where one is given. */
  witness(context?: bigint): Witness;
}

/** Publishes the model under the key, and has an order for one inference of it delivered with a wrong output. */
export async function deliveredWrongly(
  protocol: TestProtocol,
  rng: SeededRng,
  model: IntegerModel,
  r1cs: R1cs,
  verifyingKeyHash: Uint8Array,
  verifier: string,
): Promise<DeliveredWrongly> {
  const commitment = modelCommitment(model);
  const modelId = await protocol.publish({
    modelCommitment: hexlify(commitment),
    verifyingKeyHash: hexlify(verifyingKeyHash),
    honkKeyHash: hexlify(verifyingKeyHash),
  });
  const licenceId = await protocol.buyLicence(modelId);
  const [input, salt] = [rng.bytes(model.layers[0]?.inputs ?? 0), rng.bytes(32)];
  const output = packOutput(evaluate(model, input));
  const order = await protocol.order({
    jobKind: JOB_KIND.inference,
    modelId,
    licenceId,
    verifier,
    inputCommitment: toBeHex(inputCommitment(input, salt), 32),
  });
  const jobId = await protocol.delivered(order, {}, { output: output + 1n });
  const statement: StatementParts = {
    version: STATEMENT_VERSION,
    chainId: protocol.chain.chainId,
    escrow: protocol.escrow.address,
    jobId,
    requester: order.buyer,
    modelCommitment: commitment,
    verifyingKeyHash,
  };
  const claim = [...((await protocol.escrow.read("claimOf", [jobId])) as Iterable<unknown>)];
  const witness = (context = statementContext(statement)): Witness =>
    computeWitness(model, r1cs, input, salt, context);
  return { jobId, verifier, output, statement, claim, witness };
}

/** Refutes the wrong delivery by the proof, delivers the right output with another provider and settles. */
export async function refuteAndSettle(
  protocol: TestProtocol,
  { jobId, output }: DeliveredWrongly,
  evidence: string,
): Promise<void> {
  await protocol.escrow.send(protocol.wallets.stranger, "refute", [jobId, output, evidence]);
  await protocol.lease(jobId, { fencingToken: 2n }, "rival");
  await protocol.deliver(jobId, { fencingToken: 2n, output }, "rival");
  await protocol.settle(jobId, evidence);
}
