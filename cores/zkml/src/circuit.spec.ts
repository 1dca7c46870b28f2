import { SeededRng } from "@aios/kernel/random";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forcedValues, givenValues } from "../test/forced-values.js";
import { FloatGraphWriter, quantised, square } from "../test/sample-graphs.js";
import { handModel, randomInput, randomIntegerModel } from "../test/sample-models.js";
import { compileCircuit, computeWitness } from "./circuit.js";
import { circuitSize, countConstraints } from "./circuit-size.js";
import { evaluate } from "./evaluator.js";
import { inputCommitment } from "./input-commitment.js";
import { packOutput, unpackOutput } from "./output-packing.js";
import { assertSatisfied, firstUnsatisfied, type R1cs, type Witness } from "./r1cs.js";
import { R1csBuilder, signalTerm } from "./r1cs-builder.js";
import { SCALAR_FIELD_ORDER, toScalar } from "./scalar-field.js";

const salt = new SeededRng(11).bytes(32);
const context = 0x1234567890abcdefn;

function breaks(r1cs: R1cs, witness: Witness): string | undefined {
  const row = firstUnsatisfied(r1cs, witness);
  return row === undefined ? undefined : r1cs.constraintNames[row];
}

function changed(witness: Witness, signal: number, value: bigint): Witness {
  return witness.map((old, index) => (index === signal ? toScalar(value) : old));
}

/** Two hidden layers; a saturated, a cut and an ordinary neuron for the input used below. */
const small = handModel(
  [
    {
      weights: [
        [100, 90],
        [-100, -90],
        [24, -38],
      ],
      biases: [500, -20, 40],
    },
    {
      weights: [
        [60, 70, 80],
        [-60, 50, -40],
      ],
      biases: [7, 9],
    },
    {
      weights: [
        [5, -3],
        [-2, 4],
        [1, 1],
      ],
      biases: [-100, 20, 0],
    },
  ],
  129,
  10,
);
const smallInput = Uint8Array.of(200, 123);

