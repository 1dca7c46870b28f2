import { readFileSync } from "node:fs";
import { importOnnx } from "@aios/core-model-import/onnx-import";
import type { FloatModel } from "@aios/core-zkml/float-model";
import { quantiseGraph } from "@aios/core-zkml/graph-quantisation";
import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import { elementCount } from "@aios/core-zkml/integer-node";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import { SeededRng } from "@aios/kernel/random";

/** A model that is measured, and how long its Groth16 proof may take. */
export interface MeasuredModel {
  readonly name: string;
  readonly groth16GoalMs: number;
  make(): ProvableModel;
}

export const rng = new SeededRng(1);

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

export const MODELS: readonly MeasuredModel[] = [
  { name: "MLP 784–128–10 (102 K)", groth16GoalMs: 1_000, make: () => perceptron([784, 128, 10]) },
  { name: "MLP 784–1024–192–10 (1 M)", groth16GoalMs: 3_000, make: () => perceptron([784, 1024, 192, 10]) },
  {
    name: "compact CNN (1,392 activations)",
    groth16GoalMs: 2_000,
    make: () => digitModel("digits-compact-cnn"),
  },
  { name: "LeNet-5 (6,508 activations)", groth16GoalMs: 20_000, make: () => digitModel("digits-lenet5") },
];
