import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import { isCodedError } from "@aios/kernel/coded-error";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { idealScheme, SmallNetwork, SNAPSHOT_INTERVAL, settings } from "../test/small-network.js";
import {
  abstentionAfterRestore,
  type ChainSnapshot,
  proveSnapshot,
  type SnapshotTrust,
  type VerifiedChain,
} from "./chain-snapshot.js";
import type { OrderedTransaction } from "./dag-block.js";
import { readOwnLog } from "./own-log.js";
import { decodeSnapshot, encodeSnapshot } from "./snapshot-codec.js";

const SHORT = { mergeDepth: 20, pruningDepth: 40, reputationWindow: 10, maxHeldBytes: 4_096 };
const DAY_MS = 86_400_000;
const trust: SnapshotTrust = {
  chain: settings(0, 4, SHORT).chain,
  scheme: idealScheme,
  nowMs: DAY_MS,
  trustPeriodMs: DAY_MS,
};
const transaction = (nonce: number): OrderedTransaction => ({
  id: `0-${nonce}`,
  sender: `0x${"a1".repeat(20)}`,
  nonce,
  gasLimit: 21_000,
  payload: new Uint8Array(0),
});

/** Three nodes that run, and a snapshot of one of them; the fourth has never been there. */
function runningNetwork(untilMs: number): { network: SmallNetwork; snapshot: ChainSnapshot } {
  const network = new SmallNetwork(4, SHORT);
  network.silent.add(3);
  network.runUntil(untilMs);
  const latest = (network.nodes[0]?.height ?? 0) - 3;
  const snapshot = network.nodes[0]?.snapshot(latest - (latest % SNAPSHOT_INTERVAL));
  if (snapshot === undefined) throw new Error("there is no snapshot");
  return { network, snapshot };
}

describe("a node that begins with a snapshot", () => {
  const times = { time: { ...settings(0).chain.time, tickMs: 1_000 }, maxClockToleranceMs: 5_000 };

  it("makes no block that its clock may have reached before, and casts no vote where it forgot its votes", () => {
    expect(abstentionAfterRestore(times, 10_500)).toEqual({ blocksUntil: 16, votesUntil: 16 });
    const abstention = { blocksUntil: 12, votesUntil: 7 };
    expect(abstentionAfterRestore(times, 10_500, { abstention, latestBlockTick: 9 })).toEqual({
      blocksUntil: 16,
      votesUntil: 7,
    });
    expect(abstentionAfterRestore(times, 0, { abstention, latestBlockTick: 30 }).blocksUntil).toBe(30);
  });
});

