import { bytes32 } from "@aios/kernel/identifiers";
import { beforeEach, describe, expect, it } from "vitest";
import type { BlockWithReceipts } from "../../domain/block.js";
import type { BlockReader } from "../../domain/ports.js";
import { AnnouncedBlocks } from "./announced-blocks.js";
import { SharedHead } from "./shared-head.js";

const hashOf = (serial: number) => bytes32(`0x${serial.toString(16).padStart(64, "0")}`);

function blockAt(number: number, transactions = 1): BlockWithReceipts {
  const each = Array.from({ length: transactions }, () => ({ hash: hashOf(number) }));
  return { header: { number, hash: hashOf(number) }, transactions: each, receipts: each } as never;
}

/** A disk on which every height is, and what was read of it. */
class Disk implements BlockReader {
  reads = 0;
  constructor(private readonly transactions: number) {}
  oldest = () => ({ block: 0, state: 0 });
  head = () => undefined;
  header = (height: number) => blockAt(height).header;
  heightOf = (hash: string) => Number(BigInt(hash));
  transactionCount = () => this.transactions;
  block = (height: number) => this.blockWithReceipts(height);
  placeOf = (hash: string) => ({ blockNumber: Number(BigInt(hash)), index: 0 });
  blockWithReceipts(height: number) {
    this.reads += 1;
    return blockAt(height, this.transactions);
  }
  *blooms(from: number, to: number) {
    for (let height = from; height <= to; height++) yield { height, bloom: new Uint8Array(256) };
  }
}

describe("blocks that another thread stores", () => {
  let head: SharedHead;
  let refreshed: number;
  beforeEach(() => {
    head = new SharedHead();
    refreshed = 0;
  });
  const over = (disk: Disk) => new AnnouncedBlocks(disk, head, () => refreshed++);

  it("are not there before that thread says so, whatever the disk shows", () => {
    const blocks = over(new Disk(1));
    head.stored(4, 3);
    expect(blocks.head()?.number).toBe(4);
    for (const height of [4, 5]) {
      const isThere = height === 4;
      expect(blocks.header(height) !== undefined).toBe(isThere);
      expect(blocks.block(height) !== undefined).toBe(isThere);
      expect(blocks.blockWithReceipts(height) !== undefined).toBe(isThere);
      expect(blocks.transactionCount(height) !== undefined).toBe(isThere);
      expect(blocks.heightOf(hashOf(height)) !== undefined).toBe(isThere);
      expect(blocks.placeOf(hashOf(height)) !== undefined).toBe(isThere);
    }
    expect([...blocks.blooms(3, 9)].map(({ height }) => height)).toEqual([3, 4]);
  });

  it("are there as soon as it does, read anew from the disk", () => {
    const blocks = over(new Disk(1));
    head.stored(4, 3);
    expect(blocks.placeOf(hashOf(5))).toBeUndefined();
    head.stored(5, 4);
    expect(blocks.placeOf(hashOf(5))).toEqual({ blockNumber: 5, index: 0 });
    expect(blocks.head()?.number).toBe(5);
    expect(refreshed).toBe(2);
    expect(head.finality(5)).toBe(4);
  });

  it("are read once while they are asked for again, as many as memory is meant for", () => {
    const disk = new Disk(4_000);
    const blocks = over(disk);
    head.stored(9, 8);
    blocks.blockWithReceipts(1);
    blocks.block(1);
    blocks.blockWithReceipts(2);
    blocks.blockWithReceipts(1);
    expect(disk.reads).toBe(2);
    // With the third they are more transactions than are kept: the oldest leaves.
    blocks.blockWithReceipts(3);
    blocks.blockWithReceipts(2);
    expect(disk.reads).toBe(3);
    blocks.blockWithReceipts(1);
    expect(disk.reads).toBe(4);
  });
});
