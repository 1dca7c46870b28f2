import { describe, expect, it } from "vitest";
import {
  account,
  idealScheme,
  LONG_PAST,
  SmallNetwork,
  settings,
  signed,
  TICK_MS,
} from "../test/small-network.js";
import { compactOf, shortIdOf } from "./compact-block.js";
import { blockId, type DagBlock, type OrderedTransaction } from "./dag-block.js";
import { HonorNode } from "./honor-node.js";
import type { NodeOutput, Packet } from "./node-protocol.js";

const NOW = 2 * TICK_MS + 10;
const MAKER = account(1);
const transaction = (user: number, bytes = 10): OrderedTransaction => ({
  id: `${user.toString().padStart(8, "0")}-transaction`,
  sender: `0x${(user + 1).toString(16).padStart(40, "a")}`,
  nonce: 0,
  gasLimit: 21_000,
  payload: new Uint8Array(bytes),
});
const all = Array.from({ length: 6 }, (_, user) => transaction(user));
const block: DagBlock = signed(1, {
  setNumber: 0,
  seat: 1,
  tick: 2,
  parents: ["genesis"],
  transactions: all,
});
const id = blockId(block);
const compact: Packet = { kind: "compact-block", block: compactOf(block) };

/** A node in whose pool these are; `say` hands it a packet and answers with what it does. */
function node(pooled: readonly OrderedTransaction[]) {
  const subject = new HonorNode(settings(0));
  subject.start([], 0);
  subject.handle({ kind: "pooled", transactions: pooled, isOwn: false }, 1);
  const say = (packet: Packet, from = MAKER, nowMs = NOW): readonly NodeOutput[] =>
    subject.handle({ kind: "packet", from, packet }, nowMs);
  const wait = (nowMs: number): readonly NodeOutput[] =>
    subject.handle({ kind: "timer", timer: { kind: "pull" } }, nowMs);
  return { subject, say, wait, has: () => subject.block(id) !== undefined };
}
const sends = (outputs: readonly NodeOutput[]) =>
  outputs.flatMap((output) => (output.kind === "send" ? [[output.to, output.packet] as const] : []));
const faults = (outputs: readonly NodeOutput[]) =>
  outputs.flatMap((output) => (output.kind === "refused" ? [[output.peer, output.fault]] : []));

