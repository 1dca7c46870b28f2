import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockDag, GENESIS_BLOCK } from "./block-dag.js";
import { NO_HISTORY } from "./chain-history.js";
import { blockId, type DagBlock } from "./dag-block.js";
import { TransactionPool } from "./transaction-pool.js";

const parameters = { k: 18, maxParents: 16, maxMergeset: 200, mergeDepth: 1_000, pruningDepth: 2_000 };
const newDag = (maxBlocks = 100, maxBytes = 1_000_000): BlockDag =>
  new BlockDag(parameters, () => undefined, { maxBlocks, maxBytes });

/** Blocks that each build on some of those before. */
const histories = fc
  .array(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 25 })
  .map((shapes) => {
    const blocks: DagBlock[] = [];
    for (const [tick, backs] of shapes.entries()) {
      const parents = backs.map((back) => {
        const parent = blocks[tick - 1 - back];
        return parent === undefined ? GENESIS_BLOCK : blockId(parent);
      });
      blocks.push({
        setNumber: 0,
        seat: 0,
        tick,
        parents: [...new Set(parents)],
        transactions: [],
        signature: "",
      });
    }
    return blocks;
  });

describe("block DAG", () => {
  it("comes to the same order in whatever order blocks arrive", () => {
    fc.assert(
      fc.property(histories, fc.infiniteStream(fc.nat()), (blocks, random) => {
        const inOrder = newDag();
        for (const block of blocks) expect(inOrder.insert(block).kind).toBe("inserted");
        const shuffled = newDag();
        const rest = [...blocks];
        while (rest.length > 0) {
          const [block] = rest.splice((random.next().value as number) % rest.length, 1);
          shuffled.insert(block as DagBlock);
        }
        expect(shuffled.tips).toEqual(inOrder.tips);
        expect([...shuffled.missing]).toEqual([]);
        for (const tip of inOrder.tips)
          expect(shuffled.idsSince(GENESIS_BLOCK, tip, 100)).toEqual(
            inOrder.idsSince(GENESIS_BLOCK, tip, 100),
          );
      }),
    );
  });

  it("keeps no more blocks waiting than it may", () => {
    const dag = newDag(5);
    for (let tick = 0; tick < 50; tick++)
      dag.insert({ setNumber: 0, seat: 0, tick, parents: [`lost-${tick}`], transactions: [], signature: "" });
    expect([...dag.missing.keys()]).toEqual(["lost-45", "lost-46", "lost-47", "lost-48", "lost-49"]);
  });

  it("forgets of those that wait the ones of the maker of whom most do, and says what each lacks", () => {
    for (const dag of [newDag(5), newDag(100, 5 * 1_200)]) {
      const waits = (seat: number, tick: number, parents: string[]): DagBlock => {
        const block = { setNumber: 0, seat, tick, parents, transactions: [], signature: "" };
        dag.insert(block);
        return block;
      };
      const first = waits(1, 1, ["parent"]);
      const second = waits(1, 2, [blockId(first)]);
      for (let tick = 3; tick < 50; tick++) waits(0, tick, [`lost-${tick}`]);
      expect([...dag.missing.keys()]).toEqual(["parent", "lost-47", "lost-48", "lost-49"]);
      expect(dag.missing.get("parent")).toBe(first);
      expect(dag.missingFor(blockId(second))).toEqual(["parent"]);
      expect(dag.missingFor("parent")).toEqual(["parent"]);
      waits(2, 1, [GENESIS_BLOCK]);
      expect(dag.missingFor(GENESIS_BLOCK)).toEqual([]);
    }
  });

  it("keeps no more bytes waiting than it may, and takes what fits again once they are gone", () => {
    const dag = newDag(100, 100_000);
    const heavy = (tick: number, bytes: number): DagBlock => {
      const payload = new Uint8Array(bytes);
      const transactions = [{ id: `t-${tick}`, sender: "0xaa", nonce: 0, gasLimit: 21_000, payload }];
      return { setNumber: 0, seat: 0, tick, parents: [`lost-${tick}`], transactions, signature: "" };
    };
    for (let tick = 0; tick < 10; tick++) dag.insert(heavy(tick, 40_000));
    expect([...dag.missing.keys()]).toEqual(["lost-8", "lost-9"]);
    dag.insert(heavy(10, 200_000));
    expect([...dag.missing.keys()]).toEqual(["lost-8", "lost-9"]);
    for (let tick = 11; tick < 15; tick++) dag.insert(heavy(tick, 10));
    expect([...dag.missing.keys()]).toEqual(["lost-8", "lost-9", "lost-11", "lost-12", "lost-13", "lost-14"]);
  });
});

