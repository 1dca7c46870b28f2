import { createHash } from "node:crypto";
import { decodePacket, encodePacket, type SnapshotPacket } from "@aios/core-honor-node/packet-codec";
import { PACKET_FAULTS } from "@aios/core-honor-node/packet-faults";
import { snapshotInvalid } from "@aios/core-honor-node/snapshot-fault";
import { ManualClock } from "@aios/kernel/clock";
import { describe, expect, it } from "vitest";
import { decodeIndex, encodeIndex, type SnapshotSource } from "../../../domain/snapshot-index.js";
import { PeerSnapshots } from "./sync-from-peers.js";

const SETTINGS = { askEveryMs: 1_000, maxAsks: 3, partMs: 10_000, window: 2 };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
/** What a state says that no certificate attests. */
const WRONG = "another state";

interface Peer {
  readonly height: number;
  /** What its index promises. */
  readonly parts: readonly string[];
  /** What it gives where it is asked for a part; undefined: it never answers. */
  readonly gives?: (part: number) => string | undefined;
}

function network(peers: Readonly<Record<string, Peer>>) {
  const clock = new ManualClock();
  const points = new Map<string, number>();
  const asked: string[] = [];
  const taken: number[] = [];
  const answer = (name: string, packet: SnapshotPacket): void => {
    const peer = peers[name] as Peer;
    const say = (said: SnapshotPacket): void => subject.receive(name, encodePacket(said));
    if (packet.kind === "snapshot-request") {
      const parts = peer.parts.map((text, at) => {
        const bytes = bytesOf(text);
        return {
          kind: at === 0 ? "chain" : "accounts",
          sizeBytes: bytes.length,
          sha256: sha256(bytes),
        } as const;
      });
      say({ kind: "snapshot-index", index: encodeIndex({ height: peer.height, parts }) });
    } else if (packet.kind === "snapshot-part-request") {
      asked.push(`${packet.part} of ${name}`);
      const given = peer.gives === undefined ? peer.parts[packet.part] : peer.gives(packet.part);
      if (given !== undefined)
        say({ kind: "snapshot-part", height: packet.height, part: packet.part, bytes: bytesOf(given) });
    }
  };
  const streams = {
    connected: Object.keys(peers),
    protocolOf: () => "pull",
    punish: (peer: string, more: number) => void points.set(peer, (points.get(peer) ?? 0) + more),
    send: (to: string | undefined, frame: Uint8Array) => {
      const packet = decodePacket(frame) as SnapshotPacket;
      for (const name of to === undefined ? Object.keys(peers) : [to]) answer(name, packet);
    },
  };
  const subject = new PeerSnapshots(streams, clock, SETTINGS);
  const take = async (source: SnapshotSource): Promise<number> => {
    const { height, parts } = decodeIndex(await source.index());
    taken.push(height);
    for (const [at, part] of parts.entries())
      if (Buffer.from(await source.part(at, part)).toString() === WRONG) throw snapshotInvalid("state.root");
    return height;
  };
  /** Lets time go by until it ends. */
  const sync = async (): Promise<number> => {
    let isOver = false;
    const done = subject.sync(take).finally(() => {
      isOver = true;
    });
    done.catch(() => undefined);
    while (!isOver) {
      clock.advance(SETTINGS.askEveryMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return await done;
  };
  return { subject, sync, points, asked, taken };
}

const honest: Peer = { height: 10, parts: ["chain", "accounts"] };
const COST = PACKET_FAULTS["invalid-snapshot"];

describe("a snapshot from peers", () => {
  it("is the latest that is right: who offers another state pays, and is asked for it no second time", async () => {
    const liar: Peer = { height: 20, parts: ["chain", WRONG] };
    const { subject, sync, points, taken } = network({ liar, honest });
    expect(await sync()).toBe(10);
    expect(taken).toEqual([20, 10]);
    expect([...points]).toEqual([["liar", COST]]);
    expect([...subject.refused]).toEqual([["state.root", 1]]);
    expect(await sync()).toBe(10);
    expect(taken).toEqual([20, 10, 10]);
  });

  it("comes from those who have the same, each part of another one where a peer gives what it did not promise", async () => {
    const liar: Peer = { ...honest, gives: () => "something else" };
    const { sync, points } = network({ liar, honest });
    expect(await sync()).toBe(10);
    expect(points.get("liar")).toBe(COST);
    expect(points.has("honest")).toBe(false);
  });

  it("waits for no peer that does not answer", async () => {
    const silent: Peer = { ...honest, gives: () => undefined };
    const { sync, points, asked } = network({ silent, honest });
    expect(await sync()).toBe(10);
    expect(points.size).toBe(0);
    expect(asked).toEqual(expect.arrayContaining(["0 of honest", "1 of honest"]));
  });

  it("is none where nobody has one that is right, and what is no packet costs who sends it", async () => {
    const { subject, sync, points } = network({ liar: { height: 20, parts: ["chain", WRONG] } });
    subject.receive("liar", Uint8Array.of(1, 8, 0xff));
    expect(points.get("liar")).toBe(COST);
    await expect(sync()).rejects.toMatchObject({ code: "no-snapshot" });
    expect(points.get("liar")).toBe(2 * COST);
  });
});
