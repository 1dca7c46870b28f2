import { describe, expect, it } from "vitest";
import { simulate } from "../src/finality-simulation.js";
import type { DeliberateBug } from "../src/simulated-node.js";

const SCHEDULES = 1_750;
const CHUNK = 350;
const MANY_MS = 300_000;

function failures(first: number, count: number): string[] {
  const found: string[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const { violation } = simulate({ seed });
    if (violation !== undefined) found.push(`seed ${seed}: ${violation}`);
  }
  return found;
}

/** What the first schedules say of a bug, up to the first that says what it is. */
function symptomsOf(bug: DeliberateBug, symptom: RegExp): string[] {
  const found: string[] = [];
  for (let seed = 0; seed < 150; seed++) {
    const { violation } = simulate({ seed, bug });
    if (violation !== undefined) found.push(`seed ${seed}: ${violation}`);
    if (symptom.test(violation ?? "")) break;
  }
  return found;
}

describe("finality under crashes, partitions, loss and Byzantine nodes", () => {
  for (let first = 0; first < SCHEDULES; first += CHUNK)
    it(`holds in schedules ${first} to ${first + CHUNK - 1}`, { timeout: MANY_MS }, () => {
      expect(failures(first, CHUNK)).toEqual([]);
    });

  it("really has faults in its schedules", () => {
    const results = Array.from({ length: 60 }, (_, seed) => simulate({ seed }));
    const share = (has: (result: (typeof results)[number]) => boolean): number => results.filter(has).length;
    expect(share(({ byzantine }) => byzantine > 0)).toBeGreaterThan(15);
    expect(share(({ crashes }) => crashes > 0)).toBeGreaterThan(15);
    expect(share(({ highestRound }) => highestRound > 1)).toBeGreaterThan(15);
    expect(new Set(results.map(({ nodes }) => nodes))).toEqual(new Set([4, 6, 7]));
  });

  it("replays a seed exactly", () => {
    for (const seed of [1, 58, 147]) expect(simulate({ seed })).toEqual(simulate({ seed }));
  });

  it("holds with real BLS signatures", { timeout: MANY_MS }, () => {
    expect(simulate({ seed: 3, bls: true })).toMatchObject({ violation: undefined });
  });
});

describe("a deliberate bug in the wiring is caught", () => {
  const SYMPTOMS: Record<DeliberateBug, RegExp> = {
    "skip-lock": /breaks its lock|two checkpoints/,
    "forget-log": /contradicts itself|breaks its lock|two checkpoints|slashed/,
    "quorum-off-by-one": /two checkpoints|breaks its lock/,
  };
  for (const [bug, symptom] of Object.entries(SYMPTOMS))
    it(bug, { timeout: MANY_MS }, () => {
      expect(symptomsOf(bug as DeliberateBug, symptom).join("\n")).toMatch(symptom);
    });
});
