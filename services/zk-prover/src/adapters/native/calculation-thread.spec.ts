import { gunzipSync } from "node:zlib";
import { encoderHere } from "@aios/barretenberg/honk-encoder";
import { DEVELOPMENT_TAU_G2 } from "@aios/contracts/parameters";
import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import { afterAll, expect, it } from "vitest";
import { sampleModel } from "../../../test/support/sample-model.js";
import { CalculationThread } from "./calculation-thread.js";

const thread = new CalculationThread();
afterAll(() => thread.close());
const { signal } = new AbortController();
const inputsOf = ({ layers }: ReturnType<typeof sampleModel>): number => layers[0]?.inputs ?? 0;

it("compiles what this thread would, several at a time", async () => {
  const models = [1, 2, 3].map(sampleModel);
  const circuits = await Promise.all(models.map((model) => thread.compile(model, signal)));
  expect(circuits).toEqual(models.map(compileCircuit));
});

it("writes circuits and witnesses for the native prover as this thread would", async () => {
  const model = sampleModel(1);
  const r1cs = compileCircuit(model);
  const [here, there] = [await encoderHere.circuit(r1cs), await thread.circuit(r1cs, signal)];
  expect(gunzipSync(there.file)).toEqual(gunzipSync(here.file));
  expect(there).toMatchObject({ acirBytes: here.acirBytes, derived: here.derived });
  const witness = computeWitness(model, r1cs, new Uint8Array(inputsOf(model)), new Uint8Array(32), 1n);
  const wanted = { r1cs, derived: here.derived, witness };
  expect(await thread.witness(wanted, signal)).toEqual(new Uint8Array(await encoderHere.witness(wanted)));
});

it("shares a circuit that it compiled with the threads that use it, instead of copying it", async () => {
  const r1cs = await thread.compile(sampleModel(1), signal);
  for (const { rowEnds, columns, coefficientIds } of [r1cs.a, r1cs.b, r1cs.c])
    for (const { buffer } of [rowEnds, columns, coefficientIds])
      expect(buffer).toBeInstanceOf(SharedArrayBuffer);
});

it("writes no witness that does not satisfy its circuit, and names what it breaks", async () => {
  const model = sampleModel(1);
  const r1cs = compileCircuit(model);
  const witness = computeWitness(model, r1cs, new Uint8Array(inputsOf(model)), new Uint8Array(32), 1n);
  const { derived } = await encoderHere.circuit(r1cs);
  const wrong = { r1cs, derived, witness: witness.with(4, 5n) };
  await expect(thread.witness(wrong, signal)).rejects.toMatchObject({
    code: "unsatisfied-witness",
    details: { constraint: r1cs.constraintNames[0] },
  });
  await expect(thread.witness({ ...wrong, witness: [] }, signal)).rejects.toMatchObject({
    code: "malformed-witness",
  });
});

it("passes refusals on by their codes, and works on", async () => {
  const { salt, layers } = sampleModel(1);
  await expect(thread.compile({ salt, layers: layers.slice(1, 1) }, signal)).rejects.toMatchObject({
    code: expect.stringMatching(/^invalid-/) as string,
    kind: "unprocessable",
  });
  const question = {
    tauG2: DEVELOPMENT_TAU_G2,
    verifyingKey: new Uint8Array(7),
    publicInputs: [],
    proof: new Uint8Array(0),
  };
  await expect(thread.verifyHonk(question)).rejects.toMatchObject({ code: "malformed-verifying-key" });
  expect((await thread.compile(sampleModel(4), signal)).publicInputs).toBe(3);
});

it("starts anew after a mistake of ours has ended it", async () => {
  await expect(thread.compile({} as ReturnType<typeof sampleModel>, signal)).rejects.toMatchObject({
    code: "internal",
  });
  expect((await thread.compile(sampleModel(5), signal)).publicInputs).toBe(3);
});

it("waits no longer than its caller, and not for ever", async () => {
  const giveUp = new AbortController();
  const compiled = thread.compile(sampleModel(6), giveUp.signal);
  giveUp.abort(new Error("nobody waits"));
  await expect(compiled).rejects.toThrow("nobody waits");
  await expect(thread.compile(sampleModel(6), giveUp.signal)).rejects.toThrow("nobody waits");
  const asked = Array.from({ length: 65 }, () => thread.compile(sampleModel(6), signal));
  const results = await Promise.allSettled(asked);
  expect(results.at(-1)).toMatchObject({ status: "rejected", reason: { code: "prover-busy" } });
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(64);
});

it("refuses calls once it is closed", async () => {
  const own = new CalculationThread();
  const compiled = expect(own.compile(sampleModel(7), signal)).rejects.toMatchObject({
    code: "prover-stopped",
  });
  await own.close();
  await compiled;
  await expect(own.compile(sampleModel(7), signal)).rejects.toMatchObject({ code: "prover-stopped" });
});
