import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { importOnnx } from "@aios/core-model-import/onnx-import";
import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import type { FloatModel } from "@aios/core-zkml/float-model";
import { evaluateGraph } from "@aios/core-zkml/graph-evaluator";
import { quantiseGraph } from "@aios/core-zkml/graph-quantisation";
import { type ProvableModel, provableGraph } from "@aios/core-zkml/integer-graph";
import { elementCount } from "@aios/core-zkml/integer-node";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import type { R1cs, Witness } from "@aios/core-zkml/r1cs";
import { encodeR1csFile } from "@aios/core-zkml/r1cs-export";
import { SeededRng } from "@aios/kernel/random";
import * as snarkjs from "snarkjs";
import { encodeEvidence } from "../src/evidence.js";
import { Groth16Prover } from "../src/groth16-prover.js";
import type { Proof } from "../src/points.js";
import { encodeProof } from "../src/proof-encoding.js";
import { verify } from "../src/verify.js";
import { encodeVerifyingKey } from "../src/verifying-key.js";
import { witnessFile } from "../test/peer-witness.js";

interface Figure {
  readonly name: string;
  readonly value: number | null;
  readonly unit: string;
  readonly goal?: number;
  readonly peer?: string;
  readonly peerValue?: number;
  readonly note?: string;
}

const RUNS = 5;
const isWithoutPeer = process.argv.includes("--without-peer");
/** snarkjs needs a ceremony of its own a circuit, minutes above this size. */
const PEER_CONSTRAINTS = 1 << 14;

const rng = new SeededRng(1);
const inputs = (count: number, size: number): Uint8Array[] =>
  Array.from({ length: count }, () => rng.bytes(size));

function perceptron(widths: readonly number[]): ProvableModel {
  const float: FloatModel = {
    layers: widths.slice(1).map((outputs, index) => {
      const fanIn = widths[index] as number;
      const uniform = (scale: number) => () => (rng.uint32() / 2 ** 31 - 1) * scale;
      return {
        inputs: fanIn,
        outputs,
        weights: Float32Array.from({ length: fanIn * outputs }, uniform(Math.sqrt(6 / fanIn))),
        biases: Float32Array.from({ length: outputs }, uniform(0.1)),
        activation: index === widths.length - 2 ? "none" : "relu",
      };
    }),
  };
  return quantiseModel(float, inputs(16, widths[0] as number), rng.bytes(32)).model;
}

function digitModel(name: string): ProvableModel {
  const file = new URL(`../../../../vectors/models/${name}.onnx`, import.meta.url);
  const { graph } = importOnnx(new Uint8Array(readFileSync(file)));
  return quantiseGraph(graph, inputs(8, elementCount(graph.inputShape)), rng.bytes(32), undefined, {
    granularity: "tensor",
    minMultiplier: 16,
  }).graph;
}

const MODELS: readonly { name: string; goalMs: number; make: () => ProvableModel }[] = [
  { name: "MLP 784–128–10 (102 K)", goalMs: 1_000, make: () => perceptron([784, 128, 10]) },
  { name: "MLP 784–1024–192–10 (1 M)", goalMs: 3_000, make: () => perceptron([784, 1024, 192, 10]) },
  { name: "compact CNN (1,392 activations)", goalMs: 2_000, make: () => digitModel("digits-compact-cnn") },
  { name: "LeNet-5 (6,508 activations)", goalMs: 20_000, make: () => digitModel("digits-lenet5") },
];

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

async function timed<T>(work: () => T | Promise<T>): Promise<readonly [T, number]> {
  const start = performance.now();
  const result = await work();
  return [result, performance.now() - start];
}

/** snarkjs with its own ceremony for the same circuit and witness: median of `RUNS` proofs on all cores. */
async function peerProveMs(r1cs: R1cs, witness: Witness): Promise<number> {
  const curve = await snarkjs.curves.getCurveFromName("bn128");
  try {
    const memory = (): { type: "mem"; data?: Uint8Array } => ({ type: "mem" });
    const [start, powers, key] = [memory(), memory(), memory()];
    const power = Math.ceil(Math.log2(r1cs.constraints + r1cs.publicInputs + 1));
    await snarkjs.powersOfTau.newAccumulator(curve, power, start);
    await snarkjs.powersOfTau.preparePhase2(start, powers);
    await snarkjs.zKey.newZKey(encodeR1csFile(r1cs), powers, key);
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++)
      times.push((await timed(() => snarkjs.groth16.prove(key, witnessFile(witness))))[1]);
    return median(times);
  } finally {
    await curve.terminate();
  }
}

