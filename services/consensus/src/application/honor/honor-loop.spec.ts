import { setImmediate } from "node:timers/promises";
import { honorSetId } from "@aios/core-committee/honor-set";
import { checkpointId } from "@aios/core-finality/checkpoint";
import { NO_HISTORY } from "@aios/core-honor-node/chain-history";
import type { LogEntry } from "@aios/core-honor-node/node-protocol";
import type { NodeSettings } from "@aios/core-honor-node/node-settings";
import { decodePacket } from "@aios/core-honor-node/packet-codec";
import { ManualClock } from "@aios/kernel/clock";
import { describe, expect, it, vi } from "vitest";
import { deafHost, MEMBERS, SEATLESS } from "../../../test/support/seatless-node.js";
import { FaultCounter } from "./fault-counter.js";
import { HonorLoop } from "./honor-loop.js";

/** Heights that may wait for execution. */
const MOST_UNEXECUTED = 1_024;
const ROOT = "aa".repeat(32);
const START_MS = 2_500;
function loopOf(
  entries: readonly LogEntry[],
  executedHeight: number,
  peers: { readonly connected: readonly string[]; protocolOf(peer: string): string | undefined } = {
    connected: [],
    protocolOf: () => "pull",
  },
  chosen: Partial<NodeSettings> = {},
) {
  const clock = new ManualClock(START_MS);
  const disk = { isFull: false };
  const log = {
    ...NO_HISTORY,
    sizes: { blocks: 0, archivedBlocks: 0, decisions: 0, fileBytes: 0 },
    load: () => entries,
    append: vi.fn(() => (disk.isFull ? Promise.reject(new Error("no space")) : Promise.resolve())),
  };
  const streams = { ...peers, send: vi.fn(), punish: vi.fn() };
  const faults = new FaultCounter(streams.punish);
  const host = deafHost();
  const loop = new HonorLoop({
    settings: { ...SEATLESS, ...chosen },
    log,
    streams,
    host,
    clock,
    faults,
    executedHeight,
  });
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1_000);
      await setImmediate();
    }
  };
  return { loop, disk, log, streams, faults, host, pass };
}

function started() {
  const parts = loopOf([], 0);
  parts.loop.start();
  return parts;
}

/** Answered with where the node stands. */
const question = { kind: "range", fromHeight: 1 } as const;
const block = {
  kind: "block",
  block: {
    setNumber: 0,
    seat: 1,
    tick: 2,
    parents: ["genesis"],
    transactions: [],
    signature: "ab".repeat(96),
  },
} as const;

describe("an honor node whose disk is full", () => {
  it("says nothing, hears no more than it can keep, and goes on with both once there is room", async () => {
    const { loop, disk, log, streams, faults, host, pass } = started();
    await pass(1);
    disk.isFull = true;
    streams.send.mockClear();
    loop.receive("peer", block);
    for (let count = 1; count <= 20_000; count++) loop.receive("peer", question);
    await pass(200);
    expect(streams.send).not.toHaveBeenCalled();
    expect(host.logFailed).toHaveBeenCalled();
    const dropped = faults.counts.get("log-behind") ?? 0;
    expect(dropped).toBeGreaterThan(3_000);
    disk.isFull = false;
    log.append.mockClear();
    await pass(10);
    expect(log.append).toHaveBeenCalled();
    // Answers to those that were kept; what time makes it say was not piled up meanwhile.
    expect(20_000 - dropped).toBeLessThanOrEqual(16_384);
    expect(streams.send.mock.calls.length - (20_000 - dropped)).toBeLessThan(50);
    streams.send.mockClear();
    loop.receive("peer", question);
    expect(faults.counts.get("log-behind")).toBe(dropped);
    await pass(2);
    expect(streams.send.mock.calls.length).toBeGreaterThan(1);
    loop.stop();
  });

  it("takes no further block once those that wait for the disk are large", async () => {
    const { loop, disk, faults, pass } = started();
    await pass(1);
    disk.isFull = true;
    const heavy = (nonce: number) => {
      const sender = `0x${"0a".repeat(20)}`;
      const transactions = [
        { id: `${nonce}`, sender, nonce, gasLimit: 21_000, payload: new Uint8Array(100_000) },
      ];
      return {
        kind: "block",
        block: { ...block.block, seat: nonce % 4, tick: nonce >> 2, transactions },
      } as const;
    };
    await pass(300);
    for (let nonce = 8; nonce < 1_000; nonce++) loop.receive("peer", heavy(nonce));
    expect(faults.counts.get("log-behind")).toBeGreaterThan(200);
    // Also while it is full: timers that wait for room must end with the rest.
    loop.stop();
    await pass(1);
  });
});

