import { SeededRng } from "@aios/kernel/random";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { everyKind, integerGraph, quantised, square } from "../test/sample-graphs.js";
import { randomIntegerModel } from "../test/sample-models.js";
import { evaluate } from "./evaluator.js";
import { evaluateGraph, evaluateTensors } from "./graph-evaluator.js";
import { analyseGraphRanges } from "./graph-ranges.js";
import { perceptronGraph, validateIntegerGraph } from "./integer-graph.js";
import {
  decodeIntegerGraph,
  encodeIntegerGraph,
  graphCommitment,
  isEncodedGraph,
} from "./integer-graph-codec.js";
import { encodeIntegerModel, modelCommitment } from "./integer-model.js";
import { type IntegerNode, requantiseValue } from "./integer-node.js";
import {
  decodeProvableModel,
  evaluateModel,
  multiplicationCount,
  provableModelCommitment,
} from "./provable-model.js";

const graph = quantised(everyKind(1, "gelu"), 1);
const dense = (input: number, inputs: number, outputs = 1): IntegerNode => ({
  kind: "dense",
  input,
  outputs,
  weights: new Int8Array(inputs * outputs).fill(1),
  biases: new Int32Array(outputs),
});
const requantise = (
  input: number,
  change: Partial<IntegerNode & { kind: "requantise" }> = {},
): IntegerNode => ({
  kind: "requantise",
  input,
  multipliers: Uint16Array.of(1),
  slopes: undefined,
  shift: 1,
  low: 0,
  ...change,
});

