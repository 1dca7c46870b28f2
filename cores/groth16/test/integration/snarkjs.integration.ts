import { encodeR1csFile } from "@aios/core-zkml/r1cs-export";
import * as snarkjs from "snarkjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Groth16Prover, type SetUpResult } from "../../src/groth16-prover.js";
import type { G1Point, G2Point, Proof, VerifyingKey } from "../../src/points.js";
import { decodeProvingKey } from "../../src/proving-key.js";
import { verify } from "../../src/verify.js";
import { g1FromPeer, g2FromPeer, type PeerProof, peerProofs, proofFromPeer } from "../peer-proofs.js";
import { witnessFile } from "../peer-witness.js";
import { publicInputsOf, sampleCircuit, sampleWitness } from "../sample-circuit.js";
import { smallCircuit, smallWitness } from "../small-circuit.js";

const g1ToPeer = (point: G1Point) => [String(point.x), String(point.y), "1"];
const g2ToPeer = (point: G2Point) => [
  [String(point.x.real), String(point.x.imaginary)],
  [String(point.y.real), String(point.y.imaginary)],
  ["1", "0"],
];
const proofToPeer = (proof: Proof) => ({
  pi_a: g1ToPeer(proof.a),
  pi_b: g2ToPeer(proof.b),
  pi_c: g1ToPeer(proof.c),
  protocol: "groth16",
  curve: "bn128",
});
const keyToPeer = (key: VerifyingKey) => ({
  protocol: "groth16",
  curve: "bn128",
  nPublic: key.ic.length - 1,
  vk_alpha_1: g1ToPeer(key.alpha),
  vk_beta_2: g2ToPeer(key.beta),
  vk_gamma_2: g2ToPeer(key.gamma),
  vk_delta_2: g2ToPeer(key.delta),
  IC: key.ic.map(g1ToPeer),
});

const prover = new Groth16Prover();
const seed = new Uint8Array(32).fill(1);
const witness = sampleWitness();
const inputs = publicInputsOf(witness);
let curve: Awaited<ReturnType<typeof snarkjs.curves.getCurveFromName>>;
let keys: SetUpResult;
let proof: Proof;

beforeAll(async () => {
  curve = await snarkjs.curves.getCurveFromName("bn128");
  keys = await prover.developmentSetup(sampleCircuit, seed);
  const loaded = await prover.load(keys.provingKey, keys.provingKeyHash, sampleCircuit);
  proof = await prover.prove(loaded, witness, new Uint8Array(32).fill(2));
});
afterAll(async () => {
  await prover.close();
  await curve.terminate();
});

describe("against snarkjs", () => {
  it("its verifier agrees with ours on our proof and on every tampered public value", async () => {
    const key = keyToPeer(keys.verifyingKey);
    expect(await snarkjs.groth16.verify(key, inputs.map(String), proofToPeer(proof))).toBe(true);
    for (let index = 0; index < inputs.length; index++) {
      const forged = inputs.map((value, at) => (at === index ? value + 1n : value));
      expect(await snarkjs.groth16.verify(key, forged.map(String), proofToPeer(proof))).toBe(false);
      expect(verify(keys.verifyingKey, forged, proof)).toBe(false);
    }
    expect(await snarkjs.groth16.verify(key, inputs.map(String), proofToPeer({ ...proof, a: proof.c }))).toBe(
      false,
    );
  });

  it("its prover, on our exported circuit and its own ceremony, convinces our verifier", async () => {
    const memory = (): { type: "mem"; data?: Uint8Array } => ({ type: "mem" });
    const [start, contributed, powers, initial, final] = [memory(), memory(), memory(), memory(), memory()];
    const circuit = smallCircuit();
    const small = smallWitness(123n, 0b10_1101_0011_0101n);
    const publics = small.slice(1, 1 + circuit.publicInputs);
    const r1cs = encodeR1csFile(circuit);
    const silent = { info: () => undefined, warn: () => undefined };
    const forged = small.map((value, index) => (index === 3 ? value + 1n : value));
    expect(await snarkjs.wtns.check(r1cs, witnessFile(small), silent)).toBe(true);
    expect(await snarkjs.wtns.check(r1cs, witnessFile(forged), silent)).toBe(false);
    const power = Math.ceil(Math.log2(circuit.constraints + circuit.publicInputs + 1));
    await snarkjs.powersOfTau.newAccumulator(curve, power, start);
    await snarkjs.powersOfTau.contribute(start, contributed, "test", "entropy");
    await snarkjs.powersOfTau.preparePhase2(contributed, powers);
    await snarkjs.zKey.newZKey(r1cs, powers, initial);
    await snarkjs.zKey.contribute(initial, final, "test", "more entropy");
    const key = await snarkjs.zKey.exportVerificationKey(final);
    const made = await snarkjs.groth16.prove(final, witnessFile(small), undefined, { singleThread: true });
    expect(made.publicSignals).toEqual(publics.map(String));
    const ours: VerifyingKey = {
      alpha: g1FromPeer(key["vk_alpha_1"]),
      beta: g2FromPeer(key["vk_beta_2"]),
      gamma: g2FromPeer(key["vk_gamma_2"]),
      delta: g2FromPeer(key["vk_delta_2"]),
      ic: (key["IC"] as unknown[]).map(g1FromPeer),
    };
    const theirs = proofFromPeer(made.proof);
    expect(verify(ours, publics, theirs)).toBe(true);
    expect(verify(ours, [(publics[0] as bigint) + 1n, ...publics.slice(1)], theirs)).toBe(false);
  });

  it("its prover, under our own key, convinces our verifier", async () => {
    const { points } = decodeProvingKey(keys.provingKey, keys.provingKeyHash);
    const made = await peerProofs(sampleCircuit, { points, seed }, witness, { runs: 1, forMs: 0 });
    const { proof: theirs } = made[0] as PeerProof;
    expect(verify(keys.verifyingKey, inputs, theirs)).toBe(true);
    expect(verify(keys.verifyingKey, [(inputs[0] as bigint) + 1n, ...inputs.slice(1)], theirs)).toBe(false);
  });
});
