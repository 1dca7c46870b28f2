import { SeededRng } from "@aios/kernel/random";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attemptOf, describeCapability, errorOfAttempt } from "./capability.js";
import { chanceOfAtLeast, provenAccuracy } from "./confidence.js";
import { drawnIndex } from "./draw.js";
import { commitTestSet, isInTestSet, type Sample } from "./test-set.js";

const rng = new SeededRng(7);
const sample = (label = 1): Sample => ({ input: rng.bytes(4), salt: rng.bytes(32), label });

describe("a committed test set", () => {
  it("proves each sample at its place, and nothing else there", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (size) => {
        const set = commitTestSet(Array.from({ length: size }, (_, index) => sample(index % 31)));
        for (let index = 0; index < size; index++) {
          const [committed, path] = [set.committed(index), set.pathOf(index)];
          expect(isInTestSet(set.root, committed, path)).toBe(true);
          for (const change of [
            { label: (committed.label + 1) % 31 },
            { index: index + 1 },
            { inputCommitment: committed.inputCommitment + 1n },
          ])
            expect(isInTestSet(set.root, { ...committed, ...change }, path)).toBe(false);
          expect(isInTestSet(set.root, committed, [...path, set.root])).toBe(false);
        }
      }),
      { numRuns: 8 },
    );
  });

  it("hides equal inputs: their salts differ", () => {
    const input = Uint8Array.of(1, 2, 3);
    const twice = [0, 0].map((label) => ({ input, salt: rng.bytes(32), label }));
    const set = commitTestSet(twice);
    expect(set.committed(0).inputCommitment).not.toBe(set.committed(1).inputCommitment);
  });

  it("refuses no samples, labels out of range and places that do not exist", () => {
    const invalid = expect.objectContaining({ code: "invalid-test-set" });
    expect(() => commitTestSet([])).toThrow(invalid);
    for (const label of [-1, 31, 1.5, Number.NaN])
      expect(() => commitTestSet([sample(label)])).toThrow(invalid);
    const absent = expect.objectContaining({ code: "sample-not-in-test-set" });
    expect(() => commitTestSet([sample()]).pathOf(1)).toThrow(absent);
  });
});

describe("the draw", () => {
  it("reaches every sample about equally often", () => {
    const counts = new Array<number>(10).fill(0);
    const seed = `0x${"5a".repeat(32)}`;
    for (let position = 0; position < 5_000; position++) {
      const index = drawnIndex(seed, position, 10);
      counts[index] = (counts[index] as number) + 1;
    }
    // 500 expected of each with a deviation of 21.
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(110);
  });
});

describe("confidence", () => {
  it("is the binomial tail", () => {
    expect(chanceOfAtLeast(2, 2, 0.5)).toBeCloseTo(0.25, 12);
    expect(chanceOfAtLeast(1, 2, 0.5)).toBeCloseTo(0.75, 12);
    expect(chanceOfAtLeast(0, 5, 0.1)).toBe(1);
    expect(chanceOfAtLeast(60, 60, 0.95)).toBeCloseTo(0.95 ** 60, 12);
  });

  it("gives the textbook's one-sided bounds", () => {
    // All of n right: error^(1/n).
    expect(provenAccuracy(60, 60, 0.05)).toBe(Math.floor(0.05 ** (1 / 60) * 10_000) / 10_000);
    expect(provenAccuracy(0, 60, 0.05)).toBe(0);
  });

  it("never speaks for an accuracy at which the result would be likelier than the error allows", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 256 }).chain((drawn) => fc.tuple(fc.nat(drawn), fc.constant(drawn))),
        fc.double({ min: 1e-9, max: 0.5, noNaN: true }),
        ([correct, drawn], error) => {
          const accuracy = provenAccuracy(correct, drawn, error);
          expect(chanceOfAtLeast(correct, drawn, accuracy)).toBeLessThanOrEqual(
            correct === 0 ? 1 : error * (1 + 1e-9),
          );
          if (correct < drawn)
            expect(provenAccuracy(correct + 1, drawn, error)).toBeGreaterThanOrEqual(accuracy);
        },
      ),
    );
  });
});

describe("a claim in words", () => {
  const claim = {
    claimId: 3n,
    owner: "0xowner",
    blockNumber: 100,
    testSetSize: 500,
    modelId: 1n,
    drawId: 2n,
    drawCount: 60,
    minimumCorrect: 58,
    answered: 60,
    correct: 60,
    classes: 10,
    verifier: "0xverifier",
    publisher: "0xowner",
    testSetRoot: "0xroot",
    seed: "0xseed",
    answeredBits: (1n << 60n) - 1n,
  };
  const key = { system: "groth16", ceremony: true } as const;
  const facts = { drawer: "0xdrawer", attempt: 1, head: 110, key };

  it("says what was shown, and for what accuracy it speaks", () => {
    const { state, accuracyAtLeast, says, trusted } = describeCapability(claim, facts);
    expect(state).toBe("proven");
    expect(accuracyAtLeast).toBe(provenAccuracy(60, 60, 0.025));
    expect(says[0]).toContain("60 of 60 samples");
    expect(says[1]).toContain("below 94.03%, so many would be right with a chance of 2.5% at most");
    expect(trusted[0]).toContain("the model's owner itself");
    expect(trusted[2]).toContain("all of them together");
  });

  it("says who can forge from the claim's own proof system, not from another's", () => {
    const trustOf = (other: Parameters<typeof describeCapability>[1]["key"]) =>
      describeCapability(claim, { ...facts, key: other }).trusted[2];
    expect(trustOf({ system: "groth16", ceremony: false })).toContain("Groth16 key: it can forge");
    const honk = trustOf({ system: "ultrahonk", trust: "forgeable by anybody" });
    expect(honk).toContain("reference string: forgeable by anybody");
    expect(honk).not.toContain("ceremony");
  });

  it("gives all attempts of a model together an error of 5%, however many there are", () => {
    let sum = 0;
    for (let attempt = 1; attempt <= 100_000; attempt++) sum += errorOfAttempt(attempt);
    expect(sum).toBeLessThan(0.05);
    expect(sum).toBeGreaterThan(0.0499);
    const tenth = describeCapability(claim, { ...facts, attempt: 10 });
    expect(tenth.accuracyAtLeast).toBe(provenAccuracy(60, 60, 0.05 / 110));
    expect(tenth.says[1]).toContain("attempt 10");
  });

  it("counts every claim about the model as an attempt, those that were not read too", () => {
    expect([0, 1, 2].map((index) => attemptOf(index, 4))).toEqual([5, 6, 7]);
  });

  it("counts what is not answered as wrong, and tells waiting from given up", () => {
    const open = { ...claim, answered: 40, correct: 40 };
    expect(describeCapability(open, facts)).toMatchObject({
      state: "open",
      accuracyAtLeast: provenAccuracy(40, 60, 0.025),
    });
    expect(describeCapability({ ...claim, correct: 57 }, facts).state).toBe("not-reached");
    const undrawn = { ...claim, seed: undefined, answered: 0, correct: 0 };
    expect(describeCapability(undrawn, facts).state).toBe("waiting-for-draw");
    expect(describeCapability(undrawn, { ...facts, head: 357 }).state).toBe("given-up");
  });
});
