import { fastestBls } from "@aios/bls/fastest-bls";
import { dagOrder, type OrderingPolicy } from "@aios/core-honor-node/ordering-policy";
import { orderingPolicyConformance } from "@aios/testkit/ordering-policy-conformance";
import { describe, expect, it } from "vitest";
import type { ChainBug } from "../src/chain/chain-node.js";
import { type ChainSimulationResult, simulateChain } from "../src/chain/chain-simulation.js";
import { lastIdFirst } from "../src/chain/other-order.js";
import { blsKeyring } from "../src/signers.js";

const SCHEDULES = 250;
const CHUNK = 125;
const MANY_MS = 600_000;

const sound = new Map<number, ChainSimulationResult>();

/** Of a schedule as it is, which a seed decides: simulated once, whoever looks at it. */
function resultOf(seed: number): ChainSimulationResult {
  const result = sound.get(seed) ?? simulateChain({ seed });
  sound.set(seed, result);
  return result;
}

function failures(first: number, count: number): string[] {
  const found: string[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const { violation } = resultOf(seed);
    if (violation !== undefined) found.push(`seed ${seed}: ${violation}`);
  }
  return found;
}

/** What the first schedules say of a bug, up to the first that says what it is. */
function symptomsOf(bug: ChainBug, symptom: RegExp): string[] {
  const found: string[] = [];
  for (let seed = 0; seed < 40; seed++) {
    const { violation } = simulateChain({ seed, bug });
    if (violation !== undefined) found.push(`seed ${seed}: ${violation}`);
    if (symptom.test(violation ?? "")) break;
  }
  return found;
}

describe("whole nodes: block DAG, transactions and hand-overs under attack", () => {
  for (let first = 0; first < SCHEDULES; first += CHUNK)
    it(`hold in schedules ${first} to ${first + CHUNK - 1}`, { timeout: MANY_MS }, () => {
      expect(failures(first, CHUNK)).toEqual([]);
    });

  it("really meet what they have to withstand", { timeout: MANY_MS }, () => {
    const results = Array.from({ length: 40 }, (_, seed) => resultOf(seed));
    const many = (has: (result: (typeof results)[number]) => boolean): number => results.filter(has).length;
    expect(many(({ byzantine }) => byzantine > 0)).toBeGreaterThan(10);
    expect(many(({ evidence }) => evidence > 0)).toBeGreaterThan(10);
    expect(many(({ crashes }) => crashes > 0)).toBeGreaterThan(10);
    expect(many(({ prunings }) => prunings > 4)).toBeGreaterThan(5);
    expect(many(({ snapshots }) => snapshots > 0)).toBeGreaterThan(8);
    expect(many(({ handOvers }) => handOvers > 0)).toBeGreaterThan(25);
    expect(many(({ handOvers }) => handOvers > 1)).toBeGreaterThan(4);
    expect(many(({ executed }) => executed > 5)).toBeGreaterThan(30);
    expect(new Set(results.map(({ seats }) => seats))).toEqual(new Set([4, 6, 9]));
  });

  it("settle what a node without a seat accepted and a block that nobody merged took away", () => {
    for (const seed of [2262, 2702]) expect(failures(seed, 1)).toEqual([]);
  });

  it("order what is too much for one EVM block already in the first block after the decided tip", () => {
    expect(failures(1905, 1)).toEqual([]);
  });

  it("replay a seed exactly", () => {
    for (const seed of [3, 17]) expect(simulateChain({ seed })).toEqual(simulateChain({ seed }));
  });

  it("hold with real BLS signatures", { timeout: MANY_MS }, async () => {
    const { signatures } = await fastestBls();
    const result = simulateChain({ seed: 5, keyring: blsKeyring(signatures) });
    expect(result).toMatchObject({ violation: undefined, byzantine: 0 });
    expect(result.heights).toBeGreaterThanOrEqual(3);
  });
});

describe("a deliberate bug around whole nodes is caught", () => {
  const SYMPTOMS: Record<ChainBug, RegExp> = {
    "forget-log": /contradicts itself|could be slashed/,
    "skip-lock": /breaks its lock|differs/,
    "forget-on-restore": /contradicts itself|could be slashed/,
  };
  for (const [bug, symptom] of Object.entries(SYMPTOMS))
    it(bug, { timeout: MANY_MS }, () => {
      expect(symptomsOf(bug as ChainBug, symptom).join("\n")).toMatch(symptom);
    });
});

orderingPolicyConformance("lastIdFirst", lastIdFirst);

describe("the order of a checkpoint is the policy's", () => {
  const simulated = (seed: number, orderingOf: (index: number) => OrderingPolicy) =>
    simulateChain({ seed, orderingOf });
  const isSorted = (ids: readonly string[]): boolean =>
    ids.every((id, index) => index === 0 || id < (ids[index - 1] as string));

  it("agreed among all nodes, whichever it is, through all that they have to withstand", {
    timeout: MANY_MS,
  }, () => {
    const results = Array.from({ length: 40 }, (_, seed) => simulated(seed, () => lastIdFirst));
    expect(results.flatMap(({ violation }) => violation ?? [])).toEqual([]);
    const orders = results.flatMap((result) => result.orders);
    expect(orders.filter((ids) => ids.length > 1).length).toBeGreaterThan(40);
    expect(orders.every(isSorted)).toBe(true);
  });

  it("another one by the policy of production", () => {
    const results = Array.from({ length: 20 }, (_, seed) => resultOf(seed));
    expect(results.flatMap(({ orders }) => orders).every(isSorted)).toBe(false);
  });

  it("and not a matter of choice: a node with one of its own is found out", { timeout: MANY_MS }, () => {
    const alone = (index: number): OrderingPolicy => (index === 0 ? lastIdFirst : dagOrder);
    const found = Array.from({ length: 20 }, (_, seed) => simulated(seed, alone).violation ?? "");
    expect(found.join("\n")).toMatch(/order of \d+ differs/);
  });
});