describe("transactions in memory", () => {
  const block = (tick: number): DagBlock => {
    const payload = new Uint8Array(10_000);
    const transactions = [{ id: `t-${tick}`, sender: "0xaa", nonce: 0, gasLimit: 21_000, payload }];
    return { setNumber: 0, seat: tick, tick, parents: [GENESIS_BLOCK], transactions, signature: "" };
  };

  it("are let go whether or not they are ordered, the oldest first, as far as they are written", () => {
    const written = new Map<string, DagBlock>();
    const history = {
      ...NO_HISTORY,
      block: (id: string) => written.get(id),
      hasBlock: (id: string) => written.has(id),
    };
    const dag = new BlockDag(parameters, () => undefined, { maxBlocks: 1, maxBytes: 1 }, history);
    const blocks = Array.from({ length: 10 }, (_, tick) => block(tick));
    for (const one of blocks) dag.insert(one);
    const all = dag.heldBytes;
    dag.releaseDownTo(0);
    expect(dag.heldBytes).toBe(all);
    for (const one of blocks.slice(0, 6)) written.set(blockId(one), one);
    dag.releaseDownTo(all / 2);
    expect(dag.heldBytes).toBe(all / 2);
    dag.releaseDownTo(0);
    expect(dag.heldBytes).toBe((all / 10) * 4);
    for (const one of blocks) {
      expect(dag.block(blockId(one))).toEqual(one);
      expect(dag.loadOf(blockId(one))).toEqual({ transactions: 1, gas: 21_000 });
    }
  });
});

describe("transaction pool", () => {
  const transaction = (nonce: number, sender = "0xaa") => ({
    id: `${sender}-${nonce}`,
    sender,
    nonce,
    gasLimit: 21_000,
    payload: new Uint8Array(0),
  });

  it("chooses each sender's transactions by nonce, without those in recent blocks", () => {
    const pool = new TransactionPool(10);
    for (const nonce of [2, 0, 1]) pool.add(transaction(nonce));
    pool.add(transaction(0, "0xbb"));
    pool.sawInBlock("0xaa-0", { block: "b", tick: 5 });
    const chosen = (sinceTick: number) =>
      pool
        .choose(
          (sender) => sender === "0xaa",
          ({ tick }) => tick >= sinceTick,
          { transactions: 2, bytes: 1_000, gas: 1_000_000 },
        )
        .map(({ id }) => id);
    expect(chosen(5)).toEqual(["0xaa-1", "0xaa-2"]);
    expect(chosen(6)).toEqual(["0xaa-0", "0xaa-1"]);
  });

  it("chooses no more gas than a block may use, and nothing that uses more by itself", () => {
    const pool = new TransactionPool(10);
    pool.add({ ...transaction(0, "0xcc"), gasLimit: 60_000 });
    for (const nonce of [0, 1, 2]) pool.add(transaction(nonce));
    const limits = { transactions: 10, bytes: 1_000, gas: 50_000 };
    const chosen = pool.choose(
      () => true,
      () => false,
      limits,
    );
    expect(chosen.map(({ id }) => id)).toEqual(["0xaa-0", "0xaa-1"]);
  });

  it("takes nothing twice, not even after it was ordered, and says when it is full", () => {
    const pool = new TransactionPool(2);
    expect(pool.add(transaction(0))).toBe("added");
    expect(pool.add(transaction(0))).toBe("known");
    pool.remove("0xaa-0");
    expect(pool.add(transaction(0))).toBe("known");
    expect([1, 2, 3].map((nonce) => pool.add(transaction(nonce)))).toEqual(["added", "added", "full"]);
  });
});
