import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { splitDigits } from "./digit-split.js";
import { digitAsText } from "./digit-text.js";
import { loadDigits } from "./digits.js";
import { DIGIT_CLASSES, DIGIT_PIXELS, digitAt, type LabelledDigits } from "./labelled-digits.js";
import { shiftDigit } from "./shift.js";

const keyOf = (pixels: Uint8Array): string => createHash("sha256").update(pixels).digest("hex");
const keysOf = (digits: LabelledDigits): string[] =>
  Array.from({ length: digits.count }, (_, index) => keyOf(digitAt(digits, index)));

let digits: LabelledDigits;
beforeAll(async () => {
  digits = await loadDigits();
});

describe("digits", () => {
  it("are the package's own, as bytes", () => {
    const raw = createRequire(import.meta.url)("mnist/src/digits/7.json") as { data: number[] };
    const first = digits.labels.indexOf(7);
    expect(digits.labels.lastIndexOf(7) - first + 1).toBe(raw.data.length / DIGIT_PIXELS);
    expect(Array.from(digitAt(digits, first + 3))).toEqual(
      raw.data.slice(3 * DIGIT_PIXELS, 4 * DIGIT_PIXELS).map((value) => Math.round(value * 255)),
    );
  });

  it("number ten thousand, all different, every class present", () => {
    expect(digits.count).toBe(10_000);
    expect(new Set(keysOf(digits)).size).toBe(10_000);
    expect(new Set(digits.labels).size).toBe(DIGIT_CLASSES);
  });
});

describe("split", () => {
  it("gives at least 7,000 to train on and 2,000 never seen, without overlap, balanced", () => {
    const { train, unseen } = splitDigits(digits, { seed: 1, testPerClass: 200, trainPerClass: 800 });
    expect(train.count).toBeGreaterThanOrEqual(7_000);
    expect(unseen.count).toBe(2_000);
    const trained = new Set(keysOf(train));
    expect(keysOf(unseen).filter((key) => trained.has(key))).toEqual([]);
    for (let digit = 0; digit < DIGIT_CLASSES; digit++) {
      expect(unseen.labels.filter((label) => label === digit)).toHaveLength(200);
    }
  });

  it("keeps each image with its label, depends on the seed alone", () => {
    const options = { testPerClass: 50, trainPerClass: 100 };
    const truth = new Map(keysOf(digits).map((key, index) => [key, digits.labels[index]]));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => {
        const { train, unseen } = splitDigits(digits, { seed, ...options });
        for (const set of [train, unseen]) {
          for (const [index, key] of keysOf(set).entries()) expect(set.labels[index]).toBe(truth.get(key));
        }
        expect(splitDigits(digits, { seed, ...options }).train.pixels).toEqual(train.pixels);
        expect(splitDigits(digits, { seed: seed ^ 1, ...options }).train.pixels).not.toEqual(train.pixels);
      }),
      { numRuns: 3 },
    );
  });

  it("refuses to ask for more than there is", () => {
    expect(() => splitDigits(digits, { seed: 1, testPerClass: 1_000, trainPerClass: 1 })).toThrow(
      expect.objectContaining({ code: "split-too-large" }),
    );
    expect(() => splitDigits(digits, { seed: 1, testPerClass: 10, trainPerClass: 0 })).toThrow(
      /at least one/,
    );
  });
});

describe("shift", () => {
  it("moves pixels and fills with paper", () => {
    const step = fc.integer({ min: -2, max: 2 });
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: DIGIT_PIXELS, maxLength: DIGIT_PIXELS }),
        step,
        step,
        (source, right, down) => {
          const target = new Uint8Array(DIGIT_PIXELS).fill(9);
          shiftDigit(source, target, right, down);
          for (let row = 0; row < 28; row++) {
            for (let column = 0; column < 28; column++) {
              const fromRow = row - down;
              const fromColumn = column - right;
              const inside = fromRow >= 0 && fromRow < 28 && fromColumn >= 0 && fromColumn < 28;
              expect(target[row * 28 + column]).toBe(inside ? source[fromRow * 28 + fromColumn] : 0);
            }
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe("text", () => {
  it("draws 14 lines with ink", () => {
    const text = digitAsText(digitAt(digits, 0));
    expect(text.split("\n")).toHaveLength(14);
    expect(text).toMatch(/[▀▄█]/);
    expect(digitAsText(new Uint8Array(DIGIT_PIXELS)).trim()).toBe("");
  });
});