describe("a block by the names of its transactions", () => {
  it("is put together from what waits here, without a question", () => {
    const { subject, say } = node(all);
    const outputs = say(compact);
    expect(sends(outputs).filter(([to]) => to !== undefined)).toEqual([]);
    expect(subject.block(id)).toEqual(block);
  });

  it("is put together from what was read of late, too", () => {
    const find = (shortId: string) => all.find((one) => shortIdOf(one.id) === shortId);
    const read = { find, isUnderway: () => false };
    const subject = new HonorNode({ ...settings(0), read });
    subject.start([], 0);
    subject.handle({ kind: "packet", from: MAKER, packet: compact }, NOW);
    expect(subject.block(id)).toEqual(block);
  });

  it("has what is missing asked of who sent it, once, and is whole with the answer", () => {
    const { say, has } = node(all.filter((_, at) => at !== 2 && at !== 5));
    const question = [MAKER, { kind: "want-transactions", block: id, places: [2, 5] }];
    expect(sends(say(compact))).toEqual([question]);
    expect(sends(say(compact, account(2)))).toEqual([]);
    const answer = { kind: "block-transactions", block: id, transactions: [all[2], all[5]] } as Packet;
    expect(faults(say(answer, account(2)))).toEqual([[account(2), "unasked"]]);
    expect(has()).toBe(false);
    say(answer);
    expect(has()).toBe(true);
    expect(faults(say(answer))).toEqual([[MAKER, "unasked"]]);
  });

  it("is fetched whole where most of it is missing", () => {
    const { say, has } = node(all.slice(0, 2));
    expect(sends(say(compact))).toEqual([[MAKER, { kind: "want", ids: [id] }]]);
    say({ kind: "block", block });
    expect(has()).toBe(true);
  });

  it("is fetched whole where its names lead to other transactions", () => {
    const { say } = node(all);
    const names = { ...compactOf(block), shortIds: [...compactOf(block).shortIds].reverse() };
    const outputs = say({ kind: "compact-block", block: names });
    expect(faults(outputs)).toEqual([[MAKER, "compact-mismatch"]]);
    expect(sends(outputs)).toEqual([[MAKER, { kind: "want", ids: [id] }]]);
  });

  it("is fetched from others where its sender gives other transactions, or none in time", () => {
    for (const isAnswered of [true, false]) {
      const { say, wait, has } = node(all.slice(1));
      say({ kind: "status", height: 1, tips: [] }, account(2));
      say(compact);
      const wrong = { kind: "block-transactions", block: id, transactions: [all[1]] } as Packet;
      const outputs = isAnswered ? say(wrong) : wait(NOW + settings(0).gossipMs / 2);
      expect(faults(outputs)).toEqual(isAnswered ? [[MAKER, "wrong-transactions"]] : []);
      const asked = sends(outputs);
      expect(asked).toHaveLength(1);
      expect(asked[0]?.[1]).toEqual({ kind: "want", ids: [id] });
      // Whoever is asked first, the other one is next.
      const next = sends(wait(NOW + 2 * settings(0).gossipMs)).map(([to]) => to);
      expect(new Set([asked[0]?.[0], ...next])).toEqual(new Set([MAKER, account(2)]));
      say({ kind: "block", block }, account(2));
      expect(has()).toBe(true);
    }
  });

  it("is taken from a late answer, too", () => {
    const { say, wait, has } = node(all.slice(1));
    say(compact);
    wait(NOW + settings(0).gossipMs);
    say({ kind: "block-transactions", block: id, transactions: [all[0] as OrderedTransaction] });
    expect(has()).toBe(true);
  });

  it("is fetched whole of who names other transactions than the peer that does not give them", () => {
    const { say, has } = node(all);
    const forged = compactOf(block).shortIds.with(0, "ab".repeat(8));
    say({ kind: "compact-block", block: { ...compactOf(block), shortIds: forged } }, account(2));
    expect(sends(say({ kind: "compact-block", block: compactOf(block) }, account(2)))).toEqual([]);
    expect(sends(say(compact))).toEqual([[MAKER, { kind: "want", ids: [id] }]]);
    say({ kind: "block", block });
    expect(has()).toBe(true);
  });

  it("is late, and no fault of who answers, where the whole of it came from another", () => {
    const { say, has } = node(all.slice(1));
    say(compact);
    say({ kind: "block", block }, account(2));
    expect(has()).toBe(true);
    const answer = { kind: "block-transactions", block: id, transactions: [all[0]] } as Packet;
    expect(faults(say(answer))).toEqual([]);
    expect(faults(say(answer))).toEqual([[MAKER, "unasked"]]);
  });

  it("waits for its transactions, however many another peer names and does not give", () => {
    const { say, has } = node(all.slice(1));
    say(compact);
    const later = 42 * TICK_MS;
    for (let tick = 3; tick <= 40; tick++) {
      const other = signed(2, { ...block, seat: 2, tick });
      say({ kind: "compact-block", block: compactOf(other) }, account(2), later);
    }
    const answer = { kind: "block-transactions", block: id, transactions: [all[0]] } as Packet;
    say(answer, MAKER, later);
    expect(has()).toBe(true);
  });

  it("is not asked for because others build on it while its transactions are awaited, and is once they are late", () => {
    const { say, wait } = node(all.slice(1));
    say(compact);
    const child = signed(2, { setNumber: 0, seat: 2, tick: 3, parents: [id], transactions: [] });
    const later = 3 * TICK_MS + 10;
    expect(sends(say({ kind: "block", block: child }, account(2), later))).toEqual([]);
    expect(sends(say({ kind: "status", height: 1, tips: [id] }, account(2), later))).toEqual([]);
    const asked = sends(wait(later + settings(0).gossipMs));
    expect(asked.map(([, packet]) => packet)).toEqual([{ kind: "want", ids: [id] }]);
  });

  it("is not asked for while it is read, but by gossip where that takes long", () => {
    const read = { find: () => undefined, isUnderway: (name: string) => name === id };
    const subject = new HonorNode({ ...settings(0), read });
    subject.start([], 0);
    const child = signed(2, { setNumber: 0, seat: 2, tick: 3, parents: [id], transactions: [] });
    const say = (packet: Packet, nowMs: number) =>
      sends(subject.handle({ kind: "packet", from: account(2), packet }, nowMs));
    const later = 3 * TICK_MS + 10;
    expect(say({ kind: "block", block: child }, later)).toEqual([]);
    expect(say({ kind: "status", height: 1, tips: [id] }, later)).toEqual([]);
    const outputs = subject.handle({ kind: "timer", timer: { kind: "gossip" } }, later);
    expect(sends(outputs)).toContainEqual([account(2), { kind: "want", ids: [id] }]);
  });

  it("is known by its signature once it is there", () => {
    const { subject, say } = node(all);
    expect(subject.holds(block)).toBe(false);
    say(compact);
    expect(subject.holds(block)).toBe(true);
    for (const other of [{ signature: "ab".repeat(32) }, { seat: 2 }, { tick: 3 }, { setNumber: 1 }])
      expect(subject.holds({ ...block, ...other })).toBe(false);
  });

  it("leaves nothing and asks nothing where its maker did not sign it", () => {
    const { say } = node([]);
    const forged = { ...compactOf(block), header: { ...compactOf(block).header, tick: 1 } };
    const outputs = say({ kind: "compact-block", block: forged });
    expect(outputs).toEqual([{ kind: "refused", peer: MAKER, fault: "invalid-signature" }]);
  });

  it("convicts the maker of two, before their transactions are there", () => {
    const { say } = node([]);
    const { signature: _, ...facts } = block;
    const other = signed(1, { ...facts, transactions: all.slice(1) });
    say(compact);
    const outputs = say({ kind: "compact-block", block: compactOf(other) });
    expect(outputs).toContainEqual(expect.objectContaining({ kind: "evidence", seat: 1 }));
  });
});

