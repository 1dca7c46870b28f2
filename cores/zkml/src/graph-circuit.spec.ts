import { SeededRng } from "@aios/kernel/random";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forcedValues, givenValues } from "../test/forced-values.js";
import { everyKind, FloatGraphWriter, integerGraph, quantised, square } from "../test/sample-graphs.js";
import { compileCircuit, computeWitness } from "./circuit.js";
import { circuitSize, countConstraints, MAX_CONSTRAINTS } from "./circuit-size.js";
import type { ActivationFunction } from "./float-graph.js";
import { evaluateGraph } from "./graph-evaluator.js";
import { inputCommitment } from "./input-commitment.js";
import { elementCount, type IntegerGraph, type IntegerNode } from "./integer-node.js";
import { packOutput, unpackOutput } from "./output-packing.js";
import { firstUnsatisfied, type R1cs, type Witness } from "./r1cs.js";
import { R1csBuilder, signalTerm } from "./r1cs-builder.js";
import { requantisationBits, requantisationGadget, requantisationWitness } from "./requantisation-gadget.js";
import { toScalar } from "./scalar-field.js";

const salt = new SeededRng(11).bytes(32);
const context = 0x1234567890abcdefn;
const FUNCTIONS: readonly ActivationFunction["type"][] = [
  "relu",
  "leaky-relu",
  "sigmoid",
  "tanh",
  "gelu",
  "gelu-tanh",
];

function breaks(r1cs: R1cs, witness: Witness): string | undefined {
  const row = firstUnsatisfied(r1cs, witness);
  return row === undefined ? undefined : r1cs.constraintNames[row];
}

function changed(witness: Witness, signal: number, value: bigint): Witness {
  return witness.map((old, index) => (index === signal ? toScalar(value) : old));
}

/** The system of one of the rows. */
function onlyRow(r1cs: R1cs, row: number): R1cs {
  const cut = (matrix: R1cs["a"]): R1cs["a"] => {
    const range = [
      row === 0 ? 0 : (matrix.rowEnds[row - 1] as number),
      matrix.rowEnds[row] as number,
    ] as const;
    return {
      rowEnds: Uint32Array.of(range[1] - range[0]),
      columns: matrix.columns.slice(...range),
      coefficientIds: matrix.coefficientIds.slice(...range),
    };
  };
  return { ...r1cs, constraints: 1, a: cut(r1cs.a), b: cut(r1cs.b), c: cut(r1cs.c) };
}

/** Signed values of [−255, 0] + input byte, by a requantisation that changes nothing else. */
function shifted(bias: number): IntegerNode[] {
  return [
    {
      kind: "convolution",
      input: 0,
      outputs: 1,
      groups: 1,
      window: square(1),
      weights: Int8Array.of(1),
      biases: Int32Array.of(bias),
    },
    { kind: "requantise", input: 1, multipliers: Uint16Array.of(2), slopes: undefined, shift: 1, low: bias },
  ];
}

const sum = (input: number): IntegerNode => ({
  kind: "dense",
  input,
  outputs: 1,
  weights: Int8Array.of(1, 2, 4, 8),
  biases: Int32Array.of(0),
});

/** One gadget at a time, on four signed values. */
const gadgets: Readonly<Record<string, IntegerGraph>> = {
  "max-pool": integerGraph(
    [1, 2, 2],
    [
      ...shifted(-128),
      { kind: "max-pool", input: 2, window: square(2, 1, 1) },
      { kind: "sum-pool", input: 3, window: square(2) },
      sum(4),
    ],
  ),
  table: integerGraph(
    [4, 1, 1],
    [
      ...shifted4(-100),
      {
        kind: "table",
        input: 2,
        low: -100,
        table: Int16Array.from({ length: 256 }, (_, at) => ((at * at * 37) % 511) - 255),
      },
      sum(3),
    ],
  ),
  "leaky requantisation": integerGraph(
    [4, 1, 1],
    [
      ...shifted4(-100),
      {
        kind: "requantise",
        input: 2,
        multipliers: Uint16Array.of(900),
        slopes: Uint16Array.of(90),
        shift: 9,
        low: -30,
      },
      sum(3),
    ],
  ),
};

