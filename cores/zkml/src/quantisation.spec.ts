import { SeededRng } from "@aios/kernel/random";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { handModel, randomFloatModel, randomInput } from "../test/sample-models.js";
import { argmax, evaluate } from "./evaluator.js";
import { evaluateFloat } from "./float-model.js";
import { type IntegerModel, validateIntegerModel } from "./integer-model.js";
import { quantiseModel } from "./quantisation.js";

const rng = new SeededRng(5);
const salt = rng.bytes(32);

/** Textbook evaluation with unbounded integers. */
function evaluateExactly(model: IntegerModel, input: Uint8Array): bigint[] {
  let values = [...input].map(BigInt);
  for (const layer of model.layers) {
    const sums = Array.from({ length: layer.outputs }, (_, row) =>
      values.reduce(
        (sum, value, column) => sum + value * BigInt(layer.weights[row * layer.inputs + column] as number),
        BigInt(layer.biases[row] as number),
      ),
    );
    if (layer.activation === "none") return sums;
    const half = 1n << BigInt(layer.shift - 1);
    values = sums.map((sum) => {
      const scaled = (sum * BigInt(layer.multiplier) + half) >> BigInt(layer.shift);
      return scaled < 0n ? 0n : scaled > 255n ? 255n : scaled;
    });
  }
  return values;
}

describe("evaluator", () => {
  it("equals unbounded integer arithmetic on random models and inputs", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
        const local = new SeededRng(seed);
        const widths = Array.from({ length: 2 + local.below(3) }, () => 1 + local.below(12));
        const calibration = [randomInput(local, widths[0] as number)];
        const { model } = quantiseModel(randomFloatModel(widths, seed), calibration, salt);
        const input = randomInput(local, widths[0] as number);
        expect([...evaluate(model, input)].map(BigInt)).toEqual(evaluateExactly(model, input));
      }),
    );
  });

  it("rounds ties up, cuts below zero and saturates above 255", () => {
    const pass = (bias: number, multiplier: number, shift: number) =>
      evaluate(
        handModel(
          [
            { weights: [[1]], biases: [bias] },
            { weights: [[1]], biases: [0] },
          ],
          multiplier,
          shift,
        ),
        Uint8Array.of(0),
      )[0];
    expect(pass(1, 1, 1)).toBe(1); // 0.5
    expect(pass(3, 1, 1)).toBe(2); // 1.5
    expect(pass(-1, 1, 1)).toBe(0); // −0.5
    expect(pass(-1_000_000, 1, 1)).toBe(0);
    expect(pass(509, 1, 1)).toBe(255); // 254.5
    expect(pass(511, 1, 1)).toBe(255); // 255.5
    expect(pass(1_000_000, 3, 2)).toBe(255);
    expect(pass(7, 3, 3)).toBe(3); // 2.625
  });

  it("refuses an input of the wrong shape, naming the field", () => {
    const model = handModel([{ weights: [[1, 2]], biases: [0] }], 1, 1);
    expect(() => evaluate(model, new Uint8Array(3))).toThrow(
      expect.objectContaining({ code: "wrong-input-shape", field: "input" }),
    );
  });

  it("takes the first of equal logits", () => {
    expect(argmax([1, 3, 3])).toBe(1);
    expect(argmax([])).toBe(-1);
  });
});