describe("a node that made a block", () => {
  it("names its transactions to all, and answers each that asks for some of them or for all", () => {
    const { subject, say } = node(all);
    const tick = (nowMs: number) => subject.handle({ kind: "timer", timer: { kind: "tick" } }, nowMs);
    const [to, packet] = sends(tick(5 * TICK_MS))[0] ?? [];
    expect(to).toBeUndefined();
    if (packet?.kind !== "compact-block") throw new Error("no block was made");
    const made = subject.block(blockId(packet.block.header)) as DagBlock;
    expect(made.transactions.length).toBeGreaterThan(0);
    const ask = { kind: "want-transactions", block: blockId(made), places: [0, 99] } as const;
    expect(sends(say(ask, account(2), 5 * TICK_MS))).toEqual([
      [
        account(2),
        { kind: "block-transactions", block: blockId(made), transactions: [made.transactions[0]] },
      ],
    ]);
    const want = { kind: "want", ids: [blockId(made)] } as const;
    expect(sends(say(want, account(2), 5 * TICK_MS))).toEqual([[account(2), { kind: "block", block: made }]]);
  });

  it("gives a peer no more than its budget, and goes on with time", () => {
    const large = all.map((one) => ({ ...one, payload: new Uint8Array(16_000) }));
    const { subject, say } = node(large);
    const outputs = subject.handle({ kind: "timer", timer: { kind: "tick" } }, 5 * TICK_MS);
    const own = outputs.flatMap((output) =>
      output.kind === "persist" && output.entry.kind === "block" ? [blockId(output.entry.block)] : [],
    );
    const want = { kind: "want", ids: own } as const;
    let answers = 0;
    while (faults(say(want, account(2), 5 * TICK_MS)).length === 0) answers += 1;
    const bytes = answers * (subject.block(own[0] ?? "")?.transactions.length ?? 0) * 16_000;
    expect(bytes).toBeGreaterThan(15_000_000);
    expect(bytes).toBeLessThan(18_000_000);
    expect(faults(say(want, account(2), 5 * TICK_MS))).toEqual([[account(2), "over-budget"]]);
    expect(sends(say(want, account(3), 5 * TICK_MS))).toHaveLength(1);
    expect(sends(say(want, account(2), 6 * TICK_MS))).toHaveLength(1);
  });
});