describe("circuit", () => {
  it("accepts the evaluator's result on random models and inputs, and nothing else as output", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000 }), (seed) => {
        const rng = new SeededRng(seed);
        const widths = Array.from({ length: 2 + rng.below(3) }, () => 1 + rng.below(8));
        const model = randomIntegerModel(widths, seed);
        const r1cs = compileCircuit(model);
        const input = randomInput(rng, widths[0] as number);
        const witness = computeWitness(model, r1cs, input, salt, context);
        expect(breaks(r1cs, witness)).toBeUndefined();
        expect(witness.slice(0, 4)).toEqual([
          1n,
          context,
          inputCommitment(input, salt),
          packOutput(evaluate(model, input)),
        ]);
        expect(r1cs.constraints).toBe(countConstraints(model));
        expect(r1cs.signalNames).toHaveLength(r1cs.variables);
        expect(breaks(r1cs, changed(witness, 3, (witness[3] as bigint) + 1n))).toBe("packed output");
      }),
      { numRuns: 40 },
    );
  });

  it("has the stated size for the 784–128–10 model", () => {
    const model = randomIntegerModel([784, 128, 10], 1);
    const r1cs = compileCircuit(model);
    expect(r1cs.publicInputs).toBe(3);
    expect(r1cs.constraints).toBe(12_154);
    expect(r1cs.variables).toBe(11_902);
    expect(r1cs.constraints + r1cs.publicInputs + 1).toBeLessThanOrEqual(2 ** 14);
    const witness = computeWitness(model, r1cs, randomInput(new SeededRng(3), 784), salt, context);
    assertSatisfied(r1cs, witness);
  });

  it("refuses each public value tampered with, naming what broke", () => {
    const r1cs = compileCircuit(small);
    const witness = computeWitness(small, r1cs, smallInput, salt, context);
    expect(breaks(r1cs, changed(witness, 1, context + 1n))).toBe("context is bound");
    expect(breaks(r1cs, changed(witness, 2, 5n))).toBe("input commitment");
    expect(breaks(r1cs, changed(witness, 3, 5n))).toBe("packed output");
    expect(() => assertSatisfied(r1cs, changed(witness, 3, 5n))).toThrow(
      expect.objectContaining({
        code: "unsatisfied-witness",
        details: expect.objectContaining({ constraint: "packed output" }),
      }),
    );
  });

  it("refuses every private signal altered: flipped, moved by one, zeroed, negated", () => {
    const r1cs = compileCircuit(small);
    const witness = computeWitness(small, r1cs, smallInput, salt, context);
    for (let signal = 1 + r1cs.publicInputs; signal < r1cs.variables; signal++) {
      const value = witness[signal] as bigint;
      for (const forged of [1n - value, value + 1n, value - 1n, 0n, -value, value + (1n << 128n)]) {
        if (toScalar(forged) === value) continue;
        expect(breaks(r1cs, changed(witness, signal, forged)), r1cs.signalNames[signal]).toBeDefined();
      }
    }
  });

  it("has no other witness once input, salt and context are given", () => {
    const r1cs = compileCircuit(small);
    for (const input of [smallInput, Uint8Array.of(0, 0), Uint8Array.of(255, 255), Uint8Array.of(0, 255)]) {
      const witness = computeWitness(small, r1cs, input, salt, context);
      expect(forcedValues(r1cs, givenValues(r1cs, witness)).values).toEqual(witness);
    }
  });

  it("refuses another model's witness, even one weight away", () => {
    const other = {
      ...small,
      layers: small.layers.map((layer, index) =>
        index === 0 ? { ...layer, weights: Int8Array.of(100, 90, -100, -90, 24, -39) } : layer,
      ),
    };
    const witness = computeWitness(other, compileCircuit(other), smallInput, salt, context);
    const r1cs = compileCircuit(small);
    expect(witness).toHaveLength(r1cs.variables);
    expect(breaks(r1cs, witness)).toMatch(/^node\[1\]\.element\[2\]/);
    expect(() => computeWitness(randomIntegerModel([2, 2, 2], 1), r1cs, smallInput, salt, context)).toThrow(
      expect.objectContaining({ code: "circuit-mismatch" }),
    );
  });

  it("agrees with the evaluator at the ends of every range and at ties", () => {
    for (const [weights, biases] of [
      [
        [
          [127, -127],
          [-128, 127],
        ],
        [2 ** 30, -(2 ** 30)],
      ],
      [
        [
          [127, 127],
          [-128, -128],
        ],
        [0, 0],
      ],
      [
        [
          [1, 0],
          [0, -1],
        ],
        [0, 1],
      ],
    ] as const) {
      for (const [multiplier, shift] of [
        [1, 1],
        [32_767, 1],
        [32_767, 40],
        [1, 40],
        [3, 2],
        [128, 8],
      ] as const) {
        const model = handModel(
          [
            { weights, biases },
            {
              weights: [
                [1, 0],
                [0, 1],
              ],
              biases: [0, 0],
            },
          ],
          multiplier,
          shift,
        );
        const r1cs = compileCircuit(model);
        for (const input of [
          [0, 0],
          [255, 255],
          [0, 255],
          [255, 0],
          [1, 3],
        ]) {
          const witness = computeWitness(model, r1cs, Uint8Array.from(input), salt, context);
          expect(breaks(r1cs, witness)).toBeUndefined();
          expect(unpackOutput(witness[3] as bigint, 2)).toEqual(evaluate(model, Uint8Array.from(input)));
        }
      }
    }
  });

  it("refuses malformed witnesses, contexts outside the field and models too large to prove", () => {
    const r1cs = compileCircuit(small);
    const witness = computeWitness(small, r1cs, smallInput, salt, context);
    const malformed = [
      witness.slice(1),
      [...witness, 0n],
      [2n, ...witness.slice(1)],
      witness.map((value, index) => (index === 5 ? value + SCALAR_FIELD_ORDER : value)),
    ];
    for (const bad of malformed)
      expect(() => firstUnsatisfied(r1cs, bad)).toThrow(
        expect.objectContaining({ code: "malformed-witness" }),
      );
    expect(() => computeWitness(small, r1cs, smallInput, salt, SCALAR_FIELD_ORDER)).toThrow(
      expect.objectContaining({ code: "invalid-statement" }),
    );
    expect(() => computeWitness(small, r1cs, Uint8Array.of(1), salt, context)).toThrow(
      expect.objectContaining({ code: "wrong-input-shape" }),
    );
    expect(() => compileCircuit(randomIntegerModel([4, 16_384, 2], 1))).toThrow(
      expect.objectContaining({ code: "circuit-too-large" }),
    );
  });
});