describe("evaluator", () => {
  it("computes convolutions and pools as their definitions say", () => {
    const input = Uint8Array.from({ length: 18 }, (_, at) => at);
    const convolution: IntegerNode = {
      kind: "convolution",
      input: 0,
      outputs: 1,
      groups: 1,
      window: { kernel: [2, 3], stride: [2, 1], padding: [1, 0, 0, 1] },
      weights: Int8Array.of(1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6),
      biases: Int32Array.of(10),
    };
    // Rows −1 and 0, then 1 and 2; columns 0–2 and 1–3 of a 3 × 3 plane; channel 1 is channel 0 plus 9.
    const at = (channel: number, row: number, column: number): number =>
      row < 0 || column > 2 ? 0 : channel * 9 + row * 3 + column;
    const expected = [-1, 1].flatMap((top) =>
      [0, 1].map((left) => {
        let sum = 10;
        for (const [k, weight] of convolution.weights.entries()) {
          const [channel, cell] = [Math.floor(k / 6), k % 6];
          sum += weight * at(channel, top + Math.floor(cell / 3), left + (cell % 3));
        }
        return sum;
      }),
    );
    const model = integerGraph([2, 3, 3], [convolution]);
    validateIntegerGraph(model);
    expect([...evaluateGraph(model, input)]).toEqual(expected);

    const pooled = integerGraph([1, 3, 3], [{ kind: "max-pool", input: 0, window: square(2, 1) }]);
    expect([...evaluateGraph(pooled, input.slice(0, 9))]).toEqual([4, 5, 7, 8]);
    const summed = integerGraph([1, 3, 3], [{ kind: "sum-pool", input: 0, window: square(2, 2, 1) }]);
    expect([...evaluateGraph(summed, input.slice(0, 9))]).toEqual([0, 3, 9, 24]);
  });

  it("rounds ties up, takes the slope below zero and stops at both ends", () => {
    const scaling = { multiplier: 2, slope: 1, shift: 2, low: -3 };
    const values = [-100, -14, -13, -10, -6, -2, -1, 0, 1, 2, 3, 600];
    expect(values.map((x) => requantiseValue(x, scaling))).toEqual([
      -3, -3, -3, -2, -1, 0, 0, 0, 1, 1, 2, 252,
    ]);
    expect(requantiseValue(1, { multiplier: 32_767, slope: 32_767, shift: 1, low: -255 })).toBe(0);
  });

  it("gives the perceptron's bits for a perceptron", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), (seed) => {
        const model = randomIntegerModel([6, 5, 4, 3], seed);
        const input = new SeededRng(seed).bytes(6);
        expect(evaluateGraph(perceptronGraph(model), input)).toEqual(evaluate(model, input));
      }),
    );
  });

  it("stays within the proven ranges for every tensor and input", () => {
    const ranges = analyseGraphRanges(graph);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 72, maxLength: 72 }), (input) => {
        for (const [id, tensor] of evaluateTensors(graph, input).entries()) {
          const { min, max } = ranges[id] as { min: Float64Array; max: Float64Array };
          const plane = tensor.length / min.length;
          for (const [at, value] of tensor.entries()) {
            expect(value).toBeGreaterThanOrEqual(min[Math.floor(at / plane)] as number);
            expect(value).toBeLessThanOrEqual(max[Math.floor(at / plane)] as number);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it("refuses an input of another size", () => {
    expect(() => evaluateGraph(graph, new Uint8Array(71))).toThrow(
      expect.objectContaining({ code: "wrong-input-shape" }),
    );
  });
});

describe("validation", () => {
  it.each<[string, readonly IntegerNode[]]>([
    ["no nodes", []],
    ["a later tensor", [dense(1, 4)]],
    ["a missing weight", [dense(0, 3)]],
    ["values that nothing reads", [dense(0, 4), dense(0, 4)]],
    ["too many outputs", [dense(0, 4, 32)]],
    [
      "groups that do not divide",
      [
        {
          kind: "convolution",
          input: 0,
          outputs: 1,
          groups: 2,
          window: square(1),
          weights: new Int8Array(1),
          biases: new Int32Array(1),
        },
      ],
    ],
    ["a kernel larger than its input", [{ kind: "max-pool", input: 0, window: square(3) }]],
    ["padding as large as the kernel", [{ kind: "max-pool", input: 0, window: square(1, 1, 1) }]],
    ["a stride of nothing", [{ kind: "max-pool", input: 0, window: square(1, 0) }]],
    ["shapes that do not add", [dense(0, 4), { kind: "add", inputs: [0, 1], multipliers: [1, 1] }]],
    ["an addend of nothing", [{ kind: "add", inputs: [0, 0], multipliers: [0, 1] }]],
    ["a shift of nothing", [requantise(0, { shift: 0 })]],
    ["a multiplier too many", [requantise(0, { multipliers: Uint16Array.of(1, 2) })]],
    ["an interval without zero", [requantise(0, { low: 1 })]],
    ["a slope too few", [requantise(0, { slopes: new Uint16Array(0) })]],
    ["a short table", [{ kind: "table", input: 0, low: 0, table: new Int16Array(255) }]],
    [
      "a table entry out of range",
      [{ kind: "table", input: 0, low: 0, table: new Int16Array(256).fill(256) }],
    ],
  ])("refuses %s, naming the node", (_, nodes) => {
    expect(() => validateIntegerGraph(integerGraph([1, 2, 2], nodes))).toThrow(
      expect.objectContaining({ code: "invalid-integer-graph" }),
    );
  });

  it.each<[string, readonly IntegerNode[]]>([
    ["an accumulator beyond int32", [{ ...dense(0, 4), biases: Int32Array.of(2 ** 31 - 1) } as IntegerNode]],
    [
      "a product beyond int32",
      [
        { kind: "add", inputs: [0, 0], multipliers: [32_767, 32_767] },
        { kind: "add", inputs: [1, 1], multipliers: [32_767, 32_767] },
        dense(2, 4),
      ],
    ],
    [
      "a table asked beyond its end",
      [
        { kind: "sum-pool", input: 0, window: square(2) },
        { kind: "table", input: 1, low: 0, table: new Int16Array(256) },
      ],
    ],
    [
      "logits that do not pack",
      [{ ...dense(0, 4, 31), weights: new Int8Array(124).fill(127) } as IntegerNode],
    ],
  ])("refuses %s", (_, nodes) => {
    expect(() => validateIntegerGraph(integerGraph([1, 2, 2], nodes))).toThrow(
      expect.objectContaining({ code: "model-range-exceeded" }),
    );
  });

  it("bounds the work of an evaluation", () => {
    const wide: IntegerNode = {
      kind: "convolution",
      input: 0,
      outputs: 4096,
      groups: 1,
      window: square(255),
      weights: new Int8Array(0),
      biases: new Int32Array(0),
    };
    expect(() => validateIntegerGraph(integerGraph([1, 256, 256], [wide]))).toThrow(/parameters/);
    expect(() => validateIntegerGraph(integerGraph([1, 257, 256], [wide]))).toThrow(/input/);
  });
});

describe("either form", () => {
  it("is read by its tag, evaluated and committed to as itself", () => {
    const perceptron = randomIntegerModel([6, 5, 3], 4);
    const input = new SeededRng(4).bytes(6);
    const bytes = encodeIntegerModel(perceptron);
    expect(decodeProvableModel(bytes)).toEqual(perceptron);
    expect(provableModelCommitment(perceptron)).toEqual(modelCommitment(perceptron));
    expect(evaluateModel(perceptron, input)).toEqual(evaluate(perceptron, input));
    expect(multiplicationCount(perceptron)).toBe(45);
    expect(decodeProvableModel(encodeIntegerGraph(graph))).toEqual(graph);
    expect(provableModelCommitment(graph)).toEqual(graphCommitment(graph));
    const conv = integerGraph(
      [1, 3, 3],
      [
        {
          kind: "convolution",
          input: 0,
          outputs: 2,
          groups: 1,
          window: square(2),
          weights: new Int8Array(8),
          biases: new Int32Array(2),
        },
      ],
    );
    expect(multiplicationCount(conv)).toBe(4 * 8);
  });
});

describe("encoding", () => {
  it("returns the same graph, whose commitment covers every byte", () => {
    for (const type of ["relu", "leaky-relu", "tanh"] as const) {
      const one = quantised(everyKind(2, type), 2);
      const bytes = encodeIntegerGraph(one);
      expect(isEncodedGraph(bytes)).toBe(true);
      expect(decodeIntegerGraph(bytes)).toEqual(one);
      expect(graphCommitment(one)).not.toEqual(graphCommitment({ ...one, salt: new Uint8Array(32) }));
    }
  });

  it("never reads altered or cut bytes as the same graph, and refuses by name what it cannot read", () => {
    const bytes = encodeIntegerGraph(graph);
    const codes = /^(malformed-integer-graph|invalid-integer-graph|model-range-exceeded)$/;
    fc.assert(
      fc.property(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, change, cut) => {
          const altered = cut
            ? bytes.slice(0, at)
            : bytes.map((byte, index) => (index === at ? byte ^ change : byte));
          try {
            expect(encodeIntegerGraph(decodeIntegerGraph(altered))).toEqual(altered);
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(codes);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it("believes no length before the bytes are there", () => {
    const bytes = encodeIntegerGraph(integerGraph([1, 2, 2], [dense(0, 4)]));
    const outputsAt = 8 + 32 + 16 + 5;
    const huge = bytes.slice();
    huge.set([0xff, 0xff, 0xff, 0xff], outputsAt);
    expect(() => decodeIntegerGraph(huge)).toThrow(
      expect.objectContaining({ code: "malformed-integer-graph" }),
    );
  });
});
