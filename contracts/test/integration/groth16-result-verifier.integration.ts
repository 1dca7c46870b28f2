import { decodeProof } from "@aios/core-groth16/proof-encoding";
import { verify } from "@aios/core-groth16/verify";
import { decodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import { bn254 } from "@noble/curves/bn254.js";
import { concat, dataSlice, getBytes, hexlify, toBeHex } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi as verifierAbi } from "../../generated/abi/groth16-result-verifier.js";
import { TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";
import { encodeEvidence, FIELD_ORDER, pointOutsideSubgroup, SCALAR_ORDER } from "../support/toy-groth16.js";

let chain: TestChain;
let protocol: TestProtocol;
let verifier: TestContract;
let modelId: bigint;
let valid: { claim: Claim; evidence: string; proof: string };

interface Claim {
  escrow: string;
  jobId: string;
  requester: string;
  provider: string;
  modelId: bigint;
  inputCommitment: bigint;
  output: bigint;
  outputHash: string;
  deliveredAt: bigint;
}

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
  verifier = new TestContract(
    protocol.deployment.contracts.Groth16ResultVerifier,
    verifierAbi,
    protocol.wallets.stranger,
  );
  modelId = await protocol.publish();
  valid = await statement(42n);
});
afterAll(() => chain?.stop());

/** `wrong`: what the proof is about instead. */
async function statement(
  output: bigint,
  overrides: Partial<Claim> = {},
  wrong: Parameters<TestProtocol["publicInputs"]>[2] = {},
) {
  const order = await protocol.order({ modelId });
  const claim: Claim = {
    escrow: protocol.escrow.address,
    jobId: protocol.jobId(order),
    requester: order.buyer,
    provider: protocol.address("provider"),
    modelId,
    inputCommitment: BigInt(order.inputCommitment),
    output,
    outputHash: toBeHex(0n, 32),
    deliveredAt: 0n,
    ...overrides,
  };
  const inputs = await protocol.publicInputs(order, output, wrong);
  const proof = protocol.key.prove(inputs);
  return { claim, inputs, proof, evidence: encodeEvidence(protocol.key.verifyingKey, proof) };
}

/** "final", or why not. */
async function verdict(claim: Claim, evidence: string): Promise<string> {
  const [outcome, , reason] = (await verifier.read("verify", [claim, evidence])) as [bigint, bigint, string];
  if (outcome === 2n) return "final";
  expect(outcome).toBe(0n);
  return Buffer.from(getBytes(reason)).toString("latin1").replace(/\0+$/, "");
}

const withProof = (proof: string) => encodeEvidence(protocol.key.verifyingKey, proof);

