import type { HonorSet } from "@aios/core-committee/honor-set";
import { honorKeysOf } from "@aios/core-committee/honor-set";
import { makeCertificate } from "@aios/core-finality/certificate";
import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import { signedBytes } from "@aios/core-finality/messages";
import { describe, expect, it } from "vitest";
import {
  account,
  CHAIN_ID,
  honorSet,
  idealScheme,
  LONG_PAST,
  SmallNetwork,
  settings,
  signature,
  signed,
  TICK_MS,
} from "../test/small-network.js";
import { blockId, type DagBlock, type OrderedTransaction, type UnsignedBlock } from "./dag-block.js";
import { HonorNode } from "./honor-node.js";
import type { Decision, NodeOutput, Packet } from "./node-protocol.js";
import { isMalice, PACKET_FAULTS, type PacketFault } from "./packet-faults.js";

const PEER = account(2);
const NOW = 2 * TICK_MS + 10;
const bare: UnsignedBlock = { setNumber: 0, seat: 1, tick: 2, parents: ["genesis"], transactions: [] };
const heavy = (bytes: number, gasLimit: number): OrderedTransaction => ({
  id: `heavy-${bytes}-${gasLimit}`,
  sender: account(9),
  nonce: 0,
  gasLimit,
  payload: new Uint8Array(bytes),
});
const blockOf = (block: DagBlock): Packet => ({ kind: "block", block });
const by = (seat: number, changes: Partial<UnsignedBlock> = {}): DagBlock =>
  signed(seat, { ...bare, seat, ...changes });

function started(size = 4, past = LONG_PAST): HonorNode {
  const node = new HonorNode(settings(0, size, past));
  node.start([], 0);
  return node;
}

/** What a node refuses of packets that come one after the other. */
function refused(packets: readonly Packet[], node = started(), nowMs = NOW): PacketFault[] {
  return packets
    .flatMap((packet): readonly NodeOutput[] => node.handle({ kind: "packet", from: PEER, packet }, nowMs))
    .flatMap((output) => {
      if (output.kind !== "refused") return [];
      expect(output.peer).toBe(PEER);
      return [output.fault];
    });
}

const vote = (changes: object): Packet => {
  const message = {
    kind: "prevote",
    height: 1,
    round: 0,
    sender: 1,
    checkpointId: undefined,
    ...changes,
  } as const;
  return { kind: "vote", message, signature: "00".repeat(32) };
};

/** Two chains from genesis, by seats 1 and 2, and a block on both. */
function fork(ticks: number, otherTicks: number): Packet[] {
  const chain = (seat: number, length: number): DagBlock[] => {
    const blocks: DagBlock[] = [];
    for (let tick = 1; tick <= length; tick++) {
      const parent = blocks.at(-1);
      blocks.push(by(seat, { tick, parents: [parent === undefined ? "genesis" : blockId(parent)] }));
    }
    return blocks;
  };
  const [one, other] = [chain(1, ticks), chain(2, otherTicks)];
  const parents = [one, other].flatMap((blocks) => blocks.slice(-1).map(blockId));
  return [...one, ...other, by(3, { tick: Math.max(ticks, otherTicks) + 1, parents })].map(blockOf);
}

/** Decision 1 of a network, and the same checkpoint changed, certified by a quorum of those who never should. */
function decisions() {
  const network = new SmallNetwork(4);
  network.runUntil(2_000);
  const decision = network.nodes[0]?.decision(1) as Decision;
  const certified = (changes: Partial<Checkpoint>): Decision => {
    const checkpoint = { ...decision.checkpoint, ...changes };
    const message = {
      kind: "precommit",
      height: 1,
      round: 0,
      checkpointId: checkpointId(checkpoint),
      sender: 0,
    } as const;
    const precommits = [0, 1, 2].map((sender) => ({
      sender,
      signature: signature(sender, signedBytes(CHAIN_ID, message)),
    }));
    const keys = honorKeysOf(CHAIN_ID, honorSet(4));
    return { checkpoint, certificate: makeCertificate(idealScheme, keys, checkpoint, 0, precommits) };
  };
  const signers = (...bytes: number[]): Decision => ({
    ...decision,
    certificate: { ...decision.certificate, signers: Uint8Array.from(bytes) },
  });
  return { decision, certified, signers };
}
const say = (decision: Decision): Packet => ({ kind: "decision", decision });

/** A node of a set that took the place of the first one: its seat 3 is another member's. */
function afterHandOver() {
  const network = new SmallNetwork(4);
  const set = (indexes: number[]) =>
    indexes.map((index) => honorSet(5).members[index]) as HonorSet["members"];
  network.candidatesAt = (height) =>
    set(height < 8 ? [0, 1, 2, 3] : [0, 1, 2, 4]).map((member) => ({
      ...member,
      controller: member.account,
      stakeWei: 10n,
      score: 0n,
      isSuspended: false,
    }));
  network.runUntil(20_000);
  const node = network.nodes[0] as HonorNode;
  expect(node.honorSet.number).toBe(1);
  return { node, nowMs: network.nowMs };
}