function shifted4(bias: number): IntegerNode[] {
  const [, requantise] = shifted(bias);
  const identity = Int8Array.from({ length: 16 }, (_, at) => (at % 5 === 0 ? 1 : 0));
  return [
    {
      kind: "dense",
      input: 0,
      outputs: 4,
      weights: identity,
      biases: new Int32Array(4).fill(bias),
    },
    requantise as IntegerNode,
  ];
}

describe("circuit of a graph", () => {
  it.each(FUNCTIONS)("accepts the evaluator's result on networks of every kind of node with %s", (type) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000 }), fc.boolean(), (seed, perChannel) => {
        const graph = quantised(everyKind(seed, type), seed, perChannel ? "channel" : "tensor");
        const r1cs = compileCircuit(graph);
        const input = new SeededRng(seed).bytes(72);
        const witness = computeWitness(graph, r1cs, input, salt, context);
        expect(breaks(r1cs, witness)).toBeUndefined();
        const output = packOutput(evaluateGraph(graph, input));
        expect(witness.slice(0, 4)).toEqual([1n, context, inputCommitment(input, salt), output]);
        const size = circuitSize(graph);
        expect(r1cs.constraints).toBe(size.constraints);
        const terms = [r1cs.a, r1cs.b, r1cs.c].reduce((all, matrix) => all + matrix.columns.length, 0);
        expect(terms).toBeLessThanOrEqual(size.terms);
        expect(breaks(r1cs, changed(witness, 3, output + 1n))).toBe("packed output");
      }),
      { numRuns: 4 },
    );
  });

  it("refuses each public value tampered with, naming what broke", () => {
    const graph = quantised(everyKind(5, "gelu"), 5);
    const r1cs = compileCircuit(graph);
    const witness = computeWitness(graph, r1cs, new SeededRng(5).bytes(72), salt, context);
    expect(breaks(r1cs, changed(witness, 1, context + 1n))).toBe("context is bound");
    expect(breaks(r1cs, changed(witness, 2, 5n))).toBe("input commitment");
    expect(breaks(r1cs, changed(witness, 3, 5n))).toBe("packed output");
  });

  describe.each(Object.entries(gadgets))("%s", (_, graph) => {
    const r1cs = compileCircuit(graph);
    const inputs = [
      Uint8Array.of(200, 100, 0, 255),
      Uint8Array.of(100, 100, 100, 100),
      Uint8Array.of(0, 0, 0, 0),
      Uint8Array.of(255, 99, 101, 128),
    ];

    it("agrees with the evaluator at ends and ties", () => {
      for (const input of inputs) {
        const witness = computeWitness(graph, r1cs, input, salt, context);
        expect(breaks(r1cs, witness)).toBeUndefined();
        expect(unpackOutput(witness[3] as bigint, 1)).toEqual(evaluateGraph(graph, input));
      }
    });

    it("refuses every private signal altered", () => {
      const witness = computeWitness(graph, r1cs, inputs[0] as Uint8Array, salt, context);
      const own = r1cs.signalNames.flatMap((name, index) => (name.startsWith("node[") ? [index] : []));
      expect(own.length).toBeGreaterThan(20);
      for (const signal of own) {
        const value = witness[signal] as bigint;
        for (const forged of [1n - value, value + 1n, value - 1n, 0n, -value, value + (1n << 128n)]) {
          if (toScalar(forged) === value) continue;
          expect(breaks(r1cs, changed(witness, signal, forged)), r1cs.signalNames[signal]).toBeDefined();
        }
      }
    });

    it("has no other witness once input, salt and context are given", () => {
      for (const input of inputs) {
        const witness = computeWitness(graph, r1cs, input, salt, context);
        expect(forcedValues(r1cs, givenValues(r1cs, witness)).values).toEqual(witness);
      }
    });
  });

  /** −z: what an 8-bit tensor with zero point z begins with. */
  it.each([-255, -128, -1, 0])(
    "agrees with the evaluator for values from %s on, zero among them, at both ends and at ties",
    (low) => {
      const graph = integerGraph(
        [4, 1, 1],
        [
          ...shifted4(-128),
          { kind: "requantise", input: 2, multipliers: Uint16Array.of(5), slopes: undefined, shift: 1, low },
          sum(3),
        ],
      );
      const r1cs = compileCircuit(graph);
      // 128 is zero; 5/2 · (byte − 128) ends in a half for odd differences.
      for (const input of [
        [0, 127, 128, 129],
        [255, 128, 128, 0],
        [26, 77, 179, 230],
      ]) {
        const bytes = Uint8Array.from(input);
        const rounded = input.map((byte) =>
          Math.max(low, Math.min(low + 255, Math.floor((5 * (byte - 128) + 1) / 2))),
        );
        const witness = computeWitness(graph, r1cs, bytes, salt, context);
        expect(breaks(r1cs, witness)).toBeUndefined();
        const weighted = rounded.reduce((total, value, at) => total + value * 2 ** at, 0);
        expect(Array.from(evaluateGraph(graph, bytes))).toEqual([weighted]);
        expect(unpackOutput(witness[3] as bigint, 1)).toEqual(evaluateGraph(graph, bytes));
      }
    },
  );

  it("knows no negative zero points, under which zero were no value: they are refused by name", () => {
    for (const low of [1, 128, -256]) {
      const requantise = {
        kind: "requantise",
        input: 2,
        multipliers: Uint16Array.of(5),
        shift: 1,
        low,
      } as const;
      const graph = integerGraph(
        [4, 1, 1],
        [...shifted4(-128), { ...requantise, slopes: undefined }, sum(3)],
      );
      expect(() => compileCircuit(graph)).toThrow(expect.objectContaining({ code: "invalid-integer-graph" }));
    }
  });

  it("ties the leaky gadget's positive part to the value: without that constraint the slope could be chosen", () => {
    const scaling = { multiplier: 900, slope: 90, shift: 9, low: -30 };
    const size = requantisationBits(scaling, -100, 155);
    const builder = new R1csBuilder();
    const x = signalTerm(builder.signal("x"));
    requantisationGadget(builder, "leaky", x, scaling, size);
    const r1cs = builder.build();
    const honest = requantisationWitness(50, scaling, size);
    expect(breaks(r1cs, [1n, 50n, ...honest])).toBeUndefined();
    // The slope in place of the multiplier: positive part 0 and everything after it recomputed.
    const flat = { ...scaling, multiplier: 90 };
    const after = requantisationWitness(50, flat, { ...size, sign: undefined });
    const forged = [1n, 50n, ...honest.slice(0, (size.sign ?? 0) + 1), 0n, ...after];
    expect(forged).toHaveLength(r1cs.variables);
    expect(after.at(-1)).not.toBe(honest.at(-1));
    expect(breaks(r1cs, forged)).toBe("leaky.positive part");
    const rows = r1cs.constraintNames.length;
    const positive = r1cs.constraintNames.indexOf("leaky.positive part");
    const others = Array.from({ length: rows }, (_, row) => row).filter((row) => row !== positive);
    expect(others.every((row) => breaks(onlyRow(r1cs, row), forged) === undefined)).toBe(true);
  });

  it("refuses another graph's witness, one weight away", () => {
    const graph = quantised(everyKind(3, "relu"), 3);
    const index = graph.nodes.findIndex(({ kind }) => kind === "convolution");
    const nodes = graph.nodes.map((node, at) => {
      if (at !== index || node.kind !== "convolution") return node;
      const weights = node.weights.slice();
      weights[4] = (weights[4] as number) > 0 ? -1 : 1;
      return { ...node, weights };
    });
    const r1cs = compileCircuit(graph);
    const other = { ...graph, nodes };
    const forged = compileCircuit(other);
    const input = new SeededRng(8).bytes(72);
    const witness = computeWitness(other, forged, input, salt, context);
    expect(breaks(forged, witness)).toBeUndefined();
    if (witness.length === r1cs.variables) expect(breaks(r1cs, witness)).toBeDefined();
    else expect(() => computeWitness(other, r1cs, input, salt, context)).toThrow(/not compiled/);
  });

  it("costs nothing for linear nodes: average pooling, residual sums, joins", () => {
    const write = new FloatGraphWriter([1, 4, 4], new SeededRng(1));
    const pooled = write.pool(0, "average-pool", square(2, 2));
    write.dense(write.flatten(write.join("concat", pooled, write.join("add", pooled, pooled))), 8, 3);
    const bare = new FloatGraphWriter([1, 4, 4], new SeededRng(1));
    bare.dense(bare.flatten(bare.pool(0, "average-pool", square(2, 2))), 4, 3);
    const base = countConstraints(quantised(bare.finish(), 1));
    expect(countConstraints(quantised(bare.finish(), 1))).toBe(base);
    // Only the sum's return to 8 bits for the join costs.
    expect(countConstraints(quantised(write.finish(), 1)) - base).toBeLessThan(12 * 40);
  });

  it("refuses graphs too large to prove before building anything", () => {
    const write = new FloatGraphWriter([1, 28, 28], new SeededRng(1));
    const hidden = write.activation(write.convolution(0, 1, 24, square(3, 1, 1)), "relu");
    const wide = write.activation(write.convolution(hidden, 24, 24, square(3, 1, 1)), "relu");
    write.dense(wide, 24 * 784, 3);
    const graph = quantised(write.finish(), 1, "channel", 1);
    expect(elementCount(graph.inputShape)).toBe(784);
    expect(() => compileCircuit(graph)).toThrow(expect.objectContaining({ code: "circuit-too-large" }));
  });

  it("does not take a ResNet18 of 11 M parameters for small: refused whole, and its first quarter is 20 times too large", () => {
    const whole = resnet18([64, 64, 128, 128, 256, 256, 512, 512]);
    const parameters = whole.nodes.reduce(
      (sum, node) => sum + ("weights" in node ? node.weights.length : 0),
      0,
    );
    expect(parameters).toBeGreaterThan(11_000_000);
    expect(() => compileCircuit(whole)).toThrow(expect.objectContaining({ code: "invalid-integer-graph" }));

    const quarter = resnet18([64, 64]);
    expect(circuitSize(quarter).constraints).toBeGreaterThan(20 * MAX_CONSTRAINTS);
    expect(() => compileCircuit(quarter)).toThrow(expect.objectContaining({ code: "circuit-too-large" }));
  });
});

