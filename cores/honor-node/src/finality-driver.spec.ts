import { type FinalityMessage, signedBytes, type Vote } from "@aios/core-finality/messages";
import { bytesToHex } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { account, CHAIN_ID, honorSet, SmallNetwork, settings, signature } from "../test/small-network.js";
import { HonorNode } from "./honor-node.js";
import type { NodeOutput, NodeTimer, Packet } from "./node-protocol.js";

type VotePacket = Extract<Packet, { kind: "vote" }>;

const isVote = (packet: Packet): packet is VotePacket => packet.kind === "vote";

const signedVote = (message: FinalityMessage): Packet => ({
  kind: "vote",
  message,
  signature: bytesToHex(signature(message.sender, signedBytes(CHAIN_ID, message))),
});

/** Runs a network until something holds; fails after `mostMs`. */
function runUntil(network: SmallNetwork, holds: () => boolean, mostMs: number): void {
  const endMs = network.nowMs + mostMs;
  while (!holds()) {
    expect(network.nowMs).toBeLessThan(endMs);
    network.runUntil(network.nowMs + 50);
  }
}

function recordOf(network: SmallNetwork, index: number) {
  for (const entry of network.logs[index]?.entries() ?? []) if (entry.kind === "safety") return entry.record;
  return undefined;
}

describe("four nodes, one of them Byzantine", () => {
  /**
   * Node 2 alone sees the certificate of round 0 of height 5: it tells node 3 another prevote than the others, who precommit
   * while node 3 does not, and keeps its own precommit to itself. It leads height 6, proposes to 0 and 1 alone and is silent
   * from then on.
   */
  function splitParent(): SmallNetwork {
    const network = new SmallNetwork(4);
    const saysNil = (packet: VotePacket): Packet =>
      signedVote({ ...packet.message, checkpointId: undefined } as Vote);
    const hasPrecommitted = (): boolean =>
      recordOf(network, 3)?.height === 5 && recordOf(network, 3)?.step === "precommit";
    let isNodeThreeLate = true;
    network.carry = (packet, from, to) => {
      if (from === 2 && packet.kind === "decision" && packet.decision.checkpoint.height >= 5)
        return undefined;
      if (!isVote(packet)) return packet;
      const { kind, height, round, sender } = packet.message;
      if (hasPrecommitted()) isNodeThreeLate = false;
      if (height === 5 && round === 0 && kind === "prevote" && to === 3) {
        if (isNodeThreeLate && (sender === 0 || sender !== from)) return undefined;
        if (from === 2) return sender === 2 ? saysNil(packet) : undefined;
      }
      if (from !== 2 || height < 5) return packet;
      const isSaid = height === 5 ? round === 0 : height === 6 && round === 0 && to < 2;
      return isSaid && kind !== "precommit" ? packet : undefined;
    };
    runUntil(network, () => [0, 1].every((node) => isLockedAt(network, node, 6)), 60_000);
    const rounds = [0, 2].map((node) => network.nodes[node]?.decision(5)?.certificate.round);
    expect(rounds[0]).toBeGreaterThan(0);
    expect(rounds[1]).toBe(0);
    return network;
  }

  const isLockedAt = (network: SmallNetwork, node: number, height: number): boolean => {
    const record = recordOf(network, node);
    return record?.height === height && record.locked?.parentRound === 0;
  };

  it("decide what names another round of the parent than most of them know of", () => {
    const network = splitParent();
    runUntil(network, () => [0, 1, 3].every((node) => (network.nodes[node]?.height ?? 0) > 9), 60_000);
    expect(network.nodes[3]?.decision(6)?.checkpoint.parentRound).toBe(0);
  });

  it("decide it also after those who know of that round were restarted", () => {
    const network = splitParent();
    for (const node of [0, 1]) network.restart(node);
    runUntil(network, () => [0, 1, 3].every((node) => (network.nodes[node]?.height ?? 0) > 9), 60_000);
    expect(network.nodes[3]?.decision(6)?.checkpoint.parentRound).toBe(0);
  });

  it("take one back that missed more rounds than messages are kept of", () => {
    const network = new SmallNetwork(4);
    network.runUntil(3_000);
    // Node 3 is cut off; node 2 gets no proposals and its own get lost, so that it votes nil in time.
    network.carry = (packet, from, to) => {
      if (from === 3 || to === 3) return undefined;
      const isProposal = isVote(packet) && packet.message.kind === "proposal";
      return isProposal && (from === 2 || to === 2) ? undefined : packet;
    };
    const { maxRoundsAhead } = settings(0);
    runUntil(network, () => (recordOf(network, 0)?.round ?? 0) > maxRoundsAhead + 3, 400_000);
    const height = network.nodes[0]?.height ?? 0;
    expect(network.nodes[3]?.height).toBe(height);
    network.carry = (packet, from) => (from === 2 ? undefined : packet);
    runUntil(
      network,
      () => [0, 1, 3].every((node) => (network.nodes[node]?.height ?? 0) > height + 3),
      60_000,
    );
    expect(network.evidence).toEqual([]);
  });
});

