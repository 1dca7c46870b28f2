import { address } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import type { BlockPosition, ChainBlock, ChainReceipt, ContractEvent } from "../../src/domain/chain-block.js";
import type { IndexStore, TransactionStore } from "../../src/domain/ports.js";

const NOW_MS = 1_800_000_000_000;
const CHAIN = { chainId: 31_337n, genesisHash: `0x${"00".repeat(31)}01` };
const FEES = { maxFeePerGasWei: 10n, maxPriorityFeePerGasWei: 1n };
const FAILURE = { code: "too-late", message: "It came too late.", details: {} };
const hash = (text: string): string => `0x${Buffer.from(text).toString("hex").padStart(64, "0").slice(-64)}`;

function blockAfter(
  parent: BlockPosition | undefined,
  fork = "",
  receipts: readonly ChainReceipt[] = [],
): ChainBlock {
  const number = parent === undefined ? 0n : parent.number + 1n;
  return {
    number,
    hash: hash(`block ${number} ${fork}`),
    parentHash: parent?.hash ?? hash("nothing"),
    timestampSeconds: 100n + number,
    receipts,
  };
}

function anchoredIn(block: ChainBlock, batch: string, logIndex = 0): ContractEvent {
  return {
    blockHash: block.hash,
    blockNumber: block.number,
    timestampSeconds: block.timestampSeconds,
    transactionHash: hash(`anchor ${batch}`),
    gasUsed: 21_000n,
    logIndex,
    contract: "ReceiptRegistry",
    name: "ReceiptsAnchored",
    args: { batch, root: hash(`root ${batch}`), receiptCount: "1" },
    subject: `batch:${batch}`,
  };
}

/**
 * What every `IndexStore` does: the tests follow one chain from its first block. `transactions` is the outbox over the
 * same data; `crash` ends the backend in the middle and brings it back.
 */
export function indexStoreConformance(
  open: () => IndexStore,
  transactions: () => TransactionStore,
  crash: () => Promise<void>,
): void {
  const none = new Map<string, typeof FAILURE>();

  /** A request of ours that was signed and sent. */
  async function sent(key: string): Promise<{ readonly id: string; readonly hash: string }> {
    const account = address(`0x${"ce".repeat(20)}`);
    await transactions().openSigner("anchor", account, 0n);
    const queued = await transactions().enqueue(
      {
        caller: "scoring",
        idempotencyKey: key,
        tenant: "service:scoring",
        signer: "anchor",
        contract: "ReceiptRegistry",
        to: account,
        data: Uint8Array.of(1, 2, 3, 4),
        valueWei: 0n,
        purpose: "anchor-receipts",
        subject: "job:1",
        lane: "money",
        traceparent: "",
      },
      NOW_MS,
    );
    const form = { hash: hash(`sent ${key}`), raw: Uint8Array.of(1) };
    const assignment = { transactionId: queued.id, gasLimit: 1n, fees: FEES };
    await transactions().assign("anchor", [assignment], () => form, NOW_MS);
    return { id: queued.id, hash: form.hash };
  }

  const receiptOf = (transactionHash: string, succeeded: boolean): ChainReceipt => ({
    transactionHash,
    succeeded,
    gasUsed: 5n,
    logs: [],
  });

  it("belongs to one chain for good, also after a crash", async () => {
    expect(await open().position()).toBeUndefined();
    await open().bind(CHAIN);
    await crash();
    await open().bind(CHAIN);
    await expect(open().bind({ ...CHAIN, genesisHash: hash("other") })).rejects.toMatchObject({
      code: "chain-replaced",
    });
  });

  it("adds blocks in order, each once, with their events", async () => {
    const genesis = blockAfter(undefined);
    await open().apply(genesis, [], none, -1n, NOW_MS);
    const next = blockAfter(genesis);
    const events = [anchoredIn(next, "1", 0), anchoredIn(next, "2", 1)];
    const applied = await Promise.allSettled(
      [1, 2, 3].map(() => open().apply(next, events, none, 0n, NOW_MS)),
    );
    expect(applied.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await expect(open().apply(blockAfter(genesis, "b"), [], none, 0n, NOW_MS)).rejects.toThrow(
      /does not follow/,
    );
    await crash();
    expect(await open().position()).toEqual({ number: 1n, hash: next.hash });
    expect(await open().eventsAbout("batch:1")).toEqual([events[0]]);
    expect(await open().eventsAbout("batch:9")).toEqual([]);
  });

  it("moves our transactions with their block, and back when the block is undone", async () => {
    const [good, bad] = [await sent("good"), await sent("bad")];
    const found = await open().transactionsOf([good.hash, bad.hash, hash("a stranger's")]);
    expect(found.map(({ id }) => id).toSorted()).toEqual([good.id, bad.id].toSorted());
    const receipts = [
      receiptOf(good.hash, true),
      receiptOf(bad.hash, false),
      receiptOf(hash("theirs"), true),
    ];
    const block = blockAfter(await open().position(), "a", receipts);
    const moved = await open().apply(
      block,
      [anchoredIn(block, "3")],
      new Map([[bad.id, FAILURE]]),
      0n,
      NOW_MS,
    );
    expect([...moved].toSorted()).toEqual([good.id, bad.id].toSorted());
    expect(await transactions().find(good.id)).toMatchObject({
      state: "mined",
      blockNumber: block.number,
      gasUsed: 5n,
    });
    expect(await transactions().find(bad.id)).toMatchObject({ state: "failed", failure: FAILURE });

    expect([...(await open().undo(block.hash, NOW_MS))].toSorted()).toEqual([good.id, bad.id].toSorted());
    expect(await open().undo(block.hash, NOW_MS)).toEqual([]);
    await crash();
    expect(await open().eventsAbout("batch:3")).toEqual([]);
    for (const { id } of [good, bad]) {
      expect(await transactions().find(id)).toMatchObject({
        state: "sent",
        blockNumber: undefined,
        failure: undefined,
      });
    }
    const other = blockAfter(await open().position(), "b", [receiptOf(good.hash, true)]);
    await open().apply(other, [], none, 0n, NOW_MS);
    expect((await transactions().find(good.id)).state).toBe("mined");
  });

  it("makes blocks final once, with what is in them, and undoes none of them", async () => {
    const position = await open().position();
    if (position === undefined) throw new Error("no block is indexed");
    const finalized = await Promise.all([1, 2].map(() => open().finalize(position.number, NOW_MS)));
    expect(finalized.flat()).toHaveLength(1);
    await crash();
    expect(await open().finalizedHeight()).toBe(position.number);
    expect((await transactions().find(finalized.flat()[0] ?? "")).state).toBe("final");
    await expect(open().undo(position.hash, NOW_MS)).rejects.toMatchObject({ code: "chain-replaced" });
    expect(await open().finalize(position.number - 1n, NOW_MS)).toEqual([]);
    expect(await open().finalizedHeight()).toBe(position.number);
    const late = await sent("late");
    const block = blockAfter(position, "", [receiptOf(late.hash, true)]);
    await open().apply(block, [], none, block.number, NOW_MS);
    expect(await open().finalizedHeight()).toBe(block.number);
    expect((await transactions().find(late.id)).state).toBe("final");
  });
}
