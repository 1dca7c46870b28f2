import { NO_HISTORY } from "@aios/core-honor-node/chain-history";
import { shortIdOf } from "@aios/core-honor-node/compact-block";
import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import { encodePacket, type WireBlock } from "@aios/core-honor-node/packet-codec";
import { PACKET_FAULTS, type PacketFault, PEER_BAN } from "@aios/core-honor-node/packet-faults";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { ManualClock } from "@aios/kernel/clock";
import type { CodedError } from "@aios/kernel/coded-error";
import { PeerScores } from "@aios/peer-network/peer-scores";
import { describe, expect, it, vi } from "vitest";
import { deafHost, MEMBERS, SEATLESS } from "../../../test/support/seatless-node.js";
import { malformedTransaction } from "../../domain/errors.js";
import { FaultCounter } from "./fault-counter.js";
import { HonorLoop } from "./honor-loop.js";
import { KnownTransactions } from "./known-transactions.js";
import { PacketIntake } from "./packet-intake.js";

const PEER = "peer";
const BAD = 0xff;
const block: WireBlock = {
  setNumber: 0,
  seat: 1,
  tick: 2,
  parents: ["genesis"],
  transactions: [],
  signature: "ab".repeat(96),
};
const id = (tag: number): string => tag.toString(16).padStart(64, "0");

/** A node without a seat behind all that a frame passes, to which no signature is good. */
function node() {
  const clock = new ManualClock(2_500);
  const scores = new PeerScores({ ...PEER_BAN, maxPeers: 16 });
  const faults = new FaultCounter((peer, points) => scores.punish(peer, points, clock.now()));
  const known = new KnownTransactions(100, 100_000);
  const loop = new HonorLoop({
    settings: {
      ...SEATLESS,
      chain: { ...SEATLESS.chain, maxBlockBytes: 1_000 },
      scheme: { ...SEATLESS.scheme, verify: () => false, verifyAggregate: () => false },
      read: { find: (shortId) => known.find(shortId), isUnderway: () => false },
    },
    log: {
      ...NO_HISTORY,
      sizes: { blocks: 0, archivedBlocks: 0, decisions: 0, fileBytes: 0 },
      load: () => [],
      append: () => Promise.resolve(),
    },
    streams: { connected: [PEER], send: vi.fn(), protocolOf: () => "pull", punish: vi.fn() },
    host: deafHost(),
    clock,
    faults,
    executedHeight: 0,
  });
  const read = (payload: Uint8Array): OrderedTransaction | CodedError =>
    payload[0] === BAD
      ? malformedTransaction("no")
      : { id: id(payload[0] ?? 0), sender: MEMBERS[0]?.account ?? "", nonce: 0, gasLimit: 1, payload };
  const intake = new PacketIntake(
    { readAll: async (payloads) => payloads.map(read) },
    known,
    {
      deliver: (from, packet) => loop.receive(from, packet),
      gossiped: vi.fn(),
      heard: (shortIds) => loop.heard(shortIds),
      holds: (packet) => loop.holds(packet),
      isPooled: () => false,
      snapshot: vi.fn(),
    },
    faults,
    clock,
    { packetsPerSecond: 300, maxWaitingBytes: 2_000, maxBlockBytes: 1_000 },
  );
  loop.start();
  const send = async (frame: Uint8Array): Promise<void> => {
    intake.receive(PEER, frame);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { send, faults, scores, clock, loop };
}

const manyParents = Array.from({ length: 3_000 }, (_, at) => new Uint8Array(32).fill(at));
const packet = (kind: number, fields: Parameters<typeof encodeRlp>[0]): Uint8Array =>
  Uint8Array.from([1, kind, ...encodeRlp(fields)]);
const none = new Uint8Array(0);

/** What a peer sends, by what is counted. */
const SENT: readonly (readonly [PacketFault, string, () => Uint8Array])[] = [
  ["unsupported-packet", "version", () => Uint8Array.of(9, 0, 0xc0)],
  ["unsupported-packet", "kind", () => Uint8Array.of(1, 200, 0xc0)],
  ["malformed-packet", "want", () => Uint8Array.of(1, 2, 0xbf, 0xff)],
  // A block bomb: thousands of parents, or tips.
  [
    "malformed-packet",
    "block.parents",
    () => packet(1, [none, none, none, manyParents, [], new Uint8Array(96)]),
  ],
  ["malformed-packet", "status.tips", () => packet(4, [none, manyParents])],
  ["malformed-packet", "shortIds", () => packet(14, [new Uint8Array(9)])],
  [
    "malformed-packet",
    "want.places",
    () => packet(12, [new Uint8Array(32), [Uint8Array.of(2), Uint8Array.of(1)]]),
  ],
  [
    "block-too-large",
    "",
    () => encodePacket({ kind: "block", block: { ...block, transactions: [new Uint8Array(1_001)] } }),
  ],
  [
    "transaction",
    "malformed-transaction",
    () => encodePacket({ kind: "transactions", transactions: [Uint8Array.of(BAD)] }),
  ],
  ["invalid-signature", "", () => encodePacket({ kind: "block", block })],
  [
    "invalid-signature",
    "",
    () => {
      const { transactions: _, ...facts } = block;
      const header = { ...facts, transactionsHash: id(3) };
      return encodePacket({ kind: "compact-block", block: { header, shortIds: [shortIdOf(id(4))] } });
    },
  ],
  ["parent-count", "", () => encodePacket({ kind: "block", block: { ...block, parents: [] } })],
  ["tick-in-future", "", () => encodePacket({ kind: "block", block: { ...block, tick: 3_000 } })],
  ["set-unknown", "", () => encodePacket({ kind: "block", block: { ...block, setNumber: 7 } })],
  [
    "unasked",
    "",
    () => encodePacket({ kind: "block-transactions", block: id(5), transactions: [Uint8Array.of(1)] }),
  ],
  [
    "vote-of-stranger",
    "",
    () => {
      const message = { kind: "prevote", height: 1, round: 0, sender: 9, checkpointId: id(6) } as const;
      return encodePacket({
        kind: "vote",
        message,
        signature: "00".repeat(96),
        nextSet: undefined,
        parentCertificate: undefined,
      });
    },
  ],
];

describe("a bad packet", () => {
  for (const [fault, detail, frame] of SENT)
    it(`is counted and costs its sender what the table says: ${fault} ${detail}`, async () => {
      const { send, faults, scores, clock, loop } = node();
      await send(frame());
      loop.stop();
      expect(Object.fromEntries(faults.counts)).toEqual({ [`${fault} ${detail}`.trimEnd()]: 1 });
      expect(scores.points(PEER, clock.now())).toBe(PACKET_FAULTS[fault]);
    });

  it("from one that goes on with it has it banned, and none that an honest node may send, at its pace", async () => {
    for (const [fault, , frame] of SENT) {
      const { send, scores, clock, loop } = node();
      for (let count = 0; count < 30; count++) {
        await send(frame());
        clock.advance(1_000);
      }
      loop.stop();
      expect([fault, scores.isBanned(PEER, clock.now())]).toEqual([fault, PACKET_FAULTS[fault] > 1]);
    }
  });

  it("costs who floods with it its streams, and the node no more than it looks at in a second", async () => {
    const { send, faults, scores, clock, loop } = node();
    for (let count = 0; count < 1_000; count++)
      await send(encodePacket({ kind: "status", height: 1, tips: [id(count)] }));
    loop.stop();
    expect(faults.counts.get("too-many-packets")).toBe(700);
    expect(scores.isBanned(PEER, clock.now())).toBe(true);
  });
});
