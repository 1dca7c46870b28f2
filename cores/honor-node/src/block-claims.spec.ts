import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockClaims } from "./block-claims.js";
import { BlockDag, GENESIS_BLOCK } from "./block-dag.js";
import { blockId, type DagBlock } from "./dag-block.js";

const parameters = { k: 18, maxParents: 16, maxMergeset: 200, mergeDepth: 1_000, pruningDepth: 2_000 };
const newDag = (): BlockDag =>
  new BlockDag(parameters, () => undefined, { maxBlocks: 10, maxBytes: 1_000_000 });
const block = (tick: number, variant = 0, parents: string[] = [GENESIS_BLOCK]): DagBlock => ({
  setNumber: 0,
  seat: 1,
  tick,
  parents,
  transactions: [
    { id: `t-${variant}`, sender: "0xaa", nonce: 0, gasLimit: 21_000, payload: new Uint8Array(0) },
  ],
  signature: "ab".repeat(96),
});

describe("claims on ticks", () => {
  it("prove a second block of a maker and tick, once, however often the blocks come", () => {
    const claims = new BlockClaims("test", newDag());
    const [first, second] = [block(5), block(5, 1)];
    expect(claims.note(first)).toBeUndefined();
    expect(claims.note(first)).toBeUndefined();
    expect(claims.isExhausted(second)).toBe(false);
    expect(claims.note(second)).toMatchObject({
      first: { tick: 5, blockId: blockId(first) },
      second: { tick: 5, blockId: blockId(second) },
    });
    expect(claims.note(second)).toBeUndefined();
    expect(claims.isExhausted(block(5, 2))).toBe(true);
  });

  it("are gone once their tick is decided, and what the DAG holds still convicts", () => {
    const dag = newDag();
    const claims = new BlockClaims("test", dag);
    const first = block(5);
    dag.insert(first);
    for (const tick of [5, 6, 7]) claims.note(block(tick));
    claims.decided(6);
    expect(claims.size).toBe(1);
    const second = block(5, 1);
    expect(claims.note(second)).toMatchObject({ first: { blockId: blockId(first) } });
    dag.insert(second);
    expect(claims.isExhausted(block(5, 2))).toBe(true);
    expect(claims.size).toBe(1);
  });

  it("are bounded, whatever one maker signs", () => {
    const claims = new BlockClaims("test", newDag());
    for (let tick = 1; tick <= 20_000; tick++) claims.note(block(tick, 0, [`lost-${tick}`]));
    expect(claims.size).toBe(16_384);
  });

  it("are those above the decided tick", () => {
    const ticks = fc.array(fc.nat({ max: 20 }), { maxLength: 40 });
    fc.assert(
      fc.property(ticks, fc.nat({ max: 20 }), (noted, decided) => {
        const claims = new BlockClaims("test", newDag());
        for (const tick of noted.toSorted((a, b) => a - b)) claims.note(block(tick));
        claims.decided(decided);
        expect(claims.size).toBe(new Set(noted.filter((tick) => tick > decided)).size);
        for (const tick of noted) claims.note(block(tick));
        expect(claims.size).toBe(new Set(noted.filter((tick) => tick > decided)).size);
      }),
    );
  });
});