/** What peers may send that a node refuses, by what it counts. */
const CASES: Partial<Record<PacketFault, () => PacketFault[]>> = {
  "invalid-signature": () => refused([blockOf(signed(2, bare))]),
  "set-unknown": () => refused([blockOf(by(1, { setNumber: 1 }))]),
  "tick-in-future": () => refused([blockOf(by(1, { tick: 3 }))]),
  "tick-before-set": () => {
    const { node, nowMs } = afterHandOver();
    return refused([blockOf(by(1, { setNumber: 1, tick: 1 }))], node, nowMs);
  },
  "below-pruning-point": () => {
    const network = new SmallNetwork(4, { ...LONG_PAST, mergeDepth: 20, pruningDepth: 40 });
    network.runUntil(90_000);
    return refused([blockOf(by(1, { tick: 1 }))], network.nodes[0], network.nowMs);
  },
  "parent-count": () => refused([blockOf(by(1, { parents: Array(5).fill("genesis") }))]),
  "block-too-large": () => refused([blockOf(by(1, { transactions: [heavy(100_001, 21_000)] }))]),
  "block-gas": () => refused([blockOf(by(1, { transactions: [heavy(1, 1_000_001)] }))]),
  "too-many-of-tick": () =>
    refused([[], [heavy(1, 1)], [heavy(2, 2)]].map((transactions) => blockOf(by(1, { transactions })))),
  "tick-before-parent": () => {
    const parent = by(2);
    return refused([parent, by(1, { tick: 1, parents: [blockId(parent)] })].map(blockOf));
  },
  "redundant-parent": () => {
    const parent = by(2);
    return refused([parent, by(1, { parents: ["genesis", blockId(parent)] })].map(blockOf));
  },
  "second-of-tick": () => {
    const first = by(1);
    return refused([first, by(1, { parents: [blockId(first)] })].map(blockOf));
  },
  // Of six, seats 0, 2 and 4 have duty in slot 0.
  "off-duty": () => refused([blockOf(by(1, { tick: 0 }))], started(6)),
  "merge-too-deep": () => refused(fork(20, 1), started(4, { ...LONG_PAST, mergeDepth: 10 }), 30 * TICK_MS),
  "mergeset-too-large": () => refused(fork(110, 105), started(), 200 * TICK_MS),
  "vote-of-stranger": () => refused([vote({ sender: 9 })]),
  "vote-from-ahead": () => refused([vote({ height: 100 })]),
  "certificate-signers": () => {
    const { signers } = decisions();
    // Fewer than a quorum; one outside the set; another set.
    return refused([signers(0b0001), signers(0b11110111), signers(0b0111, 0)].map(say));
  },
  "certificate-signature": () => refused([say(decisions().signers(0b1110))]),
  "decision-of-other-history": () => refused([say(decisions().certified({ parentId: "other" }))]),
  "decision-mismatch": () => {
    const { decision, certified } = decisions();
    return refused([say({ ...decision, certificate: certified({ tick: 77 }).certificate })]);
  },
  "next-set-missing": () => refused([say(decisions().certified({ nextSetId: "ab".repeat(32) }))]),
};

/** What other tests hold, of the parts that meet it. */
const ELSEWHERE: readonly PacketFault[] = [
  // Of frames and streams (@aios/peer-network), of what is read before the protocol sees it, and of snapshots (services/consensus).
  "frame-too-large",
  "peer-silent",
  "peer-not-reading",
  "unsupported-packet",
  "malformed-packet",
  "too-many-packets",
  "too-many-transactions",
  "transaction",
  "transaction-unread",
  "log-behind",
  "execution-behind",
  "invalid-snapshot",
  // block-exchange.spec.ts
  "compact-mismatch",
  "wrong-transactions",
  "unasked",
  "no-answer",
  "over-budget",
  "too-many-blocks",
  // finality-driver.spec.ts
  "vote-too-many",
  "contradiction",
];

describe("what is wrong with a packet", () => {
  for (const [fault, sent] of Object.entries(CASES))
    it(`is counted against the peer by name: ${fault}`, () => {
      const found = sent();
      expect(found.length).toBeGreaterThan(0);
      expect(new Set(found)).toEqual(new Set([fault]));
    });

  it("is met by a test, each of its names", () => {
    expect([...Object.keys(CASES), ...ELSEWHERE].sort()).toEqual(Object.keys(PACKET_FAULTS).sort());
  });

  it("is malice only where no clock, pace or past of the peer's explains it", () => {
    const innocent = Object.keys(PACKET_FAULTS).filter((fault) => !isMalice(fault as PacketFault));
    expect(innocent).toEqual(
      expect.arrayContaining(["set-unknown", "tick-in-future", "below-pruning-point", "vote-from-ahead"]),
    );
  });

  it("comes out when a block's parents are there, too, and is held against who sent it", () => {
    const parent = by(2);
    const late = by(1, { tick: 1, parents: [blockId(parent)] });
    const node = started();
    node.handle({ kind: "packet", from: PEER, packet: blockOf(late) }, NOW);
    const outputs = node.handle({ kind: "packet", from: account(3), packet: blockOf(parent) }, NOW);
    expect(outputs).toContainEqual({ kind: "refused", peer: PEER, fault: "tick-before-parent" });
  });

  it("costs no memory and few questions, however often it comes", () => {
    const node = started();
    const before = node.sizes;
    let asked = 0;
    const count = (outputs: readonly NodeOutput[]): void => {
      for (const output of outputs)
        if (output.kind === "send" && output.packet.kind === "want") asked += output.packet.ids.length;
    };
    for (let flood = 0; flood < 2_000; flood++) {
      const name = flood.toString(16).padStart(64, "0");
      const tips = { kind: "status", height: 1, tips: [name] } as const;
      const orphan = blockOf(by(1, { parents: [name], transactions: [heavy(flood + 1, flood + 1)] }));
      for (const packet of [tips, orphan]) count(node.handle({ kind: "packet", from: PEER, packet }, NOW));
    }
    expect(node.sizes).toEqual(before);
    expect(asked).toBeLessThanOrEqual(64);
  });
});
