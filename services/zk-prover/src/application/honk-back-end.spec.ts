import type { HonkProgram } from "@aios/barretenberg/ultra-honk-prover";
import { DEVELOPMENT_STRING_TRUST, developmentReferenceString } from "@aios/core-ultra-honk/reference-string";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { expect, it } from "vitest";
import { sampleModel } from "../../test/support/sample-model.js";
import { HonkBackEnd } from "./honk-back-end.js";

const r1cs = compileCircuit(sampleModel(1));
const NEVER_ASKED = {
  verifyHonk: () => Promise.reject(new Error("no proof is verified here")),
};
const { signal } = new AbortController();

/** Counts which circuits lie on the disk; whether keys can be made is up to the test. */
function backEndWhere(canMakeKeys: () => boolean) {
  const kept = new Set<HonkProgram>();
  const prover = {
    prepare: async () => {
      const program = { r1cs, gates: 10, logRows: 4 } as HonkProgram;
      kept.add(program);
      return program;
    },
    verifyingKey: async () => {
      if (!canMakeKeys()) throw new Error("it ended");
      return Uint8Array.of(1);
    },
    prove: async () => Uint8Array.of(2),
    isReady: (program: HonkProgram) => kept.has(program),
    release: async (program: HonkProgram) => void kept.delete(program),
  };
  return { backEnd: new HonkBackEnd(prover, developmentReferenceString(2), NEVER_ASKED), kept };
}

it("keeps no circuit of a key that could not be made", async () => {
  let works = false;
  const { backEnd, kept } = backEndWhere(() => works);
  const key = () => backEnd.makeKey({ r1cs, ceremony: undefined, signal, onProgress: () => undefined });
  for (let time = 0; time < 3; time++) await expect(key()).rejects.toThrow("it ended");
  expect(kept.size).toBe(0);
  works = true;
  expect(await key()).toMatchObject({ constraintCount: 10, trust: DEVELOPMENT_STRING_TRUST });
  expect(kept.size).toBe(1);
});

it("keeps the circuit of the key made last for the proofs that follow, and of no other", async () => {
  const { backEnd, kept } = backEndWhere(() => true);
  const key = () => backEnd.makeKey({ r1cs, ceremony: undefined, signal, onProgress: () => undefined });
  await key();
  await key();
  expect(kept.size).toBe(1);
  const circuit = await backEnd.load({
    r1cs,
    verifyingKey: Uint8Array.of(1),
    provingKey: undefined,
    signal,
  });
  expect(kept.size).toBe(1);
  expect(circuit.isReady()).toBe(true);
  await circuit.release();
  expect(kept.size).toBe(0);
});