describe("blocks that are missing", () => {
  it("are asked of one peer at a time, however many say that they have them", () => {
    const { say, wait } = node([]);
    const status = { kind: "status", height: 1, tips: ["aa".repeat(32)] } as const;
    const asked = [1, 2, 3].map((peer) => sends(say(status, account(peer))).length);
    expect(asked).toEqual([1, 0, 0]);
    const outputs = wait(NOW + settings(0).gossipMs / 2);
    expect(faults(outputs)).toEqual([[account(1), "no-answer"]]);
    expect(sends(outputs)).toEqual([[account(2), { kind: "want", ids: status.tips }]]);
  });

  it("cost a network of nodes that all have their transactions no more than names", () => {
    const network = new SmallNetwork(4, LONG_PAST);
    const kinds = new Map<string, number>();
    network.carry = (packet) => {
      kinds.set(packet.kind, (kinds.get(packet.kind) ?? 0) + 1);
      return packet;
    };
    network.runUntil(1_500);
    for (let user = 0; user < 12; user++)
      network.input(user % 4, { kind: "transactions", transactions: [transaction(user)] });
    network.runUntil(8_000);
    expect(network.ordered[3]).toHaveLength(12);
    expect(kinds.get("compact-block")).toBeGreaterThan(0);
    for (const kind of ["want-transactions", "block-transactions"]) expect(kinds.get(kind)).toBeUndefined();
  });
});

describe("signatures of blocks", () => {
  const MOST_CHECKS = 512;
  const CHECKS_A_SECOND = 32;

  /** A node that counts the signatures that it checks. */
  function counting() {
    let checks = 0;
    const verify: typeof idealScheme.verify = (...signature) => {
      checks += 1;
      return idealScheme.verify(...signature);
    };
    const subject = new HonorNode({ ...settings(0), scheme: { ...idealScheme, verify } });
    subject.start([], 0);
    const say = (packet: Packet, nowMs: number, from = MAKER) =>
      faults(subject.handle({ kind: "packet", from, packet }, nowMs));
    return { subject, say, checks: () => checks };
  }
  /** Blocks of one seat, each on the one before. */
  function chainOf(length: number): DagBlock[] {
    const blocks: DagBlock[] = [];
    for (let tick = 1; tick <= length; tick++) {
      const last = blocks.at(-1);
      const parents = [last === undefined ? "genesis" : blockId(last)];
      blocks.push(signed(1, { setNumber: 0, seat: 1, tick, parents, transactions: [] }));
    }
    return blocks;
  }
  /** By its names, of which this node knows none, so that nothing of it comes into the DAG. */
  const headerAt = (tick: number): Packet => ({
    kind: "compact-block",
    block: compactOf(signed(1, { ...block, tick })),
  });
  const NOON = 10_000 * TICK_MS;

  it("are checked once, however often a block comes", () => {
    const { say, checks } = counting();
    for (let copy = 0; copy < 1_000; copy++) expect(say(headerAt(1), NOON)).toEqual([]);
    expect(checks()).toBe(1);
  });

  it("cost no more checks than a peer may cause, whatever a seat signs, and those of others none", () => {
    const { say, checks } = counting();
    const found = Array.from({ length: 5_000 }, (_, at) => say(headerAt(at + 1), NOON)).flat();
    expect(checks()).toBe(MOST_CHECKS);
    expect(found).toEqual(Array(5_000 - MOST_CHECKS).fill([MAKER, "too-many-blocks"]));
    // Replayed a second later, the ones that were checked cost nothing, and of the others so many come through.
    for (let at = 0; at < 5_000; at++) say(headerAt(at + 1), NOON + 1_000);
    expect(checks()).toBe(MOST_CHECKS + CHECKS_A_SECOND);
    expect(say(headerAt(6_000), NOON + 1_000)).toEqual([[MAKER, "too-many-blocks"]]);
    expect(say(headerAt(6_000), NOON + 1_000, account(2))).toEqual([]);
  });

  it("cost a peer nothing where its blocks come into the DAG: who is behind gets all of them at once", () => {
    const { subject, say } = counting();
    const blocks = chainOf(2_000);
    expect(blocks.flatMap((one) => say({ kind: "block", block: one }, NOON))).toEqual([]);
    expect(subject.block(blockId(blocks.at(-1) as DagBlock))).toBeDefined();
  });

  it("of 500 blocks that were asked for one after the other, back to where they begin, are all checked", () => {
    const subject = new HonorNode({ ...settings(0), maxWaitingBlocks: 1_000 });
    subject.start([], 0);
    const blocks = new Map(chainOf(500).map((one) => [blockId(one), one]));
    const tip = [...blocks.keys()].at(-1) as string;
    const send = (packet: Packet): void => {
      const outputs = subject.handle({ kind: "packet", from: MAKER, packet }, NOON);
      expect(faults(outputs)).toEqual([]);
      for (const [, asked] of sends(outputs))
        if (asked.kind === "want")
          for (const one of asked.ids) send({ kind: "block", block: blocks.get(one) as DagBlock });
    };
    send({ kind: "status", height: 1, tips: [tip] });
    expect(subject.block(tip)).toBeDefined();
  });
});