describe("a decision", () => {
  it("waits for the set that it names, and holds once the state tells it", () => {
    const network = new SmallNetwork(4);
    // The member of seat 2 is suspended from height 4 on, and another account takes its place.
    network.candidatesAt = (height) =>
      honorSet(5).members.map((member, index) => ({
        ...member,
        controller: member.account,
        stakeWei: 1n,
        score: 0n,
        isSuspended: height >= 4 && index === 2,
      }));
    // Node 3 executes nothing yet, and hears of the hand-over from the votes alone, which name a set by its id.
    network.slow.set(3, []);
    network.carry = (packet, _, to) => {
      if (to !== 3) return packet;
      if (packet.kind === "decision") return packet.decision.nextSet === undefined ? packet : undefined;
      return isVote(packet) ? { ...packet, nextSet: undefined } : packet;
    };
    runUntil(network, () => network.nodes[0]?.honorSet.number === 1, 60_000);
    network.runUntil(network.nowMs + 500);
    expect(network.nodes[3]?.honorSet.number).toBe(0);
    network.finishSlow(3);
    runUntil(network, () => network.nodes[3]?.honorSet.number === 1, 2_000);
    expect(network.nodes[3]?.honorSet).toEqual(network.nodes[0]?.honorSet);
  });
});

describe("votes of one node", () => {
  const prevote = (checkpoint: number, round = 0, sender = 1): Vote => ({
    kind: "prevote",
    height: 1,
    round,
    sender,
    checkpointId: checkpoint.toString(16).padStart(64, "0"),
  });

  function counting() {
    let checks = 0;
    const plain = settings(0);
    const node = new HonorNode({
      ...plain,
      scheme: {
        ...plain.scheme,
        verify: (...given) => {
          checks += 1;
          return plain.scheme.verify(...given);
        },
      },
    });
    node.start([], 0);
    const receive = (message: FinalityMessage, peer = 1, nowMs = 10) =>
      node.handle({ kind: "packet", from: account(peer), packet: signedVote(message) }, nowMs);
    return { receive, checks: () => checks };
  }

  it("cost two checks of a signature for a step, whatever it signs, until others say the same", () => {
    const { receive, checks } = counting();
    for (let other = 0; other < 200; other++) receive(prevote(other));
    expect(checks()).toBe(2);
    for (const sender of [2, 3]) receive(prevote(150, 0, sender), sender);
    expect(checks()).toBe(4);
    receive(prevote(150));
    receive(prevote(150));
    expect(checks()).toBe(5);
  });

  it("convict it, and put the blame on who passes contradictions on", () => {
    const { receive } = counting();
    expect(receive(prevote(1))).toEqual([]);
    const blamed = { kind: "refused", peer: account(1), fault: "contradiction" };
    const second = receive(prevote(2));
    expect(second).toContainEqual(expect.objectContaining({ kind: "evidence", seat: 1 }));
    expect(second).toContainEqual(blamed);
    expect(receive(prevote(3))).toEqual([blamed, { ...blamed, fault: "vote-too-many" }]);
    // Another peer may have heard the other word alone.
    expect(receive(prevote(2), 2)).toEqual([]);
  });

  it("of rounds far ahead cost one check in a while", () => {
    const { receive, checks } = counting();
    for (let round = 100; round < 200; round++) receive(prevote(1, round));
    expect(checks()).toBe(1);
    receive(prevote(1, 300), 1, 10 + settings(0).gossipMs);
    receive(prevote(1, 250), 1, 10 + 2 * settings(0).gossipMs);
    expect(checks()).toBe(2);
  });
});

describe("what a node says itself", () => {
  it("is signed once, however often it says it again", () => {
    const signatures = new Map<string, number>();
    const { keys, ...others } = settings(0);
    const sign: typeof keys.sign = (key, bytes) => {
      const name = bytesToHex(bytes);
      signatures.set(name, (signatures.get(name) ?? 0) + 1);
      return keys.sign(key, bytes);
    };
    const subject = new HonorNode({ ...others, keys: { has: keys.has, sign } });
    const timers: { atMs: number; timer: NodeTimer }[] = [];
    const said: FinalityMessage[] = [];
    const perform = (outputs: readonly NodeOutput[], nowMs: number): void => {
      for (const output of outputs)
        if (output.kind === "timer") timers.push({ atMs: nowMs + output.delayMs, timer: output.timer });
        else if (output.kind === "send" && isVote(output.packet)) said.push(output.packet.message);
    };
    perform(subject.start([], 0), 0);
    // Alone it goes from round to round, and says what it said at each gossip.
    for (let nowMs = 0; nowMs < 20_000; ) {
      timers.sort((a, b) => a.atMs - b.atMs);
      const next = timers.shift();
      if (next === undefined) break;
      nowMs = next.atMs;
      perform(subject.handle({ kind: "timer", timer: next.timer }, nowMs), nowMs);
    }
    expect(said.length).toBeGreaterThan(20);
    expect(new Set(said).size).toBeLessThan(said.length);
    expect(new Set(signatures.values())).toEqual(new Set([1]));
  });
});