async function measure(
  name: string,
  goalMs: number,
  make: () => ProvableModel,
  threads: number,
): Promise<Figure[]> {
  const model = make();
  const graph = provableGraph(model);
  const size = elementCount(graph.inputShape);
  const [r1cs, compileMs] = await timed(() => compileCircuit(model));
  const prover = new Groth16Prover({ threads });
  try {
    const [keys, setUpMs] = await timed(() => prover.developmentSetup(r1cs, randomBytes(32)));
    const [loaded, loadMs] = await timed(() => prover.load(keys.provingKey, keys.provingKeyHash, r1cs));
    const [witnessMs, proveMs, verifyMs, evaluateMs]: [number[], number[], number[], number[]] = [
      [],
      [],
      [],
      [],
    ];
    const proofs: Proof[] = [];
    let witness: Witness = [];
    for (let run = 0; run < RUNS; run++) {
      const input = rng.bytes(size);
      evaluateMs.push((await timed(() => evaluateGraph(graph, input)))[1]);
      const [made, madeMs] = await timed(() =>
        computeWitness(model, r1cs, input, rng.bytes(32), BigInt(run)),
      );
      witness = made;
      witnessMs.push(madeMs);
      const [proof, ms] = await timed(() => prover.prove(loaded, witness, randomBytes(32)));
      proveMs.push(ms);
      proofs.push(proof);
      const [isValid, checkMs] = await timed(() => verify(keys.verifyingKey, witness.slice(1, 4), proof));
      if (!isValid) throw new Error("the proof does not verify");
      verifyMs.push(checkMs);
    }
    const hasPeer = !isWithoutPeer && r1cs.constraints + r1cs.publicInputs < PEER_CONSTRAINTS;
    const peerMs = hasPeer ? await peerProveMs(r1cs, witness) : undefined;
    const total = median(proveMs) + median(witnessMs);
    return [
      {
        name: `${name}: witness and proof, p50`,
        value: total,
        unit: "ms",
        goal: goalMs,
        note: `witness ${median(witnessMs).toFixed(0)} ms`,
      },
      {
        name: `${name}: proof, p50`,
        value: median(proveMs),
        unit: "ms",
        ...(peerMs === undefined
          ? { note: "snarkjs not measured: its set-up of this circuit takes minutes" }
          : { peer: "snarkjs", peerValue: peerMs }),
      },
      { name: `${name}: verify in Node, p50`, value: median(verifyMs), unit: "ms", goal: 30 },
      { name: `${name}: reference evaluator, p50`, value: median(evaluateMs), unit: "ms" },
      { name: `${name}: constraints`, value: r1cs.constraints, unit: "" },
      { name: `${name}: compile circuit`, value: compileMs, unit: "ms" },
      { name: `${name}: development set-up`, value: setUpMs, unit: "ms", goal: 60_000 },
      { name: `${name}: load key`, value: loadMs, unit: "ms" },
      { name: `${name}: proving key`, value: keys.provingKey.length / 2 ** 20, unit: "MiB" },
      { name: `${name}: proof`, value: encodeProof(proofs.at(-1) as Proof).length, unit: "B" },
      {
        name: `${name}: evidence`,
        value: encodeEvidence({
          verifyingKey: encodeVerifyingKey(keys.verifyingKey),
          proof: encodeProof(proofs.at(-1) as Proof),
        }).length,
        unit: "B",
      },
      { name: `${name}: resident memory`, value: process.memoryUsage.rss() / 2 ** 20, unit: "MiB" },
    ];
  } finally {
    await prover.close();
  }
}

const threads = availableParallelism();
const isJson = process.argv.includes("--json");
const only = process.argv.slice(2).find((argument) => !argument.startsWith("--"));
if (!isJson) process.stdout.write(`Groth16 over BN254, ${threads} threads, median of ${RUNS} runs\n`);
for (const { name, goalMs, make } of MODELS) {
  if (only !== undefined && !name.includes(only)) continue;
  for (const figure of await measure(name, goalMs, make, threads)) {
    if (isJson) {
      process.stdout.write(`${JSON.stringify({ suite: "proofs", better: "lower", ...figure })}\n`);
      continue;
    }
    const { value, unit, goal, peer, peerValue, note } = figure;
    const shown = value === null ? "–" : `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
    const beside = [
      goal === undefined ? "" : `goal ≤ ${goal} ${unit}`,
      peer === undefined ? "" : `${peer} ${peerValue?.toFixed(0)} ${unit}`,
      note ?? "",
    ].filter((text) => text !== "");
    process.stdout.write(`${figure.name.padEnd(58)}${shown.padEnd(14)}${beside.join("; ")}\n`);
  }
}