describe("an honor node that executes slower than the others order", () => {
  it("hears of no more heights than it can keep, and of further ones once it has executed some", async () => {
    const { loop, faults, host, pass } = started();
    await pass(1);
    let parentId = "genesis";
    const decide = (height: number): void => {
      const tip = { parentId, parentRound: 0, tip: "genesis", tick: 0, attestedRoot: ROOT };
      const checkpoint = { height, ...tip, nextSetId: honorSetId(SEATLESS.chain.genesisSet) };
      parentId = checkpointId(checkpoint);
      const signers = Uint8Array.of(0b111);
      const certificate = {
        height,
        round: 0,
        checkpointId: parentId,
        signers,
        signature: new Uint8Array(96),
      };
      loop.receive("peer", { kind: "decision", decision: { checkpoint, certificate } });
    };
    for (let height = 1; height <= MOST_UNEXECUTED + 10; height++) {
      const before = parentId;
      decide(height);
      await setImmediate();
      if (loop.height <= height) parentId = before;
    }
    expect(loop.height).toBeLessThanOrEqual(MOST_UNEXECUTED + 3);
    expect(faults.counts.get("execution-behind")).toBeGreaterThan(0);
    const { height } = loop;
    for (let executed = 1; executed <= 10; executed++) {
      loop.executed(executed, { root: ROOT, candidates: [] });
      await setImmediate();
    }
    expect(host.execute).toHaveBeenCalledTimes(11);
    decide(height);
    expect(loop.height).toBe(height + 1);
    loop.stop();
  });
});

describe("an honor node with peers of this build and of the one before", () => {
  const peers = {
    connected: ["older", "newer"],
    protocolOf: (peer: string) => (peer === "older" ? undefined : "pull"),
  };
  const transactions = Array.from({ length: 16 }, (_, user) => ({
    id: user.toString(16).padStart(64, "a"),
    sender: `0x${(user + 1).toString(16).padStart(40, "b")}`,
    nonce: 0,
    gasLimit: 21_000,
    payload: new Uint8Array(110).fill(user),
  }));

  it("tells the older ones whole what the others are told by name", async () => {
    const keys = { ...SEATLESS.keys, has: (publicKey: string) => publicKey === MEMBERS[0]?.publicKey };
    const { loop, streams, pass } = loopOf([], 0, peers, { keys });
    loop.start();
    loop.pooled(transactions, true);
    await pass(8);
    loop.stop();
    const packets = streams.send.mock.calls.map(
      ([to, frame]) => [to, decodePacket(frame as Uint8Array)] as const,
    );
    const kindsTo = (peer: string) =>
      new Set(packets.flatMap(([to, { kind }]) => (to === peer ? [kind] : [])));
    expect(kindsTo("newer")).toEqual(new Set(["compact-block", "announce"]));
    expect(kindsTo("older")).toEqual(new Set(["block", "transactions"]));
    const blockTo = (peer: string) =>
      packets.find(([to, { kind }]) => to === peer && /block/.test(kind))?.[1];
    const [whole, compact] = [blockTo("older"), blockTo("newer")];
    if (whole?.kind !== "block" || compact?.kind !== "compact-block") throw new Error("no block was made");
    expect(whole.block.transactions).toHaveLength(compact.block.shortIds.length);
    expect(compact.block.header.signature).toBe(whole.block.signature);
    // Small ones are sent to all at once, whatever they speak, when they are taken in.
    expect(packets.some(([to, { kind }]) => to === undefined && kind === "transactions")).toBe(true);
  });
});

describe("an honor node whose chain database is behind its log", () => {
  const reigns = [{ set: { number: 0, members: MEMBERS }, fromHeight: 1, fromTick: 0 }];
  const base = { root: "genesis", height: 3, firstDecision: 1, reigns };
  const entries = [{ kind: "base", base, gone: [], accepted: [] }] as const;

  it("does not start where blocks are missing that the log has given up, rather than take them for empty", () => {
    const { loop } = loopOf(entries, 2);
    expect(() => loop.start()).toThrow(expect.objectContaining({ code: "corrupt-store" }));
  });

  it("starts where the blocks up to the log's base are there", () => {
    const { loop } = loopOf(entries, 3);
    loop.start();
    loop.stop();
  });
});
