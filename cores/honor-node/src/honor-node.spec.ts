import { checkpointId } from "@aios/core-finality/checkpoint";
import { describe, expect, it } from "vitest";
import {
  account,
  LONG_PAST,
  SmallNetwork,
  settings,
  signed,
  TICK_MS,
  transaction,
} from "../test/small-network.js";
import { blockId, type DagBlock, isWhole } from "./dag-block.js";
import { HonorNode } from "./honor-node.js";
import type { Packet } from "./node-protocol.js";
import { isMalice, PACKET_FAULTS } from "./packet-faults.js";

/** So short a past is kept that it is pruned within a minute. */
const SHORT = { mergeDepth: 20, pruningDepth: 40, reputationWindow: 10, maxHeldBytes: 4_096 };

describe("honor nodes", () => {
  it("order what users submit, the same on every node, and attest the state one checkpoint later", () => {
    const network = new SmallNetwork(4);
    network.runUntil(1_500);
    const sent = [transaction(0), transaction(1), transaction(0, 1)];
    for (const [index, one] of sent.entries())
      network.input(index, { kind: "transactions", transactions: [one] });
    network.runUntil(8_000);
    for (const ordered of network.ordered) {
      expect(ordered).toEqual(network.ordered[0]);
      expect([...ordered].sort()).toEqual(["0-0", "0-1", "1-0"]);
    }
    const last = network.nodes[0]?.height ?? 0;
    expect(last).toBeGreaterThan(5);
    for (let height = 1; height < last - 1; height++) {
      const ids = network.nodes.map((node) => checkpointId(node.decision(height)?.checkpoint as never));
      expect(new Set(ids).size).toBe(1);
      expect(network.nodes[0]?.decision(height)?.checkpoint.attestedRoot).toBe(`root-${height - 1}`);
    }
    expect(network.evidence).toEqual([]);
  });

  it("go on after a crash from the log alone, without a word against what they said", () => {
    const network = new SmallNetwork(4);
    network.runUntil(3_000);
    network.input(1, { kind: "transactions", transactions: [transaction(0)] });
    network.runUntil(3_005);
    for (const index of [0, 1, 2]) network.restart(index);
    network.runUntil(9_000);
    expect(network.evidence).toEqual([]);
    expect(network.ordered[3]).toEqual(["0-0"]);
    expect(network.nodes[0]?.height).toBeGreaterThan(6);
    expect(network.nodes[1]?.pooled).toBe(0);
  });

  it("catch up from nothing by ranges, a whole one in each round trip", () => {
    const network = new SmallNetwork(4);
    network.silent.add(3);
    network.runUntil(4_000);
    network.input(0, { kind: "transactions", transactions: [transaction(0)] });
    network.runUntil(60_000);
    const height = network.nodes[0]?.height ?? 0;
    expect(height).toBeGreaterThan(40);
    network.silent.delete(3);
    network.lose(3);
    network.runUntil(61_500);
    expect(network.nodes[3]?.height).toBeGreaterThanOrEqual(height);
    expect(network.ordered[3]).toEqual(network.ordered[0]);
    expect(network.evidence).toEqual([]);
  });

  it("forget what no later block needs, and go on from what is left", () => {
    const network = new SmallNetwork(4, SHORT);
    let sent = 0;
    const user = (untilMs: number): void => {
      for (; network.nowMs < untilMs; network.runUntil(network.nowMs + 2_000))
        network.input(sent % 4, { kind: "transactions", transactions: [transaction(sent++)] });
    };
    user(60_000);
    const sizes = network.nodes[0]?.sizes;
    const logged = network.logs[0]?.size ?? 0;
    user(180_000);
    for (const [index, node] of network.nodes.entries()) {
      expect(node.height).toBeGreaterThan(120);
      expect(node.sizes.dagBlocks).toBeLessThan(2 * SHORT.pruningDepth);
      expect(node.sizes.decisions).toBeLessThan(60);
      expect(node.sizes.heldBytes).toBeLessThanOrEqual((sizes?.heldBytes ?? 0) + 4_096);
      expect(network.logs[index]?.size).toBeLessThan(logged + 60);
    }
    const before = network.nodes.map(({ height }) => height);
    for (const index of [0, 1, 2, 3]) network.restart(index);
    expect(network.nodes.map(({ height }) => height)).toEqual(before);
    user(190_000);
    network.runUntil(195_000);
    expect(network.nodes[0]?.height).toBeGreaterThan((before[0] ?? 0) + 5);
    const last = (index: number) => network.ordered[index]?.slice(-5);
    expect(last(0)).toEqual([5, 4, 3, 2, 1].map((back) => `0-${sent - back}`));
    for (const index of [1, 2, 3]) expect(last(index)).toEqual(last(0));
    expect(network.evidence).toEqual([]);
  });

  it("of an archive give a node that starts from nothing all that was ever ordered", () => {
    const network = new SmallNetwork(4, { ...SHORT, archive: true });
    network.silent.add(3);
    network.runUntil(1_500);
    network.input(0, { kind: "transactions", transactions: [transaction(0)] });
    network.runUntil(120_000);
    expect(network.nodes[0]?.sizes.dagBlocks).toBeLessThan(2 * SHORT.pruningDepth);
    network.silent.delete(3);
    network.lose(3);
    network.runUntil(130_000);
    expect(network.nodes[3]?.height).toBeGreaterThanOrEqual((network.nodes[0]?.height ?? 0) - 1);
    expect(network.ordered[3]).toEqual(["0-0"]);
    expect(network.evidence).toEqual([]);
  });

  it("ask for the blocks of heights whose decisions they have, also those that peers hold in their archives alone", () => {
    const network = new SmallNetwork(4, { ...SHORT, archive: true });
    network.runUntil(1_500);
    network.silent.add(3);
    network.blockless.add(3);
    network.input(0, { kind: "transactions", transactions: [transaction(0)] });
    network.runUntil(120_000);
    expect(network.nodes[0]?.sizes.dagBlocks).toBeLessThan(2 * SHORT.pruningDepth);
    expect(network.nodes[3]?.height).toBeGreaterThan(60);
    expect(network.ordered[3]).toEqual([]);
    network.blockless.delete(3);
    network.silent.delete(3);
    network.runUntil(130_000);
    expect(network.ordered[3]).toEqual(["0-0"]);
    expect(network.evidence).toEqual([]);
  });

  it("of an archive give single blocks that were pruned from memory", () => {
    const network = new SmallNetwork(4, { ...SHORT, archive: true });
    network.runUntil(5_000);
    const [old] = network.nodes[0]?.blocksOfTick(2) ?? [];
    const id = old === undefined ? "" : blockId(old);
    network.runUntil(120_000);
    expect(network.nodes[0]?.block(id)).toBeUndefined();
    const answers = network.input(0, {
      kind: "packet",
      from: account(1),
      packet: { kind: "want", ids: [id] },
    });
    expect(answers).toContainEqual({ kind: "send", to: account(1), packet: { kind: "block", block: old } });
  });

  it("catch up although a peer claims a height that it does not have", () => {
    const network = new SmallNetwork(4);
    network.silent.add(3);
    network.runUntil(20_000);
    const height = network.nodes[0]?.height ?? 0;
    network.silent.delete(3);
    network.lose(3);
    const status = { kind: "status", height: 1_000_000, tips: [] } as const;
    // Each word of the liar ends its own range and would begin the next one.
    for (let nowMs = 20_001; nowMs < 23_000; nowMs += 3) {
      network.runUntil(nowMs);
      network.input(3, { kind: "packet", from: "liar", packet: status });
    }
    expect(network.nodes[3]?.height).toBeGreaterThanOrEqual(height);
  });

  it("take what a mempool keeps without writing it down, give it up, and take it back", () => {
    const node = new HonorNode(settings(0));
    node.start([], 0);
    const [one, two] = [transaction(0), transaction(1)];
    const pooled = node.handle({ kind: "pooled", transactions: [one, two], isOwn: true }, 10);
    expect(pooled).toEqual([
      { kind: "send", to: undefined, packet: { kind: "transactions", transactions: [one, two] } },
    ]);
    expect(node.handle({ kind: "pooled", transactions: [one], isOwn: false }, 11)).toEqual([]);
    node.handle({ kind: "dropped", ids: [one.id] }, 12);
    expect([node.placeOf(one.id), node.pooled]).toEqual([undefined, 1]);
    node.handle({ kind: "pooled", transactions: [one], isOwn: false }, 13);
    expect(node.pooled).toBe(2);
  });

  it("decide though one of six is silent", () => {
    const network = new SmallNetwork(6);
    network.silent.add(1);
    network.runUntil(12_000);
    expect(network.nodes[0]?.height).toBeGreaterThan(6);
  });

  it("decide empty blocks a while later, and at once those with transactions and what attests them", () => {
    const network = new SmallNetwork(4);
    const { checkpointIntervalMs, emptyAfterMs } = settings(0);
    network.runUntil(1_000);
    const before = network.nodes[0]?.height ?? 0;
    network.runUntil(21_000);
    const idle = (network.nodes[0]?.height ?? 0) - before;
    expect(idle).toBeGreaterThan(20);
    expect(idle).toBeLessThanOrEqual(20_000 / (checkpointIntervalMs + emptyAfterMs));
    const until = (isSo: () => boolean): number => {
      const fromMs = network.nowMs;
      while (!isSo() && network.nowMs < fromMs + 10_000) network.runUntil(network.nowMs + 10);
      return network.nowMs - fromMs;
    };
    network.input(0, { kind: "transactions", transactions: [transaction(0)] });
    until(() => network.ordered[0]?.length === 1);
    const height = network.nodes[0]?.height ?? 0;
    // One height after the other, each as soon as its time has come; then the chain rests again.
    expect(until(() => network.nodes[0]?.height === height + 1)).toBeLessThan(checkpointIntervalMs + 100);
    const rest = until(() => network.nodes[0]?.height === height + 2);
    expect(rest).toBeGreaterThan(checkpointIntervalMs + emptyAfterMs - 50);
  });

  it("decide empty blocks in the first round, however long their leaders would wait", () => {
    for (const checkpointIntervalMs of [250, 500, 900]) {
      const network = new SmallNetwork(4, { ...LONG_PAST, checkpointIntervalMs, emptyAfterMs: 5_000 });
      network.runUntil(20_000);
      const height = network.nodes[0]?.height ?? 0;
      expect(height).toBeGreaterThan(10);
      const rounds = Array.from(
        { length: height - 1 },
        (_, at) => network.nodes[0]?.decision(at + 1)?.certificate.round,
      );
      expect(new Set(rounds)).toEqual(new Set([0]));
    }
  });

  it("take over the senders of a seat that makes no blocks", () => {
    const network = new SmallNetwork(4);
    network.silent.add(3);
    network.runUntil(10 * TICK_MS);
    const senders = Array.from({ length: 12 }, (_, user) => transaction(0, user));
    network.input(0, { kind: "transactions", transactions: senders });
    network.runUntil(11.9 * TICK_MS);
    const blocks = [10, 11].flatMap((tick) => network.nodes[0]?.blocksOfTick(tick) ?? []);
    const taken = blocks.flatMap((block) => (isWhole(block) ? block.transactions : []));
    expect(taken.map(({ id }) => id).sort()).toEqual(senders.map(({ id }) => id).sort());
  });

  it("accept no more transactions than the pool holds", () => {
    const node = new HonorNode(settings(0));
    node.start([], 0);
    const many = Array.from({ length: 25 }, (_, nonce) => transaction(nonce));
    const outputs = node.handle({ kind: "transactions", transactions: many }, 10);
    expect(outputs.filter(({ kind }) => kind === "rejected")).toHaveLength(5);
    expect(outputs.find(({ kind }) => kind === "accepted")).toMatchObject({ transactions: { length: 20 } });
    expect(node.pooled).toBe(20);
  });
});