describe("Groth16ResultVerifier", () => {
  it("takes valid proofs, re-randomised ones too, up to the largest public input", async () => {
    expect(await verdict(valid.claim, valid.evidence)).toBe("final");
    const largest = await statement(SCALAR_ORDER - 1n);
    expect(await verdict(largest.claim, largest.evidence)).toBe("final");
    const { Fr, Fp } = bn254.fields;
    const [ax, ay, bxi, bxr, byi, byr] = wordsOf(valid.proof);
    const r = 123_456_789n;
    const a = bn254.G1.Point.fromAffine({ x: ax ?? 0n, y: ay ?? 0n })
      .multiply(r)
      .toAffine();
    const fp2 = (c1: bigint | undefined, c0: bigint | undefined) => ({
      c0: Fp.create(c0 ?? 0n),
      c1: Fp.create(c1 ?? 0n),
    });
    const b = bn254.G2.Point.fromAffine({ x: fp2(bxi, bxr), y: fp2(byi, byr) })
      .multiply(Fr.inv(r))
      .toAffine();
    const head = [a.x, a.y, b.x.c1, b.x.c0, b.y.c1, b.y.c0].map((word) => toBeHex(word, 32));
    const other = concat([...head, dataSlice(valid.proof, 192)]);
    expect(other).not.toBe(valid.proof);
    expect(await verdict(valid.claim, withProof(other))).toBe("final");
  });

  it("refuses public values that are not field elements, so that none has two forms", async () => {
    const alias = { ...valid.claim, output: valid.claim.output + SCALAR_ORDER };
    expect(await verdict(alias, valid.evidence)).toBe("output-out-of-field");
    const input = { ...valid.claim, inputCommitment: valid.claim.inputCommitment + SCALAR_ORDER };
    expect(await verdict(input, valid.evidence)).toBe("input-commitment-out-of-field");
    // The order itself is the other form of zero.
    const zero = await statement(0n);
    expect(await verdict(zero.claim, zero.evidence)).toBe("final");
    expect(await verdict({ ...zero.claim, output: SCALAR_ORDER }, zero.evidence)).toBe("output-out-of-field");
    const zeroInput = { ...valid.claim, inputCommitment: SCALAR_ORDER };
    expect(await verdict(zeroInput, valid.evidence)).toBe("input-commitment-out-of-field");
  });

  it("refuses coordinates that are not field elements and points at infinity", async () => {
    const words = wordsOf(valid.proof);
    for (let index = 0; index < words.length; index++) {
      const changed = words.map((word, at) => toBeHex(at === index ? word + FIELD_ORDER : word, 32));
      if ((words[index] ?? 0n) + FIELD_ORDER >= 1n << 256n) continue;
      expect(await verdict(valid.claim, withProof(concat(changed))), `word ${index}`).toBe(
        "proof-out-of-field",
      );
    }
    for (let index = 0; index < words.length; index++) {
      const order = words.map((word, at) => toBeHex(at === index ? FIELD_ORDER : word, 32));
      expect(await verdict(valid.claim, withProof(concat(order))), `word ${index}`).toBe(
        "proof-out-of-field",
      );
    }
    const zero = concat(words.map(() => toBeHex(0n, 32)));
    expect(await verdict(valid.claim, withProof(zero))).toBe("proof-out-of-field");
  });

  it("refuses a proof point that is on no curve, or on the curve but in the wrong group", async () => {
    const words = wordsOf(valid.proof).map((word) => toBeHex(word, 32));
    const offCurve = concat(words.map((word, index) => (index === 6 ? toBeHex(5n, 32) : word)));
    expect(await verdict(valid.claim, withProof(offCurve))).toBe("proof-rejected");
    const outside = pointOutsideSubgroup();
    const wrongGroup = concat([...words.slice(0, 2), ...outside, ...words.slice(6)]);
    expect(await verdict(valid.claim, withProof(wrongGroup))).toBe("proof-rejected");
  });

  it("refuses an unknown model and another key", async () => {
    expect(await verdict({ ...valid.claim, modelId: 99n }, valid.evidence)).toBe("model-unknown");
    const key = getBytes(protocol.key.verifyingKey);
    key[700] = (key[700] ?? 0) ^ 1;
    expect(await verdict(valid.claim, encodeEvidence(hexlify(key), valid.proof))).toBe(
      "verifying-key-mismatch",
    );
  });

  it("never takes evidence with any byte changed, cut or added, and never reverts", async () => {
    const bytes = getBytes(valid.evidence);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (index, mask) => {
          const changed = bytes.slice();
          changed[index] = (changed[index] ?? 0) ^ mask;
          expect(await verdict(valid.claim, hexlify(changed))).not.toBe("final");
        },
      ),
      { numRuns: 150 },
    );
    for (const length of [0, 1, 31, 64, 1087]) {
      expect(await verdict(valid.claim, hexlify(bytes.slice(0, length)))).toBe("evidence-malformed");
    }
    expect(await verdict(valid.claim, concat([valid.evidence, "0x00"]))).toBe("evidence-malformed");
  });

  it("refuses proofs of the same inference for another version of the statement and another chain", async () => {
    const key = decodeVerifyingKey(getBytes(protocol.key.verifyingKey));
    for (const wrong of [{ version: 0n }, { version: 2n }, { chainId: chain.chainId + 1n }]) {
      const elsewhere = await statement(42n, {}, wrong);
      expect(verify(key, elsewhere.inputs, decodeProof(getBytes(elsewhere.proof)))).toBe(true);
      expect(await verdict(elsewhere.claim, elsewhere.evidence)).toBe("proof-rejected");
    }
  });

  it("never takes a claim with any fact of the statement changed", async () => {
    const changes: Partial<Claim>[] = [
      { escrow: protocol.token.address },
      { jobId: toBeHex(1n, 32) },
      { requester: protocol.address("stranger") },
      { inputCommitment: 1n },
      { output: 43n },
    ];
    for (const change of changes)
      expect(await verdict({ ...valid.claim, ...change }, valid.evidence)).toBe("proof-rejected");
    const twin = await protocol.publish();
    expect(await verdict({ ...valid.claim, modelId: twin }, valid.evidence)).toBe("proof-rejected");
  });
});

function wordsOf(proof: string): bigint[] {
  return Array.from({ length: 8 }, (_, index) => BigInt(dataSlice(proof, index * 32, index * 32 + 32)));
}
