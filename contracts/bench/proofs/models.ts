import { readFileSync } from "node:fs";
import { importOnnx } from "@aios/core-model-import/onnx-import";
import type { FloatGraph, FloatNode } from "@aios/core-zkml/float-graph";
import type { FloatModel } from "@aios/core-zkml/float-model";
import { quantiseGraph } from "@aios/core-zkml/graph-quantisation";
import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import { elementCount } from "@aios/core-zkml/integer-node";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import { SeededRng } from "@aios/kernel/random";

/** A model in floats and as it is proven; the same in every process. */
export interface MadeModel {
  readonly float: FloatGraph;
  readonly model: ProvableModel;
}

export interface MeasuredModel {
  /** As figures are named. */
  readonly name: string;
  /** Heads its column. */
  readonly short: string;
  /** How long a Groth16 proof may take, its witness included. */
  readonly groth16GoalMs: number;
  /** Whether a ceremony of its key is measured. */
  readonly hasCeremony: boolean;
  make(): MadeModel;
}

const inputs = (rng: SeededRng, count: number, size: number): Uint8Array[] =>
  Array.from({ length: count }, () => rng.bytes(size));

function perceptron(widths: readonly number[]): MadeModel {
  const rng = new SeededRng(1);
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
  const calibration = inputs(rng, 16, widths[0] as number);
  return { float: graphOf(float), model: quantiseModel(float, calibration, rng.bytes(32)).model };
}

function graphOf({ layers }: FloatModel): FloatGraph {
  const nodes: FloatNode[] = [];
  for (const [index, { outputs, weights, biases, activation }] of layers.entries()) {
    nodes.push({ kind: "dense", name: `dense ${index}`, input: nodes.length, outputs, weights, biases });
    if (activation === "relu")
      nodes.push({
        kind: "activation",
        name: `relu ${index}`,
        input: nodes.length,
        function: { type: "relu" },
      });
  }
  return { inputShape: [layers[0]?.inputs as number, 1, 1], nodes };
}

function digitModel(name: string): MadeModel {
  const rng = new SeededRng(1);
  const file = new URL(`../../../../vectors/models/${name}.onnx`, import.meta.url);
  const { graph: float } = importOnnx(new Uint8Array(readFileSync(file)));
  const calibration = inputs(rng, 8, elementCount(float.inputShape));
  const options = { granularity: "tensor", minMultiplier: 16 } as const;
  return { float, model: quantiseGraph(float, calibration, rng.bytes(32), undefined, options).graph };
}

export const MODELS: readonly MeasuredModel[] = [
  {
    name: "MLP 784–128–10 (102 K)",
    short: "MLP 102 K",
    groth16GoalMs: 1_000,
    hasCeremony: false,
    make: () => perceptron([784, 128, 10]),
  },
  {
    name: "MLP 784–1024–192–10 (1 M)",
    short: "MLP 1 M",
    groth16GoalMs: 3_000,
    hasCeremony: true,
    make: () => perceptron([784, 1024, 192, 10]),
  },
  {
    name: "compact CNN (1,392 activations)",
    short: "compact CNN",
    groth16GoalMs: 2_000,
    hasCeremony: false,
    make: () => digitModel("digits-compact-cnn"),
  },
  {
    name: "LeNet-5 (6,508 activations)",
    short: "LeNet-5",
    groth16GoalMs: 20_000,
    hasCeremony: false,
    make: () => digitModel("digits-lenet5"),
  },
];