describe("what a decision orders", () => {
  it("comes first, however many blocks of a faulty seat wait for what does not exist", () => {
    const network = new SmallNetwork(4);
    network.runUntil(4_000);
    const source = network.nodes[2] as HonorNode;
    const subject = new HonorNode({ ...settings(0), maxWaitingBlocks: 1_000 });
    subject.start([], 0);
    let nowMs = 10_000 * TICK_MS;
    const say = (packet: Packet, from: string) => subject.handle({ kind: "packet", from, packet }, nowMs);
    for (let tick = 1; tick <= 512; tick++) {
      const parents = [0, 1, 2, 3].map((at) => (4 * tick + at).toString(16).padStart(64, "0"));
      say(
        { kind: "block", block: signed(1, { setNumber: 0, seat: 1, tick, parents, transactions: [] }) },
        MAKER,
      );
    }
    const honest = account(2);
    const decisions = [1, 2, 3, 4].flatMap((height) => source.decision(height) ?? []);
    expect(decisions).toHaveLength(4);
    for (const decision of decisions) say({ kind: "decision", decision }, honest);
    const tip = decisions.at(-1)?.checkpoint.tip as string;
    const answer = (outputs: readonly NodeOutput[]): void => {
      for (const [to, packet] of sends(outputs)) {
        if (to !== honest || packet.kind !== "want") continue;
        for (const one of packet.ids.flatMap((name) => source.block(name) ?? []))
          answer(say({ kind: "block", block: one }, honest));
      }
    };
    // The faulty one is asked, too, and lets each answer be waited for.
    for (let gossip = 1; gossip <= 2 * decisions.length; gossip++) {
      answer(subject.handle({ kind: "timer", timer: { kind: "gossip" } }, nowMs));
      nowMs += settings(0).gossipMs;
    }
    expect(subject.block(tip)).toBeDefined();
  });
});

describe("transactions", () => {
  it("are sent by the node that took them in where they are small, and announced where they are large", () => {
    const { subject } = node([]);
    const [small, large] = [transaction(1), transaction(2, 5_000)];
    const outputs = subject.handle({ kind: "transactions", transactions: [small, large] }, NOW);
    expect(sends(outputs)).toEqual([
      [undefined, { kind: "transactions", transactions: [small] }],
      [undefined, { kind: "announce", shortIds: [shortIdOf(large.id)] }],
    ]);
    const ask = { kind: "want-announced", shortIds: [shortIdOf(large.id), "nobody"] } as const;
    const answers = subject.handle({ kind: "packet", from: account(2), packet: ask }, NOW);
    expect(sends(answers)).toEqual([[account(2), { kind: "transactions", transactions: [large] }]]);
  });

  it("that are announced are fetched from one peer at a time, and not where they wait here or left", () => {
    const { subject, say, wait } = node([transaction(1), transaction(2)]);
    subject.handle({ kind: "dropped", ids: [transaction(2).id] }, 2);
    const shortIds = [1, 2, 3].map((user) => shortIdOf(transaction(user).id));
    const unknown = { kind: "want-announced", shortIds: shortIds.slice(2) };
    expect(sends(say({ kind: "announce", shortIds }))).toEqual([[MAKER, unknown]]);
    expect(sends(say({ kind: "announce", shortIds }, account(2)))).toEqual([]);
    expect(sends(wait(NOW + settings(0).gossipMs / 2))).toEqual([[account(2), unknown]]);
    say({ kind: "transactions", transactions: [transaction(3)] }, account(2));
    expect(subject.pooled).toBe(2);
    expect(sends(wait(NOW + settings(0).gossipMs))).toEqual([]);
  });

  it("that a node lost come to it by announcement", () => {
    const network = new SmallNetwork(4);
    network.runUntil(1_500);
    network.carry = (packet) => (packet.kind === "transactions" ? undefined : packet);
    network.input(0, { kind: "transactions", transactions: [transaction(1), transaction(2)] });
    network.carry = (packet) => packet;
    network.runUntil(9_000);
    for (const ordered of network.ordered) expect(ordered).toHaveLength(2);
  });
});
