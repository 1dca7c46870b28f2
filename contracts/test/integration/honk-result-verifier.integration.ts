import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { encodeEvidence } from "@aios/core-groth16/evidence";
import { honkKeyHash } from "@aios/core-ultra-honk/honk-key";
import { developmentReferenceString } from "@aios/core-ultra-honk/reference-string";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { bytesToInteger, SCALAR_FIELD_ORDER, scalarToBytes } from "@aios/core-zkml/scalar-field";
import { statementContext } from "@aios/core-zkml/statement";
import { SeededRng } from "@aios/kernel/random";
import { ContractFactory, getBytes, hexlify, toBeHex } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi as resultVerifierAbi } from "../../generated/abi/honk-result-verifier.js";
import { abi as honkVerifierAbi } from "../../generated/abi/honk-verifier.js";
import { abi as meterAbi, bytecode as meterCode } from "../../generated/test/gas-meter.js";
import { DEVELOPMENT_TAU_G2 } from "../../src/parameters.js";
import { calldataGas, honkVerificationGas } from "../../src/verification-gas.js";
import { expectRevert, TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { expectSnapshot } from "../support/gas-snapshot.js";
import { TestProtocol } from "../support/protocol.js";
import { deliveredWrongly, refuteAndSettle, smallModel } from "../support/proven-inference.js";

const rng = new SeededRng(43);
/** A model whose circuit has several times the rows. */
const LARGER = [256, 48, 4] as const;

let chain: TestChain;
let protocol: TestProtocol;
let prover: UltraHonkProver;
let directory: string;
let honk: TestContract;
let verifier: TestContract;
let made: Awaited<ReturnType<typeof proven>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "aios-honk-"));
  prover = new UltraHonkProver({
    directory,
    referenceString: async (logRows) => developmentReferenceString(logRows),
  });
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
  const { contracts } = protocol.deployment;
  honk = new TestContract(contracts.HonkVerifier, honkVerifierAbi, protocol.wallets.stranger);
  verifier = new TestContract(contracts.HonkResultVerifier, resultVerifierAbi, protocol.wallets.stranger);
  made = await proven();
});
afterAll(async () => {
  await prover?.close();
  await chain?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A published model, an order for it that is delivered with a wrong output, and the proof of the right one. */
async function proven(model = smallModel(rng)) {
  const r1cs = compileCircuit(model);
  const program = await prover.prepare(r1cs);
  const key = await prover.verifyingKey(program);
  const { HonkResultVerifier } = protocol.deployment.contracts;
  const job = await deliveredWrongly(protocol, rng, model, r1cs, honkKeyHash(key), HonkResultVerifier);
  const witness = job.witness();
  const proof = await prover.prove(program, key, witness);
  return { job, program, key, witness, proof, inputs: witness.slice(1, 4) };
}

const evidenceOf = (verifyingKey: Uint8Array, proof: Uint8Array): string =>
  hexlify(encodeEvidence({ verifyingKey, proof }));

/** "final", or why not. */
async function verdict(claim: readonly unknown[], evidence: string): Promise<string> {
  const [outcome, , reason] = (await verifier.read("verify", [claim, evidence])) as [bigint, bigint, string];
  if (outcome === 2n) return "final";
  expect(outcome).toBe(0n);
  return Buffer.from(getBytes(reason)).toString("latin1").replace(/\0+$/, "");
}

/** Whether the bare verifier takes it; it may throw or answer false. */
async function holds(key: Uint8Array, inputs: readonly bigint[], proof: Uint8Array): Promise<boolean> {
  const words = inputs.map((input) => toBeHex(input, 32));
  return honk.read("verify", [hexlify(key), words, hexlify(proof)]).then(
    (answer) => answer === true,
    () => false,
  );
}

const claimWithOutput = (output: bigint): unknown[] => made.job.claim.with(6, output);

describe("UltraHonk on chain", () => {
  it("is deployed with the development string's tau·G2 unless another is named", () => {
    const { x, y } = developmentReferenceString(2).tauG2;
    const words = [x.imaginary, x.real, y.imaginary, y.real].map((word) => toBeHex(word, 32));
    expect(DEVELOPMENT_TAU_G2).toEqual(words);
  });

  it("takes a real proof of the job's statement, and no other output", async () => {
    expect(await holds(made.key, made.inputs, made.proof)).toBe(true);
    expect(await verdict(claimWithOutput(made.job.output), evidenceOf(made.key, made.proof))).toBe("final");
    expect(await verdict(made.job.claim, evidenceOf(made.key, made.proof))).toBe("proof-rejected");
  });

  it("takes the gas that the snapshot says, and the calldata that quotes assume", async () => {
    const meter = await new ContractFactory(meterAbi, meterCode, protocol.wallets.stranger).deploy();
    await meter.waitForDeployment();
    const contract = new TestContract(await meter.getAddress(), meterAbi, protocol.wallets.stranger);
    for (const { job, key, program, proof } of [made, await proven(smallModel(rng, LARGER))]) {
      const claim = job.claim.with(6, job.output);
      const evidence = encodeEvidence({ verifyingKey: key, proof });
      const measured = (await contract.read("measure", [job.verifier, claim, hexlify(evidence)])) as [
        bigint,
        bigint,
      ];
      expect(measured[1]).toBe(2n);
      const gas = Number(measured[0]);
      expectSnapshot({ [`verify (UltraHonk, 2^${program.logRows} rows, alone)`]: gas });
      const { calldata } = honkVerificationGas(program.logRows);
      expect(Math.abs(calldata / calldataGas(evidence) - 1)).toBeLessThan(0.01);
    }
  });

  it("binds every public input", async () => {
    for (const at of made.inputs.keys()) {
      const changed = made.inputs.with(at, ((made.inputs[at] as bigint) + 1n) % SCALAR_FIELD_ORDER);
      expect(await holds(made.key, changed, made.proof), `public input ${at}`).toBe(false);
      const alias = made.inputs.with(at, (made.inputs[at] as bigint) + SCALAR_FIELD_ORDER);
      expect(await holds(made.key, alias, made.proof), `public input ${at}, not canonical`).toBe(false);
    }
    expect(await holds(made.key, made.inputs.slice(0, 2), made.proof)).toBe(false);
    expect(await holds(made.key, [...made.inputs, 0n], made.proof)).toBe(false);
  });

  it("refuses every changed word of a proof", { timeout: 240_000 }, async () => {
    for (let at = 0; at < made.proof.length; at += 32) {
      const changed = made.proof.slice();
      const word = bytesToInteger(changed.subarray(at, at + 32));
      changed.set(scalarToBytes((word + 1n) % SCALAR_FIELD_ORDER), at);
      expect(await holds(made.key, made.inputs, changed), `word ${at / 32}`).toBe(false);
    }
  });

  it("refuses random mutations of proof and key", { timeout: 240_000 }, async () => {
    const bytes = made.proof.length + made.key.length;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: bytes - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const [key, proof] = [made.key.slice(), made.proof.slice()];
        const [target, index] = at < proof.length ? [proof, at] : [key, at - proof.length];
        target[index] = (target[index] as number) ^ change;
        expect(await holds(key, made.inputs, proof)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it("refuses proofs that are cut short, too long or empty", async () => {
    for (const proof of [
      new Uint8Array(),
      made.proof.subarray(0, made.proof.length - 32),
      Buffer.concat([made.proof, new Uint8Array(32)]),
    ]) {
      expect(await holds(made.key, made.inputs, proof)).toBe(false);
      expect(await verdict(claimWithOutput(made.job.output), evidenceOf(made.key, proof))).toMatch(
        /^(proof-rejected|evidence-malformed)$/,
      );
    }
  });

  it("refuses keys with gates that are not arithmetic, and recursion", async () => {
    const generator = Buffer.concat([scalarToBytes(1n), scalarToBytes(2n)]);
    for (const point of [10, 11, 14, 22, 25, 27]) {
      const key = made.key.slice();
      key.set(generator, 96 + 64 * point);
      const words = made.inputs.map((input) => toBeHex(input, 32));
      await expectRevert(honk.read("verify", [hexlify(key), words, hexlify(made.proof)]), "KeyRefused");
    }
    const recursive = made.proof.slice();
    recursive[31] = 1;
    const words = made.inputs.map((input) => toBeHex(input, 32));
    await expectRevert(honk.read("verify", [hexlify(made.key), words, hexlify(recursive)]), "ProofRefused");
  });

  it("refuses the key of another model, and evidence that is not in its one form", async () => {
    const other = compileCircuit(smallModel(rng));
    const otherKey = await prover.verifyingKey(await prover.prepare(other));
    const claim = claimWithOutput(made.job.output);
    expect(await verdict(claim, evidenceOf(otherKey, made.proof))).toBe("verifying-key-mismatch");
    const evidence = evidenceOf(made.key, made.proof);
    expect(await verdict(claim, `${evidence}00`)).toBe("evidence-malformed");
    expect(await verdict(claim, `${evidence}${"00".repeat(32)}`)).toBe("evidence-malformed");
    expect(await verdict(claim, "0x")).toBe("evidence-malformed");
    expect(await verdict(claim.with(4, 999_999n), evidence)).toBe("model-unknown");
  });

  it("never takes a claim with any fact of the statement changed", async () => {
    const evidence = evidenceOf(made.key, made.proof);
    const claim = claimWithOutput(made.job.output);
    const stranger = protocol.address("stranger");
    for (const [field, value] of [
      [0, stranger],
      [1, toBeHex(1n, 32)],
      [2, stranger],
      [5, 1n],
      [6, made.job.output + 1n],
    ] as const)
      expect(await verdict(claim.with(field, value), evidence), `field ${field}`).toBe("proof-rejected");
    const twin = await protocol.publish({ honkKeyHash: hexlify(honkKeyHash(made.key)) });
    expect(await verdict(claim.with(4, twin), evidence)).toBe("proof-rejected");
  });

  it("refuses proofs of the same inference for another chain and another version of the statement", async () => {
    const { statement, output, witness } = made.job;
    for (const change of [{ chainId: chain.chainId + 1n }, { version: statement.version + 1 }]) {
      const elsewhere = witness(statementContext({ ...statement, ...change }));
      const proof = await prover.prove(made.program, made.key, elsewhere);
      expect(await holds(made.key, elsewhere.slice(1, 4), proof)).toBe(true);
      expect(await verdict(claimWithOutput(output), evidenceOf(made.key, proof))).toBe("proof-rejected");
    }
  });

  it("settles the job it was made for once, after the wrong delivery was refuted, whatever other proof follows", async () => {
    const evidence = evidenceOf(made.key, made.proof);
    const { jobId } = made.job;
    await expectRevert(protocol.settle(jobId, evidence), "ResultInvalid");
    await refuteAndSettle(protocol, made.job, evidence);
    expect(await protocol.state(jobId)).toBe("Settled");
    const again = await prover.prove(made.program, made.key, made.witness);
    expect(hexlify(again)).not.toBe(hexlify(made.proof));
    await expectRevert(protocol.settle(jobId, evidenceOf(made.key, again)), "TransitionNotAllowed");
  });
});

describe("the prover", () => {
  it("is never asked for what is false", async () => {
    const wrong = made.witness.with(3, ((made.witness[3] as bigint) + 1n) % SCALAR_FIELD_ORDER);
    await expect(prover.prove(made.program, made.key, wrong)).rejects.toMatchObject({
      code: "unsatisfied-witness",
    });
  });

  it("ends when its call is given up, and starts again for the next", async () => {
    const gone = AbortSignal.timeout(1);
    await expect(prover.prove(made.program, made.key, made.witness, { signal: gone })).rejects.toThrow();
    const proof = await prover.prove(made.program, made.key, made.witness);
    expect(await holds(made.key, made.inputs, proof)).toBe(true);
    expect(hexlify(proof)).not.toBe(hexlify(made.proof));
  });

  it("refuses a circuit that is larger than it is set up for", async () => {
    await using small = new UltraHonkProver({
      directory,
      referenceString: async (logRows) => developmentReferenceString(logRows),
      maxLogRows: 4,
    });
    await expect(small.prepare(made.program.r1cs)).rejects.toMatchObject({
      code: "circuit-too-large",
    });
  });
});
