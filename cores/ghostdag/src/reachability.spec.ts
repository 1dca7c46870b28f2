import { SeededRng } from "@aios/kernel/random";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OrderList } from "./order-list.js";
import { Reachability, reindexingBound } from "./reachability.js";

const SHAPES: Record<string, (rng: SeededRng, inserted: number) => number> = {
  "a chain": (_rng, inserted) => inserted - 1,
  "a star": () => 0,
  "a caterpillar": (_rng, inserted) => inserted - 1 - ((inserted - 1) % 2),
  "a random tree": (rng, inserted) => rng.below(inserted),
  "growth at one old block": (_rng, inserted) => (inserted < 100 ? inserted - 1 : 50),
  "branches in turn from the top": (_rng, inserted) => Math.max(0, inserted - 8),
};

describe("the interval tree", () => {
  for (const [shape, parentOf] of Object.entries(SHAPES))
    it(`moves a bounded number of interval ends when the tree is ${shape}`, () => {
      const rng = new SeededRng(11);
      const tree = new Reachability();
      tree.insertRoot();
      for (let i = 1; i <= 30_000; i++) tree.insert(parentOf(rng, i), []);
      const { insertions, relabels, blocks } = tree.reindexingCost;
      expect(blocks).toBe(30_001);
      expect(relabels).toBeGreaterThan(0);
      expect(relabels).toBeLessThanOrEqual(reindexingBound(insertions));
    });

  it("answers chain questions", () => {
    const tree = new Reachability();
    const root = tree.insertRoot();
    const a = tree.insert(root, []);
    const b = tree.insert(root, []);
    const c = tree.insert(a, []);
    const d = tree.insert(c, [b]);
    expect(tree.isChainAncestor(a, d)).toBe(true);
    expect(tree.isChainAncestor(b, d)).toBe(false);
    expect(tree.isAncestor(b, d)).toBe(true);
    expect(tree.isAncestor(b, c)).toBe(false);
    expect(tree.nextOnChain(root, d)).toBe(a);
    expect(tree.nextOnChain(b, d)).toBeUndefined();
    expect(tree.nextOnChain(d, d)).toBeUndefined();
    expect(tree.children(root)).toEqual([a, b]);
  });
});

describe("the order list", () => {
  it("keeps the order of a plain array under insertions and removals", () => {
    const step = fc.record({ at: fc.nat(), remove: fc.boolean(), times: fc.integer({ min: 1, max: 90 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const list = new OrderList();
        const plain = [0];
        list.insertFirst(0);
        let fresh = 1;
        for (const { at, remove, times } of steps) {
          const index = at % plain.length;
          if (remove && plain.length > 1) list.remove(plain.splice(index, 1)[0] as number);
          else
            for (let i = 0; i < times; i++) {
              list.insertAfter(plain[index] as number, fresh);
              plain.splice(index + 1, 0, fresh++);
            }
        }
        expect(list.size).toBe(plain.length);
        for (let i = 1; i < plain.length; i++)
          expect(list.compare(plain[i - 1] as number, plain[i] as number)).toBeLessThan(0);
      }),
    );
  });

  it("refuses a second first item and a place before the first", () => {
    const list = new OrderList();
    list.insertFirst(0);
    expect(() => list.insertFirst(1)).toThrow(expect.objectContaining({ code: "order-list-misused" }));
    expect(() => list.insertBefore(0, 1)).toThrow(expect.objectContaining({ code: "order-list-misused" }));
  });
});