describe("a block from a peer", () => {
  const bare = { setNumber: 0, seat: 1, tick: 2, parents: ["genesis"], transactions: [] };
  const NOW = 2 * TICK_MS + 10;
  const TOO_MANY = { kind: "refused", peer: account(1), fault: "too-many-of-tick" };
  const receive = (node: HonorNode, block: DagBlock, nowMs = NOW) =>
    node.handle({ kind: "packet", from: account(1), packet: { kind: "block", block } }, nowMs);
  const started = (size = 4): HonorNode => {
    const node = new HonorNode(settings(0, size));
    node.start([], 0);
    return node;
  };
  const isKept = (block: DagBlock, size = 4): boolean =>
    receive(started(size), block).some(({ kind }) => kind === "persist");

  it("is written down when it is right", () => {
    expect(isKept(signed(1, bare))).toBe(true);
  });

  it("is dropped when its signature, tick, parents, set or duty is wrong", () => {
    expect(isKept({ ...signed(1, bare), tick: 1 })).toBe(false);
    expect(isKept(signed(2, bare))).toBe(false);
    expect(isKept(signed(1, { ...bare, tick: 3 }))).toBe(false);
    expect(isKept(signed(1, { ...bare, parents: [] }))).toBe(false);
    expect(isKept(signed(1, { ...bare, parents: Array(5).fill("genesis") }))).toBe(false);
    expect(isKept(signed(1, { ...bare, setNumber: 1 }))).toBe(false);
    expect(isKept(signed(1, { ...bare, seat: 9 }))).toBe(false);
    // Of six, seats 0, 2 and 4 have duty in slot 0; slot 1 is the others'.
    expect(isKept(signed(1, { ...bare, tick: 0 }), 6)).toBe(false);
    expect(isKept(signed(1, bare), 6)).toBe(true);
  });

  it("puts the blame for a wrong signature on the peer, and none for what it may not know better", () => {
    const faults = (block: DagBlock) =>
      receive(started(), block).flatMap((output) => (output.kind === "refused" ? [output.fault] : []));
    expect(faults(signed(2, bare))).toEqual(["invalid-signature"]);
    expect(faults({ ...signed(1, bare), tick: 1 })).toEqual(["invalid-signature"]);
    expect(faults(signed(1, bare))).toEqual([]);
    const innocent = [signed(1, { ...bare, setNumber: 1 }), signed(1, { ...bare, tick: 3 })].flatMap(faults);
    expect(innocent).toEqual(["set-unknown", "tick-in-future"]);
    expect(innocent.some(isMalice)).toBe(false);
  });

  it("is asked for its parents, and waits within bounds", () => {
    const node = started();
    const parents = Array.from({ length: 30 }, (_, at) =>
      signed(1, { ...bare, tick: 1, parents: [`lost-${at}`] }),
    );
    const outputs = receive(node, parents[0] as DagBlock);
    expect(outputs).toContainEqual({
      kind: "send",
      to: account(1),
      packet: { kind: "want", ids: ["lost-0"] },
    });
    for (const block of parents) receive(node, block);
    const gossip = node.handle({ kind: "timer", timer: { kind: "gossip" } }, NOW);
    const wanted = gossip.flatMap((output) =>
      output.kind === "send" && output.packet.kind === "want" ? output.packet.ids : [],
    );
    expect(wanted.length).toBeLessThanOrEqual(10);
  });

  it("leaves nothing when its tick, its parents' number or its size cannot be right, even if its parents are missing", () => {
    const node = started();
    const lost = { ...bare, parents: ["lost"] };
    const left = (block: DagBlock) => receive(node, block).filter(({ kind }) => kind !== "refused");
    expect(left(signed(1, { ...lost, tick: 3 }))).toEqual([]);
    expect(left(signed(1, { ...lost, tick: 2 ** 48 }))).toEqual([]);
    expect(left(signed(1, { ...lost, parents: Array(5).fill("lost") }))).toEqual([]);
    const heavy = { ...transaction(0), payload: new Uint8Array(100_001) };
    expect(left(signed(1, { ...lost, transactions: [heavy] }))).toEqual([]);
    expect(left(signed(1, lost))).not.toEqual([]);
  });

  it("of more bytes than a block may have is not written down", () => {
    const ofBytes = (bytes: number) => [{ ...transaction(0), payload: new Uint8Array(bytes) }];
    expect(isKept(signed(1, { ...bare, transactions: ofBytes(100_000) }))).toBe(true);
    expect(isKept(signed(1, { ...bare, transactions: ofBytes(100_001) }))).toBe(false);
    const ofGas = (gasLimit: number) => [{ ...transaction(0), gasLimit }];
    expect(isKept(signed(1, { ...bare, transactions: ofGas(1_000_000) }))).toBe(true);
    expect(isKept(signed(1, { ...bare, transactions: ofGas(1_000_001) }))).toBe(false);
  });

  it("convicts a maker of two in a tick, once, and a third is not even kept", () => {
    const node = started();
    const second = signed(1, { ...bare, transactions: [transaction(0)] });
    const third = signed(1, { ...bare, transactions: [transaction(1)] });
    receive(node, signed(1, bare));
    const outputs = receive(node, second);
    expect(outputs).toContainEqual(expect.objectContaining({ kind: "evidence", seat: 1, setNumber: 0 }));
    expect(receive(node, second)).toEqual([]);
    expect(receive(node, third)).toEqual([TOO_MANY]);
  });

  it("is not written down when a parent descends from another, which some may have pruned", () => {
    const first = signed(1, bare);
    const second = signed(2, { ...bare, seat: 2, parents: [blockId(first)] });
    const isKeptWith = (parents: string[]): boolean => {
      const node = started();
      for (const block of [first, second]) receive(node, block);
      const outputs = receive(node, signed(3, { ...bare, seat: 3, parents }));
      return outputs.some(({ kind }) => kind === "persist");
    };
    expect(isKeptWith([blockId(second)])).toBe(true);
    expect(isKeptWith([blockId(second), blockId(first)])).toBe(false);
    expect(isKeptWith(["genesis", blockId(second)])).toBe(false);
    expect(isKeptWith([blockId(second), blockId(second)])).toBe(false);
  });

  it("beyond a maker's second for a tick is not taken in since a peer says that it is a tip", () => {
    const node = started();
    const [first, second, third] = [undefined, 0, 1].map((nonce) =>
      signed(1, { ...bare, transactions: nonce === undefined ? [] : [transaction(nonce)] }),
    ) as [DagBlock, DagBlock, DagBlock];
    for (const block of [first, second]) receive(node, block);
    const packet = { kind: "status", height: 1, tips: [blockId(third)] } as const;
    node.handle({ kind: "packet", from: account(1), packet }, NOW);
    expect(receive(node, third)).toEqual([TOO_MANY]);
  });

  it("of which its maker signed too many costs who was asked for it nothing, and is not asked for again", () => {
    const node = started();
    const [first, second, third] = [undefined, 0, 1].map((nonce) =>
      signed(1, { ...bare, transactions: nonce === undefined ? [] : [transaction(nonce)] }),
    ) as [DagBlock, DagBlock, DagBlock];
    for (const block of [first, second]) receive(node, block);
    expect(receive(node, third)).toEqual([TOO_MANY]);
    expect(PACKET_FAULTS["too-many-of-tick"]).toBe(0);
    const packet = { kind: "status", height: 1, tips: [blockId(third)] } as const;
    const wanted = node
      .handle({ kind: "packet", from: account(2), packet }, NOW)
      .filter((output) => output.kind === "send" && output.packet.kind === "want");
    expect(wanted).toEqual([]);
  });

  it("is kept unasked or not when another builds on it", () => {
    const node = started();
    receive(node, signed(1, bare));
    receive(node, signed(1, { ...bare, transactions: [transaction(0)] }));
    const third = signed(1, { ...bare, transactions: [transaction(1)] });
    receive(node, signed(2, { ...bare, seat: 2, parents: [blockId(third)] }));
    expect(receive(node, third).filter(({ kind }) => kind === "persist")).toHaveLength(2);
  });
});

describe("a vote or a decision from a peer", () => {
  it("is blamed on the peer when its signature or certificate is wrong", () => {
    const network = new SmallNetwork(4);
    network.runUntil(2_000);
    const decision = network.nodes[0]?.decision(1);
    if (decision === undefined) throw new Error("nothing was decided");
    const node = new HonorNode(settings(0));
    node.start([], 0);
    const ask = (packet: Packet) =>
      node
        .handle({ kind: "packet", from: account(2), packet }, 2_000)
        .filter(({ kind }) => kind === "refused");
    const forged = { ...decision, certificate: { ...decision.certificate, signature: new Uint8Array(32) } };
    expect(ask({ kind: "decision", decision: forged })).toEqual([
      { kind: "refused", peer: account(2), fault: "certificate-signature" },
    ]);
    const message = {
      kind: "prevote",
      height: 1,
      round: 0,
      sender: 1,
      checkpointId: decision.certificate.checkpointId,
    } as const;
    expect(ask({ kind: "vote", message, signature: "00".repeat(32) })).toEqual([
      { kind: "refused", peer: account(2), fault: "invalid-signature" },
    ]);
    expect(ask({ kind: "decision", decision })).toEqual([]);
  });
});
