import type { BlockHeader } from "@aios/consensus/domain/block";
import type { BlockStore, ExecutedBlock } from "@aios/consensus/domain/ports";
import { address, bytes32 } from "@aios/kernel/identifiers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SampleContent, sampleBlock, sampleTransfer } from "../support/sample-blocks.js";

export interface BlockStoreUnderTest {
  readonly blocks: BlockStore;
  /** Another store on what was on disk at this moment, whatever the first has open; absent in memory. */
  crash?(): Promise<BlockStore>;
  close(): Promise<void>;
}

const CONTRACT = address(`0x${"c0".repeat(20)}`);
const UNKNOWN = bytes32(`0x${"fe".repeat(32)}`);

/** The same values, whatever class of bytes a store reads them into. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

/** What every `BlockStore` does. */
export function blockStoreConformance(name: string, open: () => Promise<BlockStoreUnderTest>): void {
  describe(`${name} as BlockStore`, () => {
    let subject: BlockStoreUnderTest;
    beforeEach(async () => {
      subject = await open();
    });
    afterEach(() => subject?.close());

    async function grow(contents: readonly SampleContent[], onto?: BlockHeader): Promise<ExecutedBlock[]> {
      const grown: ExecutedBlock[] = [];
      for (const content of contents) {
        const block = sampleBlock(grown.at(-1)?.header ?? onto, content);
        await subject.blocks.append(block);
        grown.push(block);
      }
      return grown;
    }

    function expectStored(store: BlockStore, blocks: readonly ExecutedBlock[]): void {
      expect(plain(store.head())).toEqual(plain(blocks.at(-1)?.header));
      for (const { header, transactions, receipts } of blocks) {
        const height = header.number;
        expect(plain(store.header(height))).toEqual(plain(header));
        expect(store.heightOf(header.hash)).toBe(height);
        expect(plain(store.block(height))).toMatchObject(plain({ header, transactions }) as object);
        expect(store.transactionCount(height)).toBe(transactions.length);
        expect(plain(store.blockWithReceipts(height))).toMatchObject(
          plain({ header, transactions, receipts }) as object,
        );
        for (const [index, { hash }] of transactions.entries())
          expect(store.placeOf(hash)).toEqual({ blockNumber: header.number, index });
      }
    }

    it("has nothing at first, and knows nothing that was not appended", async () => {
      const { blocks } = subject;
      expect(blocks.head()).toBeUndefined();
      for (const height of [0, 1, -1, 1.5, Number.MAX_SAFE_INTEGER]) {
        expect(blocks.header(height)).toBeUndefined();
        expect(blocks.block(height)).toBeUndefined();
        expect(blocks.transactionCount(height)).toBeUndefined();
        expect(blocks.blockWithReceipts(height)).toBeUndefined();
      }
      expect(blocks.heightOf(UNKNOWN)).toBeUndefined();
      expect(blocks.placeOf(UNKNOWN)).toBeUndefined();
      expect([...blocks.blooms(0, 10)]).toEqual([]);
    });

    it("keeps every block with its receipts and indexes, however old", async () => {
      const transactions = await Promise.all([0, 1, 2].map(sampleTransfer));
      const contents = [{}, { transactions: transactions.slice(0, 2), logsOf: CONTRACT }, {}];
      const early = await grow([...contents, { transactions: transactions.slice(2) }]);
      const late = await grow(
        Array.from({ length: 100 }, () => ({})),
        early.at(-1)?.header,
      );
      expectStored(subject.blocks, [...early, ...late]);
    });

    it("takes only the next block, and shows nothing of another", async () => {
      const [first, second] = await grow([{}, {}]);
      const transactions = [await sampleTransfer(0)];
      const wrong = [
        sampleBlock(first?.header, { transactions }),
        sampleBlock(sampleBlock(second?.header).header, { transactions }),
        sampleBlock(sampleBlock(first?.header, { transactions }).header),
      ];
      for (const block of wrong)
        await expect(subject.blocks.append(block)).rejects.toMatchObject({ code: "not-the-next-block" });
      expect(subject.blocks.head()).toEqual(second?.header);
      expect(subject.blocks.placeOf(transactions[0]?.hash ?? UNKNOWN)).toBeUndefined();
    });

    it("gives the blooms of a range in order; heights without logs may be left out", async () => {
      const transactions = await Promise.all([0, 1, 2].map(sampleTransfer));
      const contents = transactions.map((transaction) => ({ transactions: [transaction], logsOf: CONTRACT }));
      const grown = await grow([{}, ...contents.slice(0, 1), {}, ...contents.slice(1)]);
      const eventful = (from: number, to: number) =>
        [...subject.blocks.blooms(from, to)]
          .filter(({ bloom }) => bloom.some((byte) => byte !== 0))
          .map(({ height }) => height);
      expect(eventful(0, 100)).toEqual([1, 3, 4]);
      expect(eventful(1, 3)).toEqual([1, 3]);
      expect(eventful(4, 4)).toEqual([4]);
      const [bloom] = [...subject.blocks.blooms(1, 1)];
      expect(Buffer.from(bloom?.bloom ?? [])).toEqual(Buffer.from(grown[1]?.header.logsBloom ?? []));
    });

    it("shows a block only when it is appended whole", async () => {
      const [genesis] = await grow([{}]);
      const transactions = [await sampleTransfer(0)];
      const block = sampleBlock(genesis?.header, { transactions });
      const appending = subject.blocks.append(block);
      const seen = subject.blocks.header(1);
      if (seen === undefined) {
        expect(subject.blocks.head()?.number).toBe(0);
        expect(subject.blocks.heightOf(block.header.hash)).toBeUndefined();
        expect(subject.blocks.placeOf(transactions[0]?.hash ?? UNKNOWN)).toBeUndefined();
      }
      await appending;
      expectStored(subject.blocks, [block]);
    });

    it("has every block that was appended after a crash, and goes on from there", async ({ skip }) => {
      const crash = subject.crash?.bind(subject);
      if (crash === undefined) return skip("this store lives in the process");
      const transactions = await Promise.all([0, 1].map(sampleTransfer));
      const grown = await grow([{}, ...transactions.map((each) => ({ transactions: [each] })), {}]);
      const again = await crash();
      expectStored(again, grown);
      const next = sampleBlock(grown.at(-1)?.header);
      await again.append(next);
      expect(again.head()).toEqual(next.header);
    });
  });
}