describe("quantisation", () => {
  it("stays close to the float model and reports both accuracies", () => {
    const float = randomFloatModel([64, 32, 10], 3);
    const inputs = Array.from({ length: 300 }, () => randomInput(rng, 64));
    const labels = inputs.map((input) => argmax(evaluateFloat(float, input)));
    const { model, report } = quantiseModel(float, inputs.slice(0, 100), salt, {
      inputs: inputs.slice(100),
      labels: labels.slice(100),
    });
    expect(report.accuracy?.floatAccuracy).toBe(1);
    expect(report.accuracy?.samples).toBe(200);
    expect(report.accuracy?.integerAccuracy).toBeGreaterThan(0.95);
    expect(report.accuracy?.lossPoints).toBeCloseTo((1 - (report.accuracy?.integerAccuracy ?? 0)) * 100);
    const scale = report.layers[1]?.accumulatorScale as number;
    for (const input of inputs.slice(0, 20)) {
      const exact = evaluateFloat(float, input);
      for (const [index, logit] of evaluate(model, input).entries()) {
        expect(Math.abs(logit * scale - (exact[index] as number))).toBeLessThan(0.15);
      }
    }
  });

  it("counts what the integers get wrong", () => {
    const float = randomFloatModel([4, 3, 2], 3);
    const inputs = Array.from({ length: 10 }, () => randomInput(rng, 4));
    const wrong = inputs.map((input) => 1 - argmax(evaluateFloat(float, input)));
    expect(quantiseModel(float, inputs, salt, { inputs, labels: wrong }).report.accuracy?.floatAccuracy).toBe(
      0,
    );
  });

  it("survives dead layers", () => {
    const float = {
      layers: randomFloatModel([4, 3, 2], 1).layers.map((layer) => ({
        ...layer,
        weights: new Float32Array(layer.weights.length),
      })),
    };
    expect(
      evaluate(quantiseModel(float, [new Uint8Array(4)], salt).model, Uint8Array.of(1, 2, 3, 4)),
    ).toHaveLength(2);
  });

  it("refuses numbers that are not finite, biases that overflow and missing calibration", () => {
    const float = randomFloatModel([4, 3, 2], 1);
    const withBias = (bias: number) => ({
      layers: float.layers.map((layer, index) =>
        index === 0 ? { ...layer, biases: Float32Array.of(bias, 0, 0) } : layer,
      ),
    });
    expect(() => quantiseModel(withBias(Number.NaN), [new Uint8Array(4)], salt)).toThrow(
      expect.objectContaining({ code: "invalid-float-model" }),
    );
    expect(() => quantiseModel(withBias(3e38), [new Uint8Array(4)], salt)).toThrow(
      expect.objectContaining({ code: "bias-out-of-range" }),
    );
    expect(() => quantiseModel(float, [], salt)).toThrow(
      expect.objectContaining({ code: "invalid-samples" }),
    );
    expect(() => quantiseModel(float, [new Uint8Array(3)], salt)).toThrow(
      expect.objectContaining({ code: "wrong-input-shape" }),
    );
  });
});

describe("range analysis", () => {
  it("refuses accumulators that could leave int32, at the bound exactly", () => {
    const atBound = 2 ** 31 - 1 - 255 * 127;
    const model = (bias: number) => ({ weights: [[127]], biases: [bias] });
    const tail = { weights: [[1]], biases: [0] };
    expect(() => handModel([model(atBound), tail], 1, 1)).not.toThrow();
    expect(() => handModel([model(atBound + 1), tail], 1, 1)).toThrow(
      expect.objectContaining({ code: "model-range-exceeded" }),
    );
    expect(() => handModel([{ weights: [[-127]], biases: [-atBound - 1] }, tail], 1, 1)).toThrow(
      expect.objectContaining({ code: "model-range-exceeded" }),
    );
  });

  it("refuses logits that could leave their share of the packed output", () => {
    const rows = (bias: number) => ({
      weights: Array.from({ length: 10 }, () => [1]),
      biases: [bias, ...Array.from({ length: 9 }, () => 0)],
    });
    expect(() => handModel([rows(2 ** 24 - 1 - 255)], 1, 1)).not.toThrow();
    expect(() => handModel([rows(2 ** 24 - 255)], 1, 1)).toThrow(
      expect.objectContaining({ code: "model-range-exceeded" }),
    );
    expect(() => handModel([rows(-(2 ** 24))], 1, 1)).not.toThrow();
    expect(() => handModel([rows(-(2 ** 24) - 1)], 1, 1)).toThrow(
      expect.objectContaining({ code: "model-range-exceeded" }),
    );
  });

  it("refuses shapes and scalings that the formats do not know", () => {
    const good = handModel(
      [
        { weights: [[1]], biases: [0] },
        { weights: [[1]], biases: [0] },
      ],
      1,
      1,
    );
    const [hidden, last] = good.layers as [IntegerModel["layers"][number], IntegerModel["layers"][number]];
    const bad: IntegerModel[] = [
      { ...good, salt: new Uint8Array(31) },
      { ...good, layers: [] },
      { ...good, layers: [hidden] },
      { ...good, layers: [{ ...hidden, multiplier: 0 }, last] },
      { ...good, layers: [{ ...hidden, multiplier: 32_768 }, last] },
      { ...good, layers: [{ ...hidden, shift: 0 }, last] },
      { ...good, layers: [{ ...hidden, shift: 41 }, last] },
      { ...good, layers: [hidden, { ...last, multiplier: 1 }] },
      { ...good, layers: [hidden, { ...last, inputs: 2, weights: Int8Array.of(1, 1) }] },
      { ...good, layers: [hidden, { ...last, weights: Int8Array.of(1, 1) }] },
    ];
    for (const model of bad)
      expect(() => validateIntegerModel(model)).toThrow(
        expect.objectContaining({ code: "invalid-integer-model" }),
      );
  });
});
