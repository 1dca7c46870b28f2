import { eventually } from "@aios/testkit/eventually";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChainBlocks } from "../../src/domain/ports.js";

export interface ChainBlocksUnderTest {
  readonly blocks: ChainBlocks;
  /** Lets the chain have a new block with a transaction; answers the transaction's hash. */
  grow(): Promise<string>;
  /** Absent for a chain that lives in the process. */
  readonly peer?: Peer;
  close(): Promise<void>;
}

/** Than a node answers at once. */
const MORE_THAN_A_BATCH = 2_500;

/** What every `ChainBlocks` does; why a transaction failed is asked of a `ChainNode`. */
export function chainBlocksConformance(name: string, open: () => Promise<ChainBlocksUnderTest>): void {
  describe(`${name} as ChainBlocks`, () => {
    let subject: ChainBlocksUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("gives consecutive blocks from any height, and stops before the first that does not exist", async () => {
      const { blocks } = subject;
      for (let count = 0; count < 3; count++) await subject.grow();
      const head = await blocks.head();
      const all = await blocks.blocks(0n, MORE_THAN_A_BATCH);
      expect(all.map(({ number }) => number)).toEqual(all.map((_, index) => BigInt(index)));
      expect(all.length).toBeGreaterThan(Number(head.number));
      expect(all[Number(head.number)]?.hash).toBe(head.hash);
      for (const [index, block] of all.slice(1).entries()) expect(block.parentHash).toBe(all[index]?.hash);
      expect(await blocks.blocks(1n, 2)).toEqual(all.slice(1, 3));
      expect(await blocks.blocks(head.number + 1_000n, 5)).toEqual([]);
      expect((await blocks.identity()).genesisHash).toBe(all[0]?.hash);
    });

    it("has each transaction in one block, with its receipt", async () => {
      const { blocks } = subject;
      const hash = await subject.grow();
      const all = await blocks.blocks(0n, MORE_THAN_A_BATCH);
      const found = all.flatMap(({ receipts }) => receipts.filter((each) => each.transactionHash === hash));
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({ succeeded: true });
      expect(found[0]?.gasUsed).toBeGreaterThan(0n);
    });

    it("is final no higher than its head", async () => {
      const finalized = await subject.blocks.finalizedHeight();
      expect(finalized).toBeGreaterThanOrEqual(0n);
      expect(finalized).toBeLessThanOrEqual((await subject.blocks.head()).number);
    });

    it("tells followers that the head may have moved, until they have had enough", async () => {
      let told = 0;
      const enough = new AbortController();
      subject.blocks.followHeads(() => {
        told += 1;
      }, enough.signal);
      const before = told;
      await eventually(async () => {
        await subject.grow();
        expect(told).toBeGreaterThan(before);
      });
      enough.abort();
    });

    it("says when the node is away, has the same blocks when it is back, and tells followers of it", async ({
      skip,
    }) => {
      const { blocks, peer } = subject;
      if (peer === undefined) return skip("this chain lives in the process");
      let told = 0;
      const enough = new AbortController();
      blocks.followHeads(() => {
        told += 1;
      }, enough.signal);
      await eventually(() => expect(told).toBeGreaterThan(0));
      await subject.grow();
      const { number } = await blocks.head();
      await expectOutageSurvived(
        peer,
        async () => [await blocks.identity(), await blocks.blocks(0n, Number(number))],
        "chain-unavailable",
      );
      await peer.kill();
      const before = told;
      await peer.restart();
      await eventually(() => expect(told).toBeGreaterThan(before), 30_000);
      enough.abort();
    });
  });
}
