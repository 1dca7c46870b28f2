import { encodeEvidence } from "@aios/core-groth16/evidence";
import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { encodeProof } from "@aios/core-groth16/proof-encoding";
import { encodeVerifyingKey, verifyingKeyHash } from "@aios/core-groth16/verifying-key";
import { JOB_KIND } from "@aios/core-settlement/typed-data";
import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import { evaluate } from "@aios/core-zkml/evaluator";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { type IntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { packOutput } from "@aios/core-zkml/output-packing";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import { STATEMENT_VERSION, statementContext } from "@aios/core-zkml/statement";
import { SeededRng } from "@aios/kernel/random";
import { hexlify, toBeHex } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi as verifierAbi } from "../../generated/abi/groth16-result-verifier.js";
import { expectRevert, TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";

/** The prover that ships against the verifier that ships: no toy in between. */
let chain: TestChain;
let protocol: TestProtocol;
let prover: Groth16Prover;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
  prover = new Groth16Prover();
});
afterAll(async () => {
  await prover?.close();
  await chain?.stop();
});

const rng = new SeededRng(41);
const WIDTHS = [16, 8, 4] as const;

function smallModel(): IntegerModel {
  const layer = (inputs: number, outputs: number, activation: "relu" | "none") => ({
    inputs,
    outputs,
    weights: Float32Array.from({ length: inputs * outputs }, () => (rng.below(2001) - 1000) / 1000),
    biases: Float32Array.from({ length: outputs }, () => (rng.below(201) - 100) / 1000),
    activation,
  });
  const float = { layers: [layer(WIDTHS[0], WIDTHS[1], "relu"), layer(WIDTHS[1], WIDTHS[2], "none")] };
  const calibration = Array.from({ length: 32 }, () => rng.bytes(WIDTHS[0]));
  return quantiseModel(float, calibration, rng.bytes(32)).model;
}

describe("a real proof", () => {
  it("of a quantised model's inference settles its job, and no other output does", async () => {
    const model = smallModel();
    const r1cs = compileCircuit(model);
    const setUp = await prover.developmentSetup(r1cs, rng.bytes(32));
    const keyHash = verifyingKeyHash(setUp.verifyingKey);
    const commitment = modelCommitment(model);
    const modelId = await protocol.publish({
      modelCommitment: hexlify(commitment),
      verifyingKeyHash: hexlify(keyHash),
    });
    const licenceId = await protocol.buyLicence(modelId);

    const [input, salt] = [rng.bytes(WIDTHS[0]), rng.bytes(32)];
    const output = packOutput(evaluate(model, input));
    const order = await protocol.order({
      jobKind: JOB_KIND.inference,
      modelId,
      licenceId,
      verifier: protocol.deployment.contracts.Groth16ResultVerifier,
      inputCommitment: toBeHex(inputCommitment(input, salt), 32),
    });
    const jobId = await protocol.delivered(order, {}, { output: output + 1n });

    const context = statementContext({
      version: STATEMENT_VERSION,
      chainId: chain.chainId,
      escrow: protocol.escrow.address,
      jobId,
      requester: order.buyer,
      modelCommitment: commitment,
      verifyingKeyHash: keyHash,
    });
    const verifier = new TestContract(order.verifier, verifierAbi, protocol.wallets.stranger);
    const claim = [...((await protocol.escrow.read("claimOf", [jobId])) as Iterable<unknown>)];
    expect(await verifier.read("contextOf", [claim, commitment, keyHash])).toBe(context);
    expect(await verifier.readBigInt("STATEMENT_VERSION")).toBe(BigInt(STATEMENT_VERSION));

    const witness = computeWitness(model, r1cs, input, salt, context);
    const key = await prover.load(setUp.provingKey, setUp.provingKeyHash, r1cs);
    const proof = await prover.prove(key, witness, rng.bytes(32));
    const evidence = hexlify(
      encodeEvidence({ verifyingKey: encodeVerifyingKey(setUp.verifyingKey), proof: encodeProof(proof) }),
    );

    await expectRevert(protocol.settle(jobId, evidence), "ResultInvalid");
    await protocol.escrow.send(protocol.wallets.stranger, "refute", [jobId, output, evidence]);
    await protocol.lease(jobId, { fencingToken: 2n }, "rival");
    await protocol.deliver(jobId, { fencingToken: 2n, output }, "rival");
    await protocol.settle(jobId, evidence);
    expect(await protocol.state(jobId)).toBe("Settled");
  });
});