describe("a snapshot of the chain", () => {
  for (const [name, untilMs] of [
    ["that was pruned", 90_000],
    ["that is young", 15_000],
  ] as const)
    it(`lets a node begin in the middle of one ${name}, and decide and order with the others`, () => {
      const { network, snapshot } = runningNetwork(untilMs);
      expect(snapshot.root === "genesis").toBe(untilMs < 20_000);
      const proven = proveSnapshot(snapshot, trust);
      expect(proven).toMatchObject({ height: snapshot.height, root: `root-${snapshot.height}` });
      network.silent.delete(3);
      network.restore(3, proven.entries);
      expect(network.nodes[3]?.height).toBe(snapshot.height + 1);
      network.input(0, { kind: "transactions", transactions: [transaction(0)] });
      network.runUntil(untilMs + 60_000);
      expect(network.nodes[3]?.height).toBe(network.nodes[0]?.height);
      expect(network.ordered[3]).toEqual(["0-0"]);
      network.silent.add(0);
      const before = network.nodes[3]?.height ?? 0;
      network.runUntil(untilMs + 80_000);
      expect(network.nodes[3]?.height).toBeGreaterThan(before + 4);
      const latest = (network.nodes[3]?.height ?? 0) - 3;
      const after = latest - (latest % SNAPSHOT_INTERVAL);
      expect(network.nodes[3]?.snapshot(after)).toMatchObject({ height: after });
      expect(network.evidence).toEqual([]);
    });

  it("is given of no height whose proofs were pruned, though later heights without news share its blocks", () => {
    // Leaders' turns depend on more heights than blocks do, and several heights come for a block.
    const past = { ...SHORT, reputationWindow: 150, checkpointIntervalMs: 80, emptyAfterMs: 60 };
    const longTrust = { ...trust, chain: settings(0, 4, past).chain };
    const network = new SmallNetwork(4, past);
    const given = new Set<number>();
    for (let untilMs = 35_000; untilMs <= 65_000; untilMs += 400) {
      network.runUntil(untilMs);
      const height = network.nodes[0]?.height ?? 0;
      for (let back = 7; back <= 16; back++) {
        const snapshot = network.nodes[0]?.snapshot(height - back);
        if (snapshot === undefined) continue;
        given.add(snapshot.height);
        expect(proveSnapshot(snapshot, longTrust)).toMatchObject({ height: snapshot.height });
      }
    }
    expect(given.size).toBeGreaterThan(10);
  });

  it("is refused where anything of it is not what the set of genesis leads to", () => {
    const { snapshot } = runningNetwork(90_000);
    const { decisions, blocks, height } = snapshot;
    const refused = (change: Partial<ChainSnapshot>, field: string, with_: SnapshotTrust = trust) =>
      expect(() => proveSnapshot({ ...snapshot, ...change }, with_)).toThrow(
        expect.objectContaining({ code: "invalid-snapshot", field }),
      );
    const changed = (at: number, change: Partial<(typeof decisions)[number]["checkpoint"]>) =>
      decisions.map((one, index) =>
        index === at ? { ...one, checkpoint: { ...one.checkpoint, ...change } } : one,
      );
    refused({ height: height + 1 }, "height");
    refused({ height: height + SNAPSHOT_INTERVAL }, "decisions");
    refused({ decisions: [] }, "decisions");
    refused({ decisions: changed(decisions.length - 1, { attestedRoot: "root-wrong" }) }, "certificate");
    refused({ decisions: changed(3, { tick: 1 }) }, "decisions.parentId");
    refused({ decisions: changed(3, { nextSetId: "other" }) }, "decisions.parentId");
    refused({ handOvers: decisions.slice(0, 1) }, "handOvers");
    refused({ decisions: decisions.slice(-5) }, "decisions");
    refused({ blocks: blocks.slice(0, -1) }, "blocks.digest");
    refused({ blocks: [...blocks, ...blocks.slice(0, 1)] }, "blocks");
    refused({ blocks: [...blocks].reverse() }, "blocks.order");
    const lie = blocks.map((one) => ({ ...one, block: { ...one.block, tick: one.block.tick + 1 } }));
    refused({ blocks: lie }, "blocks.id");
    refused({ root: "ab".repeat(32) }, "root");
    refused({}, "certificate", { ...trust, chain: { ...trust.chain, chainId: "other" } });
  });

  it("binds every colouring that a peer could lie about to what a quorum signed", () => {
    const { snapshot } = runningNetwork(90_000);
    fc.assert(
      fc.property(fc.nat(snapshot.blocks.length - 1), fc.integer({ min: -9, max: 9 }), (at, by) => {
        fc.pre(by !== 0);
        const blocks = snapshot.blocks.map((one, index) =>
          index === at
            ? { ...one, colouring: { ...one.colouring, blueScore: one.colouring.blueScore + by } }
            : one,
        );
        expect(() => proveSnapshot({ ...snapshot, blocks }, trust)).toThrow(
          expect.objectContaining({ field: "blocks.digest" }),
        );
      }),
      { numRuns: 20 },
    );
  });

  it("is believed from a checkpoint that the operator names, from the own chain, or from a young genesis alone", () => {
    const { network, snapshot } = runningNetwork(90_000);
    const { decisions, height } = snapshot;
    const named = decisions[2]?.checkpoint as Checkpoint;
    const checkpoint = { height: named.height, id: checkpointId(named) };
    const late = { ...trust, nowMs: DAY_MS + 60_000 };
    const refusal = (with_: SnapshotTrust): unknown => {
      try {
        return proveSnapshot(snapshot, with_).height;
      } catch (error) {
        return isCodedError(error) ? (error.field ?? error.code) : error;
      }
    };
    expect(refusal(late)).toBe("trust-expired");
    expect(refusal({ ...late, checkpoint })).toBe(height);
    expect(refusal({ ...late, nowMs: 2 * DAY_MS, checkpoint })).toBe("trust-expired");
    expect(refusal({ ...trust, checkpoint: { ...checkpoint, id: "cd".repeat(32) } })).toBe("checkpoint");
    const { verified } = readOwnLog(network.logs[1]?.entries() ?? [], trust.chain);
    if (verified === undefined) throw new Error("nothing was decided");
    expect(refusal({ ...late, verified })).toBe(height);
    const fork = { ...verified, checkpoint };
    expect(refusal({ ...late, verified: fork })).toBe(height);
    expect(refusal({ ...late, verified: { ...fork, checkpoint: { ...checkpoint, id: "cd" } } })).toBe(
      "ownChain",
    );
  });

  it("that ends below the own chain is believed where that holds the same height, or where its last set certified it", () => {
    const { network, snapshot } = runningNetwork(90_000);
    const last = snapshot.decisions.at(-1)?.checkpoint as Checkpoint;
    const { verified } = readOwnLog(network.logs[1]?.entries() ?? [], trust.chain);
    if (verified === undefined) throw new Error("nothing was decided");
    expect(verified.checkpoint.height).toBeGreaterThan(last.height);
    expect(verified.idAt(last.height)).toBe(checkpointId(last));
    const late = { ...trust, nowMs: DAY_MS + 60_000 };
    const outcome = (own: Partial<VerifiedChain>): unknown => {
      try {
        return proveSnapshot(snapshot, { ...late, verified: { ...verified, ...own } }).height;
      } catch (error) {
        return isCodedError(error) ? (error.field ?? error.code) : error;
      }
    };
    const { genesisSet } = trust.chain;
    // The set that certified all of the snapshot has handed over since.
    const handedOver = [
      ...verified.reigns,
      { set: { ...genesisSet, number: 1 }, fromHeight: last.height + 2, fromTick: last.tick + 1 },
    ];
    const pruned = (): undefined => undefined;
    expect(outcome({ reigns: handedOver })).toBe(snapshot.height);
    expect(outcome({ reigns: handedOver, idAt: pruned })).toBe("trust-expired");
    expect(outcome({ reigns: handedOver, idAt: () => "cd" })).toBe("ownChain");
    expect(outcome({ idAt: pruned })).toBe(snapshot.height);
  });

  it("is refused by a code when its bytes are not those of one", () => {
    for (const bytes of [[], [0xc0], [0xc5, 0x80, 0x80, 0xc0, 0xc0, 0x80], [0xff, 0xff]])
      expect(() => decodeSnapshot(Uint8Array.from(bytes))).toThrow(
        expect.objectContaining({ code: "malformed-packet" }),
      );
    const empty: ChainSnapshot = { height: 1, root: "genesis", handOvers: [], decisions: [], blocks: [] };
    expect(decodeSnapshot(encodeSnapshot(empty))).toEqual(empty);
  });
});
