import { SeededRng } from "@aios/kernel/random";
import { describe, expect, it } from "vitest";
import { everyKind, FloatGraphWriter, square } from "../test/sample-graphs.js";
import { activate, erf } from "./activation-function.js";
import { foldBatchNorms } from "./batch-norm-folding.js";
import { argmax } from "./evaluator.js";
import { evaluateFloatGraph } from "./float-evaluator.js";
import type { ActivationFunction, FloatGraph } from "./float-graph.js";
import { evaluateGraph } from "./graph-evaluator.js";
import { quantiseGraph } from "./graph-quantisation.js";
import { poolBeforeActivation } from "./pool-reordering.js";

const rng = new SeededRng(9);
const salt = rng.bytes(32);
const inputs = Array.from({ length: 40 }, () => rng.bytes(72));

function labelled(graph: FloatGraph) {
  return { inputs, labels: inputs.map((input) => argmax(evaluateFloatGraph(graph, input))) };
}

describe("graph quantisation", () => {
  it.each<ActivationFunction["type"]>(["relu", "leaky-relu", "sigmoid", "tanh", "gelu"])(
    "keeps the answers of a network of every kind of node with %s",
    (type) => {
      const graph = everyKind(6, type);
      for (const granularity of ["tensor", "channel"] as const) {
        const { report } = quantiseGraph(graph, inputs, salt, labelled(graph), { granularity });
        expect(report.accuracy?.floatAccuracy).toBe(1);
        expect(report.accuracy?.integerAccuracy).toBeGreaterThanOrEqual(0.85);
        for (const tensor of report.tensors) expect(tensor.signalToNoiseDb, tensor.name).toBeGreaterThan(12);
      }
    },
  );

  it("says where accuracy was lost: a channel far below another drowns in one scale a tensor, not in its own", () => {
    const write = new FloatGraphWriter([2, 6, 6], new SeededRng(3));
    write.dense(write.activation(write.convolution(0, 2, 2, square(3)), "relu"), 32, 3);
    const graph = {
      ...write.finish(),
      nodes: write.nodes.map((node) =>
        node.kind === "convolution"
          ? {
              ...node,
              weights: node.weights.map((weight, at) => (at < 18 ? weight * 0.001 : weight)),
              biases: node.biases.map((bias, at) => (at === 0 ? 0 : bias)),
            }
          : node,
      ),
    };
    const weakChannel = (granularity: "tensor" | "channel"): number => {
      const first = quantiseGraph(graph, inputs, salt, undefined, { granularity }).graph.nodes[0];
      return first?.kind === "convolution" ? new Set(first.weights.slice(0, 18)).size : 0;
    };
    expect(weakChannel("tensor")).toBe(1);
    expect(weakChannel("channel")).toBeGreaterThan(10);
    const noise = (granularity: "tensor" | "channel"): number =>
      quantiseGraph(graph, inputs, salt, undefined, { granularity }).report.tensors[0]?.signalToNoiseDb ?? 0;
    expect(noise("channel")).toBeGreaterThan(noise("tensor"));
  });

  it("folds batch normalisation and moves pooling without changing the function", () => {
    for (const type of ["relu", "sigmoid", "gelu"] as const) {
      const graph = everyKind(4, type);
      const folded = foldBatchNorms(graph);
      const moved = poolBeforeActivation(folded);
      expect(folded.nodes.some(({ kind }) => kind === "batch-norm")).toBe(false);
      expect(folded.nodes.length).toBe(graph.nodes.length - 1);
      expect(moved.nodes.map(({ kind }) => kind).slice(0, 3)).toEqual([
        "convolution",
        "max-pool",
        "activation",
      ]);
      for (const input of inputs.slice(0, 5)) {
        const expected = evaluateFloatGraph(graph, input);
        for (const other of [folded, moved])
          for (const [at, value] of evaluateFloatGraph(other, input).entries())
            expect(value).toBeCloseTo(expected[at] as number, 3);
      }
    }
  });

  it("refuses a graph of finite numbers whose folded products are not", () => {
    const write = new FloatGraphWriter([1, 1, 1], new SeededRng(1));
    write.dense(0, 1, 2);
    const { inputShape, nodes } = write.finish();
    const large = nodes.map((node) =>
      node.kind === "dense" ? { ...node, weights: node.weights.map(() => 1e30) } : node,
    );
    const scale = new Float32Array(2).fill(1e30);
    const norm = { kind: "batch-norm", name: "norm", input: 1, scale, offset: new Float32Array(2) } as const;
    const graph: FloatGraph = { inputShape, nodes: [...large, norm] };
    expect(() => quantiseGraph(graph, [Uint8Array.of(1)], salt)).toThrow(
      expect.objectContaining({
        code: "invalid-float-graph",
        details: expect.objectContaining({ problem: "has a number that is not finite" }) as object,
      }) as Error,
    );
  });

  it("keeps the order where moving would change the function or save nothing", () => {
    for (const [type, window] of [
      ["gelu", square(2, 2)],
      ["relu", square(2, 1)],
    ] as const) {
      const write = new FloatGraphWriter([1, 4, 4], new SeededRng(1));
      const pooled = write.pool(
        write.activation(write.convolution(0, 1, 1, square(1)), type),
        "max-pool",
        window,
      );
      write.dense(pooled, window.stride[0] === 2 ? 4 : 9, 2);
      expect(poolBeforeActivation(write.finish())).toEqual(write.finish());
    }
  });

  it("refuses NaN, infinity, missing or too much calibration data and wrong shapes by name", () => {
    const graph = everyKind(6, "relu");
    const broken = (value: number): FloatGraph => ({
      ...graph,
      nodes: graph.nodes.map((node) =>
        node.kind === "dense" ? { ...node, weights: node.weights.map(() => value) } : node,
      ),
    });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => quantiseGraph(broken(value), inputs, salt)).toThrow(
        expect.objectContaining({
          code: "invalid-float-graph",
          details: expect.objectContaining({ node: "dense 14" }),
        }),
      );
    }
    expect(() => quantiseGraph(graph, [], salt)).toThrow(
      expect.objectContaining({ code: "invalid-samples" }),
    );
    expect(() => quantiseGraph(graph, new Array(200_000).fill(inputs[0]), salt)).toThrow(
      expect.objectContaining({ code: "invalid-samples" }),
    );
    expect(() => quantiseGraph(graph, [new Uint8Array(3)], salt)).toThrow(
      expect.objectContaining({ code: "wrong-input-shape" }),
    );
  });

  it("survives calibration that activates nothing", () => {
    const graph = everyKind(6, "relu");
    const dead = {
      ...graph,
      nodes: graph.nodes.map((node) =>
        node.kind === "dense" && node.outputs === 5
          ? { ...node, biases: node.biases.map(() => -1_000) }
          : node,
      ),
    };
    const result = quantiseGraph(dead, inputs, salt).graph;
    expect(evaluateGraph(result, inputs[0] as Uint8Array)).toHaveLength(3);
  });
});

describe("activation functions", () => {
  it("agree with tabulated values", () => {
    for (const [x, value] of [
      [0, 0],
      [0.5, 0.520499877813],
      [1, 0.84270079295],
      [2, 0.995322265019],
      [2.999, 0.99997777],
      [3.5, 0.999999256902],
      [-1, -0.84270079295],
    ] as const)
      expect(erf(x)).toBeCloseTo(value, 8);
    expect(activate({ type: "gelu" }, 1)).toBeCloseTo(0.841344746, 8);
    expect(activate({ type: "gelu-tanh" }, 1)).toBeCloseTo(0.841191991, 8);
    expect(activate({ type: "sigmoid" }, 0)).toBe(0.5);
  });
});
