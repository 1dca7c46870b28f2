import { randomBytes } from "node:crypto";
import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import type { FloatModel } from "@aios/core-zkml/float-model";
import { encodeIntegerModel } from "@aios/core-zkml/integer-model";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import { SeededRng } from "@aios/kernel/random";
import { encodeEvidence } from "../src/evidence.js";
import { Groth16Prover } from "../src/groth16-prover.js";
import { encodeProof } from "../src/proof-encoding.js";
import { verify } from "../src/verify.js";
import { encodeVerifyingKey } from "../src/verifying-key.js";

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: number;
  readonly note?: string;
}

const RUNS = 20;
const WIDTHS = [784, 128, 10];

function randomModel(rng: SeededRng): FloatModel {
  return {
    layers: WIDTHS.slice(1).map((outputs, index) => {
      const inputs = WIDTHS[index] as number;
      const uniform = (scale: number) => () => (rng.uint32() / 2 ** 31 - 1) * scale;
      return {
        inputs,
        outputs,
        weights: Float32Array.from({ length: inputs * outputs }, uniform(Math.sqrt(6 / inputs))),
        biases: Float32Array.from({ length: outputs }, uniform(0.1)),
        activation: index === WIDTHS.length - 2 ? "none" : "relu",
      };
    }),
  };
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

async function timed<T>(
  work: () => T | Promise<T>,
): Promise<{ readonly result: T; readonly elapsedMs: number }> {
  const start = performance.now();
  const result = await work();
  return { result, elapsedMs: performance.now() - start };
}

async function measure(prover: Groth16Prover): Promise<Figure[]> {
  const rng = new SeededRng(1);
  const { model } = quantiseModel(
    randomModel(rng),
    Array.from({ length: 16 }, () => rng.bytes(784)),
    rng.bytes(32),
  );
  const compiled = await timed(() => compileCircuit(model));
  const r1cs = compiled.result;
  const setUp = await timed(() => prover.developmentSetup(r1cs, randomBytes(32)));
  const { provingKey, provingKeyHash, verifyingKey } = setUp.result;
  const loaded = await timed(() => prover.load(provingKey, provingKeyHash, r1cs));
  const [witnessMs, proveMs, verifyMs]: [number[], number[], number[]] = [[], [], []];
  let evidenceBytes = 0;
  let proofBytes = 0;
  for (let run = 0; run < RUNS; run++) {
    const witness = await timed(() =>
      computeWitness(model, r1cs, rng.bytes(784), rng.bytes(32), BigInt(run)),
    );
    const proof = await timed(() => prover.prove(loaded.result, witness.result, randomBytes(32)));
    const verified = await timed(() => verify(verifyingKey, witness.result.slice(1, 4), proof.result));
    if (!verified.result) throw new Error("the proof does not verify");
    witnessMs.push(witness.elapsedMs);
    proveMs.push(proof.elapsedMs);
    verifyMs.push(verified.elapsedMs);
    proofBytes = encodeProof(proof.result).length;
    evidenceBytes = encodeEvidence({
      verifyingKey: encodeVerifyingKey(verifyingKey),
      proof: encodeProof(proof.result),
    }).length;
  }
  const terms = [r1cs.a, r1cs.b, r1cs.c].reduce((sum, matrix) => sum + matrix.columns.length, 0);
  return [
    { name: "constraints", value: r1cs.constraints, unit: "", note: `${terms} non-zero coefficients` },
    { name: "compile circuit", value: compiled.elapsedMs, unit: "ms", note: "first time in the process" },
    { name: "development set-up", value: setUp.elapsedMs, unit: "ms", goal: 30_000 },
    { name: "load proving key", value: loaded.elapsedMs, unit: "ms" },
    { name: "witness, p50", value: median(witnessMs), unit: "ms" },
    {
      name: "prove, p50",
      value: median(proveMs),
      unit: "ms",
      goal: 1_500,
      note: "satisfaction check included",
    },
    { name: "prove, slowest", value: Math.max(...proveMs), unit: "ms" },
    { name: "verify in Node, p50", value: median(verifyMs), unit: "ms" },
    { name: "proof", value: proofBytes, unit: "B" },
    { name: "evidence", value: evidenceBytes, unit: "B" },
    { name: "proving key", value: provingKey.length, unit: "B" },
    { name: "model", value: encodeIntegerModel(model).length, unit: "B" },
    { name: "resident memory", value: process.memoryUsage.rss() / 2 ** 20, unit: "MiB" },
  ];
}

const prover = new Groth16Prover();
const figures = await measure(prover).finally(() => prover.close());
if (process.argv.includes("--json")) {
  for (const figure of figures)
    process.stdout.write(`${JSON.stringify({ suite: "groth16", better: "lower", ...figure })}\n`);
} else {
  process.stdout.write(`Groth16, MLP ${WIDTHS.join("–")}, one thread, ${RUNS} runs\n`);
  for (const { name, value, unit, goal, note } of figures) {
    const shown = `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`.padEnd(14);
    process.stdout.write(
      `${name.padEnd(22)}${shown}${goal === undefined ? "" : `(goal ≤ ${goal} ${unit}) `}${note ?? ""}\n`,
    );
  }
}