/** ResNet18 on 32 × 32 pixels, of the given blocks. */
function resnet18(blocks: readonly number[]): IntegerGraph {
  const nodes: IntegerNode[] = [];
  const weights = (length: number): Int8Array =>
    Int8Array.from({ length }, (_, at) => ((at * 37) % 255) - 127);
  const convolved = (
    input: number,
    channels: number,
    outputs: number,
    side: number,
    stride: number,
  ): number => {
    const convolution = nodes.push({
      kind: "convolution",
      input,
      outputs,
      groups: 1,
      window: square(side, stride, side === 3 ? 1 : 0),
      weights: weights(outputs * channels * side * side),
      biases: new Int32Array(outputs),
    });
    return requantised(convolution, outputs);
  };
  const requantised = (input: number, channels: number): number => {
    const multipliers = new Uint16Array(channels).fill(1);
    return nodes.push({ kind: "requantise", input, multipliers, slopes: undefined, shift: 14, low: 0 });
  };
  let [last, channels] = [convolved(0, 3, 64, 3, 1), 64];
  for (const outputs of blocks) {
    const stride = outputs === channels ? 1 : 2;
    const branch = convolved(convolved(last, channels, outputs, 3, stride), outputs, outputs, 3, 1);
    const shortcut = stride === 1 ? last : convolved(last, channels, outputs, 1, stride);
    last = requantised(nodes.push({ kind: "add", inputs: [branch, shortcut], multipliers: [1, 1] }), outputs);
    channels = outputs;
  }
  const pooled = nodes.push({ kind: "sum-pool", input: last, window: square(4, 4) });
  const inputs = channels * (channels === 64 ? 64 : 1);
  nodes.push({
    kind: "dense",
    input: pooled,
    outputs: 10,
    weights: weights(10 * inputs),
    biases: new Int32Array(10),
  });
  return integerGraph([3, 32, 32], nodes);
}
