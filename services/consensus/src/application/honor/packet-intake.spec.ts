import { setImmediate as nextTurn } from "node:timers/promises";
import { shortIdOf } from "@aios/core-honor-node/compact-block";
import { blockId, type OrderedTransaction } from "@aios/core-honor-node/dag-block";
import { encodePacket, type WireBlock } from "@aios/core-honor-node/packet-codec";
import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import { ManualClock } from "@aios/kernel/clock";
import type { CodedError } from "@aios/kernel/coded-error";
import { describe, expect, it, vi } from "vitest";
import { malformedTransaction, recoveryBusy } from "../../domain/errors.js";
import { FaultCounter } from "./fault-counter.js";
import { KnownTransactions } from "./known-transactions.js";
import { type IntakeLimits, PacketIntake } from "./packet-intake.js";

const BAD = 0xff;
const payload = (tag: number): Uint8Array => Uint8Array.of(tag, 1, 2);
const read = (bytes: Uint8Array): OrderedTransaction => ({
  id: toHex(keccak256(bytes)).slice(2),
  sender: `0x${"01".repeat(20)}`,
  nonce: bytes[0] ?? 0,
  gasLimit: 21_000,
  payload: bytes,
});
const block = (transactions: readonly Uint8Array[]): WireBlock => ({
  setNumber: 0,
  seat: 1,
  tick: 2,
  parents: ["genesis"],
  transactions,
  signature: "ab".repeat(96),
});

function intake(limits: Partial<IntakeLimits> = {}, maxKnownBytes = 10_000) {
  const clock = new ManualClock();
  const pooled = new Set<string>();
  const held = new Set<string>();
  const target = {
    deliver: vi.fn(),
    gossiped: vi.fn(),
    isPooled: (id: string) => pooled.has(id),
    holds: ({ signature }: { readonly signature: string }) => held.has(signature),
    heard: vi.fn(),
    snapshot: vi.fn(),
  };
  const punish = vi.fn();
  const faults = new FaultCounter(punish);
  let isBusy = false;
  let reads = 0;
  let batches = 0;
  const reader = {
    readAll: async (payloads: readonly Uint8Array[]): Promise<(OrderedTransaction | CodedError)[]> => {
      reads += payloads.length;
      batches += 1;
      if (isBusy) return payloads.map(() => recoveryBusy());
      return payloads.map((bytes) => (bytes[0] === BAD ? malformedTransaction("no") : read(bytes)));
    },
  };
  const known = new KnownTransactions(100, maxKnownBytes);
  const subject = new PacketIntake(reader, known, target, faults, clock, {
    packetsPerSecond: 10,
    maxWaitingBytes: 10_000,
    maxBlockBytes: 1_000,
    ...limits,
  });
  const setBusy = (): void => {
    isBusy = true;
  };
  return {
    subject,
    target,
    known,
    clock,
    pooled,
    held,
    setBusy,
    punish,
    dropped: faults.counts,
    reads: () => reads,
    batches: () => batches,
  };
}

