import type { CodedError } from "@aios/kernel/coded-error";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LiteralGhostdag } from "../test/literal-ghostdag.js";
import { type DagBlock, dags, randomDag } from "../test/random-dags.js";
import { type BlockColouring, Ghostdag, type GhostdagBlock } from "./ghostdag.js";
import type { GhostdagParameters } from "./ghostdag-parameters.js";

const unlimited: GhostdagParameters = {
  k: 3,
  maxParents: 1_000,
  maxMergeset: 100_000,
  mergeDepth: 1_000_000,
  pruningDepth: 2_000_000,
};

function build(blocks: readonly DagBlock[], parameters: GhostdagParameters = unlimited): Ghostdag {
  const dag = new Ghostdag(parameters, "g");
  for (const { id, parents } of blocks.slice(1)) dag.insert(id, parents);
  return dag;
}

function buildLiteral(blocks: readonly DagBlock[], k: number): LiteralGhostdag {
  const dag = new LiteralGhostdag(k, "g");
  for (const { id, parents } of blocks.slice(1)) dag.insert(id, parents);
  return dag;
}

describe("GHOSTDAG", () => {
  it("colours, scores and orders as the paper's algorithm does, on any DAG and any k", () => {
    fc.assert(
      fc.property(dags, fc.integer({ min: 0, max: 6 }), (blocks, k) => {
        const dag = build(blocks, { ...unlimited, k });
        const literal = buildLiteral(blocks, k);
        for (const { id } of blocks.slice(1)) {
          expect(dag.block(id)).toMatchObject({
            selectedParent: literal.selectedParent.get(id),
            blueScore: literal.blueScore(id),
            mergesetBlues: literal.blues.get(id),
            mergesetReds: literal.reds.get(id),
          });
        }
        const tip = dag.tips[0] as string;
        expect(dag.orderSince("g", tip, 1_000)).toEqual(literal.order(tip).slice(1));
      }),
      { numRuns: 300 },
    );
  });

  it("knows the ancestry of every pair", () => {
    fc.assert(
      fc.property(dags, (blocks) => {
        const dag = build(blocks);
        const literal = buildLiteral(blocks, unlimited.k);
        for (const a of blocks)
          for (const b of blocks) expect(dag.isAncestor(a.id, b.id)).toBe(literal.isAncestor(a.id, b.id));
      }),
      { numRuns: 100 },
    );
  });

  it("continues the order: what a later tip adds comes after, each block once, ancestors first", () => {
    fc.assert(
      fc.property(dags, fc.nat(), (blocks, pick) => {
        const dag = build(blocks);
        const since = (blocks[pick % blocks.length] as DagBlock).id;
        const tip = dag.tips.find((id) => dag.isAncestor(since, id)) as string;
        const order = dag.orderSince(since, tip, 1_000);
        const expected = blocks.filter(({ id }) => dag.isAncestor(id, tip) && !dag.isAncestor(id, since));
        expect([...order].sort()).toEqual(expected.map(({ id }) => id).sort());
        order.forEach((id, at) => {
          for (const later of order.slice(at + 1)) expect(dag.isAncestor(later, id)).toBe(false);
        });
      }),
    );
  });

  it("previews a block without keeping it", () => {
    const blocks = randomDag(7, 30, 4);
    const dag = build(blocks);
    const preview = dag.preview(dag.tips);
    const tips = dag.tips;
    expect(dag.size).toBe(31);
    expect(dag.insert("new", tips)).toEqual({ ...preview, id: "new" });
    expect(dag.tips).toEqual(["new"]);
  });

  it("judges new blocks after pruning exactly as before it", () => {
    const gone = ["unknown-block", "below-pruning-point"];
    let forgotten = 0;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 0, max: 6 }), (seed, lag) => {
        const parameters = { ...unlimited, mergeDepth: 20, pruningDepth: 30 };
        const whole = new Ghostdag(parameters, "g");
        const pruned = new Ghostdag(parameters, "g");
        for (const { id, parents } of randomDag(seed, 200, lag).slice(1)) {
          const kept = outcome(() => pruned.insert(id, parents));
          if (gone.includes(kept.code)) continue;
          const { parents: _, ...expected } = outcome(() => whole.insert(id, parents));
          expect(kept).toMatchObject(expected);
          forgotten += pruned.pruneTo(pruned.pruningPoint(pruned.tips[0] as string)).length;
        }
      }),
      { numRuns: 50 },
    );
    expect(forgotten).toBeGreaterThan(0);
  });

  it("judges new blocks as before when what is left after pruning is taken back in", () => {
    const parameters = { ...unlimited, mergeDepth: 20, pruningDepth: 30 };
    let resumed = 0;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 0, max: 6 }), (seed, lag) => {
        const pruned = new Ghostdag(parameters, "g");
        const rows = new Map<string, { parents: readonly string[]; colouring: BlockColouring }>();
        let copy = new Ghostdag(parameters, "g");
        for (const [at, { id, parents }] of randomDag(seed, 200, lag).slice(1).entries()) {
          const expected = outcome(() => pruned.insert(id, parents));
          expect(outcome(() => copy.insert(id, parents))).toEqual(expected);
          if (expected.code !== "accepted") continue;
          rows.set(id, { parents, colouring: pruned.colouring(id) });
          for (const gone of pruned.pruneTo(pruned.pruningPoint(pruned.tips[0] as string))) rows.delete(gone);
          copy.pruneTo(pruned.root);
          if (at % 3 !== 0 || pruned.root === "g") continue;
          resumed += 1;
          copy = Ghostdag.resumed(parameters, pruned.root);
          for (const [one, row] of rows) copy.restore(one, row.parents, row.colouring);
          expect([copy.root, copy.tips, copy.size]).toEqual([pruned.root, pruned.tips, pruned.size]);
          for (const one of rows.keys())
            for (const other of rows.keys())
              expect(copy.isAncestor(one, other)).toBe(pruned.isAncestor(one, other));
        }
      }),
      { numRuns: 30 },
    );
    expect(resumed).toBeGreaterThan(0);
  });

  it("forgets what does not descend from the pruning point and takes up its numbers again", () => {
    const dag = new Ghostdag({ ...unlimited, mergeDepth: 5, pruningDepth: 10 }, "g");
    let tip = "g";
    dag.insert("stale", ["g"]);
    for (let i = 0; i < 100; i++) {
      const id = `c${i}`;
      dag.insert(id, [tip]);
      tip = id;
      dag.pruneTo(dag.pruningPoint(tip));
    }
    expect(dag.size).toBe(11);
    expect(dag.root).toBe("c89");
    expect(dag.block("c89")).toMatchObject({ parents: [], selectedParent: undefined, blueScore: 90 });
    expect(dag.has("stale")).toBe(false);
    expect(dag.tips).toEqual(["c99"]);
    expect(dag.orderSince("c89", "c99", 20)).toHaveLength(10);
  });

  it("refuses what would cost too much or cannot be judged, and stays as it was", () => {
    const dag = new Ghostdag({ k: 3, maxParents: 3, maxMergeset: 4, mergeDepth: 6, pruningDepth: 12 }, "g");
    for (const id of ["a", "b", "c", "d", "e"]) dag.insert(id, ["g"]);
    expect(() => dag.insert("x", [])).toThrow(expect.objectContaining({ code: "no-parents" }));
    expect(() => dag.insert("a", ["g"])).toThrow(expect.objectContaining({ code: "duplicate-block" }));
    expect(() => dag.insert("x", ["nowhere"])).toThrow(
      expect.objectContaining({ code: "unknown-block", field: "parents", details: { id: "nowhere" } }),
    );
    expect(() => dag.insert("x", ["a", "b", "c", "d"])).toThrow(
      expect.objectContaining({ code: "too-many-parents" }),
    );
    dag.insert("abc", ["a", "b", "c"]);
    for (let i = 0; i < 5; i++) dag.insert(`t${i}`, [i === 0 ? "abc" : `t${i - 1}`]);
    dag.insert("f", ["g"]);
    const before = dag.tips;
    expect(() => dag.insert("y", ["t4", "f"])).toThrow(expect.objectContaining({ code: "merge-too-deep" }));
    for (const [id, parent] of [
      ["s1", "t4"],
      ["s2", "s1"],
      ["s3", "s2"],
      ["u1", "t4"],
      ["u2", "u1"],
      ["v1", "t4"],
      ["v2", "v1"],
    ] as const)
      dag.insert(id, [parent]);
    expect(() => dag.insert("y", ["s3", "u2", "v2"])).toThrow(
      expect.objectContaining({ code: "mergeset-too-large", details: { limit: 4 } }),
    );
    expect(before).toContain("f");
    expect(dag.has("y")).toBe(false);
    expect(() => dag.orderSince("f", "s3", 10)).toThrow(
      expect.objectContaining({ code: "not-a-descendant" }),
    );
    expect(() => dag.orderSince("g", "s3", 3)).toThrow(expect.objectContaining({ code: "order-too-long" }));
    dag.pruneTo("t4");
    expect(() => dag.insert("y", ["s3"])).toThrow(expect.objectContaining({ code: "below-pruning-point" }));
    expect(() => dag.insert("y", ["f"])).toThrow(expect.objectContaining({ code: "unknown-block" }));
  });

  it("refuses limits that make no sense", () => {
    for (const [field, value] of [
      ["k", -1],
      ["maxParents", 0],
      ["maxMergeset", 0.5],
      ["mergeDepth", 0],
      ["pruningDepth", 1_000_000],
    ] as const)
      expect(() => new Ghostdag({ ...unlimited, [field]: value }, "g")).toThrow(
        expect.objectContaining({ code: "invalid-ghostdag-parameters", field }),
      );
  });
});

function outcome(insert: () => GhostdagBlock): Partial<GhostdagBlock> & { code: string } {
  try {
    return { ...insert(), code: "accepted" };
  } catch (error) {
    return { code: (error as CodedError).code };
  }
}