describe("gadgets that were replaced because they prove nothing", () => {
  const activation = compileCircuit(small).signalNames.indexOf("node[1].element[2].activation");

  it("ReLU as x² + y² = z² lets any Pythagorean triple through; ours refuses the same claim", () => {
    const builder = new R1csBuilder();
    const [x, y, z, xx, yy, zz] = ["x", "y", "z", "xx", "yy", "zz"].map((name) =>
      signalTerm(builder.signal(name)),
    ) as [
      ReturnType<typeof signalTerm>,
      ReturnType<typeof signalTerm>,
      ReturnType<typeof signalTerm>,
      ReturnType<typeof signalTerm>,
      ReturnType<typeof signalTerm>,
      ReturnType<typeof signalTerm>,
    ];
    builder.constrain("xx", x, x, xx);
    builder.constrain("yy", y, y, yy);
    builder.constrain("zz", z, z, zz);
    builder.constrainEqual("x² + y² = z²", new Map([...xx, ...yy]), zz);
    const unsound = builder.build();
    // ReLU(−3) is 0; the claim says 4.
    expect(breaks(unsound, [1n, SCALAR_FIELD_ORDER - 3n, 4n, 5n, 9n, 16n, 25n])).toBeUndefined();

    const r1cs = compileCircuit(small);
    const witness = computeWitness(small, r1cs, smallInput, salt, context);
    expect(witness[activation]).not.toBe(4n);
    expect(breaks(r1cs, changed(witness, activation, 4n))).toMatch(/activation is clamped below/);
  });

  it("y <-- x·(x > 0) assigns without constraining, so any y passes; ours refuses it", () => {
    const builder = new R1csBuilder();
    const x = signalTerm(builder.publicInput("x"));
    builder.signal("y");
    builder.constrain("x is used", x, x, signalTerm(builder.signal("xx")));
    const unsound = builder.build();
    for (const y of [0n, 7n, 255n]) expect(breaks(unsound, [1n, 3n, y, 9n])).toBeUndefined();

    const r1cs = compileCircuit(small);
    const witness = computeWitness(small, r1cs, smallInput, salt, context);
    for (const y of [0n, 7n, 255n]) {
      if (y !== witness[activation]) expect(breaks(r1cs, changed(witness, activation, y))).toBeDefined();
    }
  });
});

describe("a ResNet18 as a small model for Groth16", () => {
  /** Weights of ResNet18 without its batch norms' (He et al. 2015, table 1): stem, four stages of two blocks, classes. */
  const parameters = (): number => {
    let [count, channels] = [3 * 64 * 49, 64];
    for (const width of [64, 128, 256, 512]) {
      count += channels * width * 9 + 3 * width * width * 9 + (channels === width ? 0 : channels * width);
      channels = width;
    }
    return count + channels * 1_000 + 1_000;
  };

  it("is eleven times what is called small, and is refused by its first layer alone; nothing of it is built", () => {
    expect(parameters()).toBe(11_679_912);
    // A tenth of the usual picture: 64 × 64 instead of 224 × 224.
    const write = new FloatGraphWriter([3, 64, 64], new SeededRng(18));
    const stem = write.activation(write.convolution(0, 3, 64, square(7, 2, 3)), "relu");
    write.dense(write.flatten(write.pool(stem, "average-pool", square(32, 32))), 64, 10);
    const graph = quantised(write.finish(), 18, "channel", 1);
    const { constraints } = circuitSize(graph);
    expect(constraints).toBeGreaterThan(64 * 32 * 32 * 8);
    expect(() => compileCircuit(graph)).toThrow(
      expect.objectContaining({
        code: "circuit-too-large",
        message: expect.stringContaining(`would need ${constraints} constraints`) as string,
      }),
    );
  });
});

describe("builder", () => {
  it("refuses public inputs after private signals and signals that do not exist", () => {
    const builder = new R1csBuilder();
    builder.signal("private");
    expect(() => builder.publicInput("late")).toThrow(
      expect.objectContaining({ code: "public-after-private" }),
    );
    expect(() => builder.constrainBoolean("unknown", signalTerm(9))).toThrow(
      expect.objectContaining({ code: "unknown-signal" }),
    );
  });
});