describe("packets from peers", () => {
  it("are handed on decoded, transactions with their senders", async () => {
    const { subject, target, dropped } = intake();
    subject.receive("peer", encodePacket({ kind: "status", height: 7, tips: [] }));
    expect(target.deliver).toHaveBeenCalledWith("peer", { kind: "status", height: 7, tips: [] });
    subject.receive("peer", encodePacket({ kind: "block", block: block([payload(1), payload(2)]) }));
    await vi.waitFor(() => expect(target.deliver).toHaveBeenCalledTimes(2));
    expect(target.deliver.mock.calls[1]?.[1]).toMatchObject({
      block: { transactions: [read(payload(1)), read(payload(2))] },
    });
    expect(dropped.size).toBe(0);
  });

  it("that do not decode are counted by reason and held against the peer", () => {
    const { subject, target, dropped, punish } = intake();
    for (const bytes of [[], [1], [1, 0, 0xc0], [9, 0, 0xc0], [1, 2, 0xbf, 0xff]])
      subject.receive("peer", Uint8Array.from(bytes));
    expect(target.deliver).not.toHaveBeenCalled();
    expect(punish).toHaveBeenCalledTimes(5);
    expect(Object.fromEntries(dropped)).toEqual({
      "unsupported-packet version": 2,
      "unsupported-packet kind": 1,
      "malformed-packet vote": 1,
      "malformed-packet want": 1,
    });
  });

  it("with one bad transaction: a block is dropped whole, of gossip the rest is taken", async () => {
    const { subject, target, dropped } = intake();
    const payloads = [payload(1), payload(BAD)];
    subject.receive("peer", encodePacket({ kind: "block", block: block(payloads) }));
    subject.receive("peer", encodePacket({ kind: "transactions", transactions: payloads }));
    await vi.waitFor(() => expect(target.gossiped).toHaveBeenCalledWith([read(payload(1))]));
    expect(target.deliver).not.toHaveBeenCalled();
    expect(dropped.get("transaction malformed-transaction")).toBe(2);
  });

  it("that cannot be read for want of time are dropped without blame", async () => {
    const { subject, setBusy, dropped, punish } = intake();
    setBusy();
    subject.receive("peer", encodePacket({ kind: "block", block: block([payload(1)]) }));
    await vi.waitFor(() => expect(dropped.get("transaction-unread recovery-busy")).toBe(1));
    expect(punish).not.toHaveBeenCalled();
  });

  it("that repeat each other have each transaction read once", async () => {
    const { subject, target, reads, batches } = intake();
    const twice = block([payload(1), payload(2), payload(1)]);
    for (const peer of ["one", "other", "third"])
      subject.receive(peer, encodePacket({ kind: "block", block: twice }));
    const more = block([payload(3), payload(2)]);
    subject.receive("third", encodePacket({ kind: "block", block: more }));
    await vi.waitFor(() => expect(target.deliver).toHaveBeenCalledTimes(4));
    expect([reads(), batches()]).toEqual([3, 2]);
    const [first, last] = [0, 3].map((call) => target.deliver.mock.calls[call]?.[1]);
    expect(first).toMatchObject({ block: { transactions: [1, 2, 1].map((tag) => read(payload(tag))) } });
    expect(last).toMatchObject({ block: { transactions: [3, 2].map((tag) => read(payload(tag))) } });
  });

  it("with nothing but known transactions wait for nobody", () => {
    const { subject, target } = intake();
    subject.remember([read(payload(1))]);
    subject.receive("peer", encodePacket({ kind: "block", block: block([payload(1)]) }));
    expect(target.deliver).toHaveBeenCalledTimes(1);
  });

  it("that gossip what was read before are no news where it waits already, and handed on where it does not", async () => {
    const { subject, target, pooled, reads } = intake();
    subject.receive("peer", encodePacket({ kind: "block", block: block([payload(1), payload(2)]) }));
    await vi.waitFor(() => expect(target.deliver).toHaveBeenCalledTimes(1));
    pooled.add(read(payload(1)).id);
    subject.receive("peer", encodePacket({ kind: "transactions", transactions: [payload(1)] }));
    expect(target.gossiped).not.toHaveBeenCalled();
    // Nobody merged its block.
    subject.receive("peer", encodePacket({ kind: "transactions", transactions: [payload(1), payload(2)] }));
    expect(target.gossiped).toHaveBeenCalledWith([read(payload(2))]);
    expect(reads()).toBe(2);
  });

  it("are remembered within bounds, however large their transactions are", async () => {
    const { subject, target, reads } = intake({}, 8);
    const send = async (tags: readonly number[], reading: number): Promise<void> => {
      const before = target.deliver.mock.calls.length;
      for (const tag of tags)
        subject.receive("peer", encodePacket({ kind: "block", block: block([payload(tag)]) }));
      await vi.waitFor(() => expect(target.deliver).toHaveBeenCalledTimes(before + tags.length));
      expect(reads()).toBe(reading);
    };
    // Three bytes each: two are remembered, and the copy of one takes no room of its own.
    await send([1, 2], 2);
    await send([2, 1], 2);
    await send([3], 3);
    await send([2, 3], 3);
    await send([1], 4);
  });

  it("with a block of more bytes than the chain allows are dropped unread, and held against the peer", () => {
    const { subject, target, reads, dropped, punish } = intake({ maxBlockBytes: 5 });
    subject.receive("peer", encodePacket({ kind: "block", block: block([payload(1), payload(2)]) }));
    expect(dropped.get("block-too-large")).toBe(1);
    expect(punish).toHaveBeenCalledWith("peer", 50);
    expect([reads(), target.deliver.mock.calls.length]).toEqual([0, 0]);
  });

  it("beyond a peer's allowance are dropped, and its allowance comes back with time", () => {
    const { subject, target, clock, dropped } = intake({ packetsPerSecond: 3 });
    const status = encodePacket({ kind: "status", height: 1, tips: [] });
    for (let count = 0; count < 5; count++) subject.receive("peer", status);
    subject.receive("other", status);
    expect(target.deliver).toHaveBeenCalledTimes(4);
    expect(dropped.get("too-many-packets")).toBe(2);
    clock.advance(1_000);
    subject.receive("peer", status);
    expect(target.deliver).toHaveBeenCalledTimes(5);
  });

  it("that ask for much count for what they ask", () => {
    const { subject, target, clock } = intake({ packetsPerSecond: 100 });
    const range = encodePacket({ kind: "range", fromHeight: 1 });
    for (let count = 0; count < 30; count++) subject.receive("peer", range);
    expect(target.deliver).toHaveBeenCalledTimes(16);
    const want = encodePacket({ kind: "want", ids: Array.from({ length: 60 }, () => "genesis") });
    for (let count = 0; count < 3; count++) subject.receive("other", want);
    expect(target.deliver).toHaveBeenCalledTimes(17);
    const announce = encodePacket({
      kind: "announce",
      shortIds: Array.from({ length: 1_024 }, () => "ab".repeat(8)),
    });
    for (let count = 0; count < 10; count++) subject.receive("third", announce);
    expect(target.deliver).toHaveBeenCalledTimes(22);
    target.deliver.mockClear();
    clock.advance(60_000);
    subject.receive("peer", range);
    expect(target.deliver).toHaveBeenCalledTimes(1);
  });

  it("that announce what was read before are handed on without a question, and with one the rest", () => {
    const { subject, target, pooled } = intake();
    const [waiting, left, news] = [1, 2, 3].map((tag) => read(payload(tag))) as [
      OrderedTransaction,
      OrderedTransaction,
      OrderedTransaction,
    ];
    subject.remember([waiting, left]);
    pooled.add(waiting.id);
    const shortIds = [waiting, left, news].map(({ id }) => shortIdOf(id));
    subject.receive("peer", encodePacket({ kind: "announce", shortIds }));
    expect(target.gossiped.mock.calls).toEqual([[[left]]]);
    expect(target.deliver.mock.calls).toEqual([
      ["peer", { kind: "announce", shortIds: [shortIdOf(news.id)] }],
    ]);
  });

  it("that announce what was read before have as much of it handed on as the peer's allowance goes", () => {
    const { subject, target } = intake();
    const transactions = Array.from({ length: 30 }, (_, tag) => read(payload(tag)));
    subject.remember(transactions);
    const announce = { kind: "announce", shortIds: transactions.map(({ id }) => shortIdOf(id)) } as const;
    for (let count = 0; count < 9; count++) subject.receive("peer", encodePacket(announce));
    const handedOn = target.gossiped.mock.calls.flatMap(([some]) => some as OrderedTransaction[]);
    expect(handedOn.length).toBeGreaterThan(0);
    expect(handedOn.length).toBeLessThanOrEqual(9);
  });

  it("that bring what was missing of a block are read, and what is read is told by name", async () => {
    const { subject, target } = intake();
    const answer = {
      kind: "block-transactions",
      block: "ab".repeat(32),
      transactions: [payload(1)],
    } as const;
    subject.receive("peer", encodePacket(answer));
    await vi.waitFor(() => expect(target.deliver).toHaveBeenCalledTimes(1));
    expect(target.deliver).toHaveBeenCalledWith("peer", { ...answer, transactions: [read(payload(1))] });
    expect(target.heard).not.toHaveBeenCalled();
    subject.receive("peer", encodePacket({ kind: "transactions", transactions: [payload(1)] }));
    expect(target.heard).toHaveBeenCalledWith([shortIdOf(read(payload(1)).id)]);
  });

  it("with a block that is in the DAG are not read again", async () => {
    const { subject, target, held, reads } = intake();
    held.add(block([]).signature);
    subject.receive("peer", encodePacket({ kind: "block", block: block([payload(1)]) }));
    await nextTurn();
    expect([reads(), target.deliver.mock.calls.length]).toEqual([0, 0]);
  });

  describe("with names of transactions that are being read", () => {
    const gossip = (...tags: number[]): Uint8Array =>
      encodePacket({ kind: "transactions", transactions: tags.map(payload) });
    const names = (...tags: number[]): string[] => tags.map((tag) => shortIdOf(read(payload(tag)).id));
    const { transactions: _, ...facts } = block([]);
    const compact = (...tags: number[]) =>
      ({
        kind: "compact-block",
        block: { header: { ...facts, transactionsHash: "ab".repeat(32) }, shortIds: names(...tags) },
      }) as const;

    it("wait for them where it is a block, and are handed on when they are known", async () => {
      const { subject, target, known } = intake();
      subject.receive("one", gossip(1, 2));
      const found: unknown[] = [];
      target.deliver.mockImplementation(() => found.push(known.find(names(2)[0] as string)));
      subject.receive("other", encodePacket(compact(3, 2)));
      expect(target.deliver).not.toHaveBeenCalled();
      await vi.waitFor(() => expect(target.deliver).toHaveBeenCalledWith("other", compact(3, 2)));
      expect(found).toEqual([read(payload(2))]);
      subject.receive("other", encodePacket(compact(1, 2)));
      expect(target.deliver).toHaveBeenCalledTimes(2);
    });

    it("go on where the reader has no time for them", async () => {
      const { subject, target, setBusy } = intake();
      setBusy();
      subject.receive("one", gossip(1));
      subject.receive("other", encodePacket(compact(1)));
      await vi.waitFor(() => expect(target.deliver).toHaveBeenCalledWith("other", compact(1)));
    });

    it("hold no more bytes than a peer may", async () => {
      const { subject, target, dropped } = intake({ maxWaitingBytes: 300 });
      subject.receive("one", gossip(1));
      for (let count = 0; count < 3; count++) subject.receive("other", encodePacket(compact(1)));
      expect(dropped.get("too-many-transactions")).toBe(2);
      await vi.waitFor(() => expect(target.deliver).toHaveBeenCalledTimes(1));
    });

    it("say of the block, while it waits, that it is underway", async () => {
      const { subject, target } = intake();
      const id = blockId(compact(1).block.header);
      subject.receive("one", gossip(1));
      expect(subject.isUnderway(id)).toBe(false);
      for (const peer of ["other", "third"]) subject.receive(peer, encodePacket(compact(1)));
      expect(subject.isUnderway(id)).toBe(true);
      await vi.waitFor(() => expect(target.deliver).toHaveBeenCalledTimes(2));
      expect(subject.isUnderway(id)).toBe(false);
    });

    it("ask for none of them where they are announced", async () => {
      const { subject, target } = intake();
      subject.receive("one", gossip(1));
      subject.receive("other", encodePacket({ kind: "announce", shortIds: names(1, 2) }));
      expect(target.deliver).toHaveBeenCalledWith("other", { kind: "announce", shortIds: names(2) });
      await vi.waitFor(() => expect(target.gossiped).toHaveBeenCalledWith([read(payload(1))]));
    });
  });

  it("whose transactions wait hold no more bytes than a peer may", async () => {
    const { subject, target, dropped } = intake({ maxWaitingBytes: 150 });
    for (const tag of [1, 2, 3])
      subject.receive("peer", encodePacket({ kind: "block", block: block([payload(tag)]) }));
    expect(dropped.get("too-many-transactions")).toBe(2);
    await vi.waitFor(() => expect(target.deliver).toHaveBeenCalledTimes(1));
  });
});
