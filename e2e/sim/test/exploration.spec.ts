import { describe, expect, it } from "vitest";
import { type ExplorationOptions, explore } from "../src/exploration/explore.js";
import type { DeliberateBug } from "../src/simulated-node.js";

const LIMIT_MS = 300_000;
/** Node r leads round r. */
const HEIGHT = 4;
const bounded = (options: Partial<ExplorationOptions>): ExplorationOptions => ({
  height: HEIGHT,
  byzantine: 0,
  lastRound: 0,
  maxDepth: 100,
  maxStates: 20_000,
  maxCrashes: 0,
  ...options,
});

describe("every behaviour of four nodes, one of them Byzantine", () => {
  for (const [leader, byzantine] of [
    ["a Byzantine leader", 0],
    ["an honest leader", 1],
  ] as const)
    it(`is safe in one round under ${leader}, whichever node crashes when`, { timeout: LIMIT_MS }, () => {
      const found = explore(bounded({ byzantine, maxCrashes: 1 }));
      expect(found).toMatchObject({ violation: undefined, isComplete: true });
      console.log(`explored ${found.states} states, all there are`);
      expect(found.states).toBeGreaterThan(800);
      expect(found.decided).toBeGreaterThan(300);
    });

  for (const byzantine of [0, 1, 2])
    it(`is safe over two rounds as far as 20,000 states go, node ${byzantine} lying`, {
      timeout: LIMIT_MS,
    }, () => {
      const found = explore(bounded({ byzantine, lastRound: 1 }));
      expect(found.violation).toBeUndefined();
      console.log(`explored ${found.states} states, all of depth ${found.depth}`);
      expect(found.depth).toBeGreaterThanOrEqual(6);
      expect(found.decided).toBeGreaterThan(1_000);
    });

  const SYMPTOMS: Record<DeliberateBug, [ExplorationOptions, RegExp]> = {
    "skip-lock": [bounded({ byzantine: 1, lastRound: 1 }), /breaks its lock/],
    "forget-log": [bounded({ maxCrashes: 1 }), /contradicts itself/],
    "quorum-off-by-one": [bounded({}), /two checkpoints/],
  };
  for (const [bug, [options, symptom]] of Object.entries(SYMPTOMS))
    it(`shows the deliberate bug ${bug}`, { timeout: LIMIT_MS }, () => {
      expect(explore({ ...options, bug: bug as DeliberateBug }).violation).toMatch(symptom);
    });
});
