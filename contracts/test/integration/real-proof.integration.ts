import { encodeEvidence } from "@aios/core-groth16/evidence";
import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { encodeProof } from "@aios/core-groth16/proof-encoding";
import { encodeVerifyingKey, verifyingKeyHash } from "@aios/core-groth16/verifying-key";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { STATEMENT_VERSION, statementContext } from "@aios/core-zkml/statement";
import { SeededRng } from "@aios/kernel/random";
import { hexlify } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi as verifierAbi } from "../../generated/abi/groth16-result-verifier.js";
import { expectRevert, TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";
import { deliveredWrongly, refuteAndSettle, smallModel } from "../support/proven-inference.js";

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

describe("a real proof", () => {
  it("of a quantised model's inference settles its job, and no other output does", async () => {
    const rng = new SeededRng(41);
    const model = smallModel(rng);
    const r1cs = compileCircuit(model);
    const setUp = await prover.developmentSetup(r1cs, rng.bytes(32));
    const keyHash = verifyingKeyHash(setUp.verifyingKey);
    const { Groth16ResultVerifier } = protocol.deployment.contracts;
    const job = await deliveredWrongly(protocol, rng, model, r1cs, keyHash, Groth16ResultVerifier);

    const verifier = new TestContract(job.verifier, verifierAbi, protocol.wallets.stranger);
    expect(await verifier.read("contextOf", [job.claim, job.statement.modelCommitment, keyHash])).toBe(
      statementContext(job.statement),
    );
    expect(await verifier.readBigInt("STATEMENT_VERSION")).toBe(BigInt(STATEMENT_VERSION));

    const key = await prover.load(setUp.provingKey, setUp.provingKeyHash, r1cs);
    const proof = await prover.prove(key, job.witness(), rng.bytes(32));
    const evidence = hexlify(
      encodeEvidence({ verifyingKey: encodeVerifyingKey(setUp.verifyingKey), proof: encodeProof(proof) }),
    );

    await expectRevert(protocol.settle(job.jobId, evidence), "ResultInvalid");
    await refuteAndSettle(protocol, job, evidence);
    expect(await protocol.state(job.jobId)).toBe("Settled");
  });
});
