import { describe, expect, it } from "vitest";
import type { StakedNode } from "../../domain/staking-state.js";
import { CandidateContacts } from "./candidate-contacts.js";

const key = (index: number): string => index.toString(16).padStart(64, "0");
const account = (index: number): string => `0x${index.toString(16).padStart(40, "0")}`;
const PROVEN = "aa".repeat(64);
const candidate = (index: number, changes: Partial<StakedNode> = {}): StakedNode => ({
  account: account(index),
  publicKey: "00".repeat(48),
  controller: account(index),
  stakeWei: BigInt(index),
  score: BigInt(index),
  isSuspended: false,
  nodeKey: key(index),
  nodeKeySignature: PROVEN,
  endpoint: `node-${index}.example:30303`,
  ...changes,
});

function contacts(maxContacts = 100) {
  const peers = new Map<string, string>();
  let changes = 0;
  const book = {
    add: ({ publicKey, host, port }: { publicKey: string; host: string; port: number }) => {
      changes += 1;
      peers.set(publicKey, `${host}:${port}`);
    },
    remove: (publicKey: string) => {
      changes += 1;
      peers.delete(publicKey);
    },
  };
  const fixed = new Set([key(900)]);
  const limits = { maxContacts, cooldownMs: 60_000 };
  const of = new CandidateContacts(book, fixed, limits, (one) => one.nodeKeySignature === PROVEN);
  return { peers, of, changes: () => changes };
}

describe("contacts of candidates", () => {
  it("are those of whoever stands now: one that left is forgotten, and makes room", () => {
    const { peers, of } = contacts();
    of.update([candidate(1), candidate(2)], 0);
    expect([...peers]).toEqual([
      [key(1), "node-1.example:30303"],
      [key(2), "node-2.example:30303"],
    ]);
    of.update([candidate(2), candidate(3)], 1);
    expect([...peers.keys()]).toEqual([key(2), key(3)]);
  });

  it("do not grow with changes of endpoints and keys, and follow a flood of them once in a while", () => {
    const { peers, of, changes } = contacts();
    const flood = (fromMs: number, count: number): void => {
      for (let at = 0; at < count; at++)
        of.update(
          [candidate(1, { nodeKey: key(1_000 + at), endpoint: `h${at}:1` }), candidate(2)],
          fromMs + at,
        );
    };
    flood(0, 5_000);
    expect([...peers.keys()].sort()).toEqual([key(2), key(1_000)]);
    expect(changes()).toBe(2);
    of.update([candidate(1), candidate(2)], 60_000);
    expect(peers.get(key(1))).toBe("node-1.example:30303");
    expect(peers.size).toBe(2);
  });

  it("are of those with the largest deposits where more stand, the suspended last", () => {
    const { peers, of } = contacts(2);
    const crowd = Array.from({ length: 50 }, (_, at) => candidate(at + 1));
    of.update([...crowd, candidate(51, { isSuspended: true })], 0);
    expect([...peers.keys()].sort()).toEqual([key(49), key(50)]);
  });

  it("leave a key to who holds it until it is given up, and the operator's own peers alone", () => {
    const { peers, of } = contacts();
    of.update([candidate(1), candidate(2, { nodeKey: key(1) }), candidate(3, { nodeKey: key(900) })], 0);
    expect([...peers]).toEqual([[key(1), "node-1.example:30303"]]);
    of.update([candidate(2, { nodeKey: key(1) })], 1);
    expect([...peers]).toEqual([[key(1), "node-2.example:30303"]]);
  });

  it("without the node key's word keep nobody from the key, whoever names it first", () => {
    const { peers, of } = contacts();
    const thief = candidate(1, { nodeKey: key(2), nodeKeySignature: "00".repeat(64) });
    of.update([thief], 0);
    expect(peers.size).toBe(0);
    of.update([thief, candidate(2)], 1);
    expect([...peers]).toEqual([[key(2), "node-2.example:30303"]]);
    of.update([candidate(1), candidate(2)], 60_000);
    expect(peers.size).toBe(2);
  });

  it("whose endpoint says nothing are not dialled, and are once it does", () => {
    const { peers, of } = contacts();
    for (const endpoint of ["", "nonsense", "host:0", "host:65536", "host:99999"])
      of.update([candidate(1, { endpoint })], 0);
    expect(peers.size).toBe(0);
    of.update([candidate(1, { endpoint: "[::1]:7" })], 60_000);
    expect(peers.get(key(1))).toBe("::1:7");
    of.update([candidate(1, { endpoint: "" })], 120_000);
    expect(peers.size).toBe(0);
  });
});
