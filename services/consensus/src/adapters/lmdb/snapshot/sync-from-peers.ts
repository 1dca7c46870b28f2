import { createHash } from "node:crypto";
import { decodePacket, encodePacket, type SnapshotPacket } from "@aios/core-honor-node/packet-codec";
import { PACKET_FAULTS } from "@aios/core-honor-node/packet-faults";
import type { Clock } from "@aios/kernel/clock";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import type { PeerStreams } from "../../../domain/honor-ports.js";
import { decodeIndex, type SnapshotPart, type SnapshotSource } from "../../../domain/snapshot-index.js";

/** How a new node looks for a snapshot. */
export interface SyncSettings {
  /** Peers are asked so often, and so many times before there is none to be had. */
  readonly askEveryMs: number;
  readonly maxAsks: number;
  /** A part that does not come within this is asked of the next peer. */
  readonly partMs: number;
  /** Parts that are under way at once. */
  readonly window: number;
}

export const DEFAULT_SYNC: SyncSettings = { askEveryMs: 1_000, maxAsks: 60, partMs: 10_000, window: 4 };

/** Asks of one part before it is given up. */
const MAX_TRIES = 6;

interface Offer {
  readonly index: Uint8Array;
  readonly height: number;
  readonly peers: Set<string>;
}

interface Waiting {
  readonly peer: string;
  readonly resolve: (bytes: Uint8Array | undefined) => void;
}

/** Finds a snapshot among peers and fetches its parts. What a peer gives is believed only as far as hashes and certificates go. */
export class PeerSnapshots {
  /** Snapshots and parts that were refused, by reason. */
  readonly refused = new Map<string, number>();
  readonly #streams: PeerStreams;
  readonly #clock: Clock;
  readonly #settings: SyncSettings;
  /** By the hash of the index. */
  readonly #offers = new Map<string, Offer>();
  readonly #bad = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();

  constructor(streams: PeerStreams, clock: Clock, settings: SyncSettings = DEFAULT_SYNC) {
    this.#streams = streams;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** A frame from a peer. */
  receive(from: string, frame: Uint8Array): void {
    let packet: ReturnType<typeof decodePacket>;
    try {
      packet = decodePacket(frame);
    } catch (error) {
      if (!isCodedError(error)) throw error;
      this.#refuse(error.code, [from]);
      return;
    }
    if (packet.kind === "snapshot-index") this.#offered(from, packet.index);
    else if (packet.kind === "snapshot-part") {
      const waiting = this.#waiting.get(`${packet.height}/${packet.part}`);
      if (waiting?.peer === from) waiting.resolve(packet.bytes);
    }
  }

  /**
   * Tries the snapshots that are offered, the latest first, until one is taken in; answers its height. Throws
   * `no-snapshot` when peers offer none that is right.
   */
  async sync(take: (source: SnapshotSource) => Promise<number>): Promise<number> {
    for (let ask = 0; ask < this.#settings.maxAsks; ask++) {
      this.#send(undefined, { kind: "snapshot-request" });
      await this.#clock.wait(durationMs(this.#settings.askEveryMs));
      for (const [digest, offer] of [...this.#offers].sort((a, b) => b[1].height - a[1].height)) {
        try {
          return await take(this.#source(offer));
        } catch (error) {
          if (
            !isCodedError(error) ||
            !["invalid-snapshot", "snapshot-unavailable", "snapshot-too-old"].includes(error.code)
          )
            throw error;
          this.#offers.delete(digest);
          if (error.code === "invalid-snapshot") {
            this.#bad.add(digest);
            this.#refuse(error.field ?? error.code, offer.peers);
          }
        }
      }
    }
    throw new CodedError({
      code: "no-snapshot",
      kind: "unavailable",
      message: "No peer has a snapshot that is right: start from genesis, or give one in a file.",
      details: { refused: Object.fromEntries(this.refused) },
    });
  }

  #offered(from: string, index: Uint8Array): void {
    if (index.length === 0) return;
    const digest = digestOf(index);
    if (this.#bad.has(digest)) return;
    const known = this.#offers.get(digest);
    if (known !== undefined) {
      known.peers.add(from);
      return;
    }
    try {
      const { height } = decodeIndex(index);
      // One offer of each peer, the latest.
      for (const [other, { peers }] of this.#offers)
        if (peers.delete(from) && peers.size === 0) this.#offers.delete(other);
      this.#offers.set(digest, { index: new Uint8Array(index), height, peers: new Set([from]) });
    } catch (error) {
      if (!isCodedError(error)) throw error;
      this.#refuse(error.field ?? error.code, [from]);
    }
  }

  #source(offer: Offer): SnapshotSource {
    const { parts } = decodeIndex(offer.index);
    const underway = new Map<number, Promise<Uint8Array>>();
    const fetch = (at: number): Promise<Uint8Array> => {
      const known = underway.get(at) ?? this.#fetch(offer, at, parts[at] as SnapshotPart);
      underway.set(at, known);
      return known;
    };
    return {
      index: () => Promise.resolve(offer.index),
      part: async (at) => {
        for (let ahead = at; ahead < Math.min(at + this.#settings.window, parts.length); ahead++)
          void fetch(ahead).catch(() => undefined);
        return await fetch(at).finally(() => underway.delete(at));
      },
    };
  }

  async #fetch({ height, peers }: Offer, part: number, { sha256 }: SnapshotPart): Promise<Uint8Array> {
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const candidates = [...peers].filter((peer) => this.#streams.connected.includes(peer));
      const peer = candidates[(part + attempt) % candidates.length];
      if (peer === undefined) break;
      const bytes = await this.#ask(peer, height, part);
      if (bytes === undefined) continue;
      if (createHash("sha256").update(bytes).digest().equals(sha256)) return new Uint8Array(bytes);
      peers.delete(peer);
      this.#refuse("part", [peer]);
    }
    throw new CodedError({
      code: "snapshot-unavailable",
      kind: "unavailable",
      message: "No peer gives this part of the snapshot.",
      details: { height, part },
    });
  }

  async #ask(peer: string, height: number, part: number): Promise<Uint8Array | undefined> {
    const key = `${height}/${part}`;
    const done = new AbortController();
    const answer = new Promise<Uint8Array | undefined>((resolve) => {
      this.#waiting.set(key, { peer, resolve });
    });
    const late = this.#clock.wait(durationMs(this.#settings.partMs), done.signal).then(
      () => undefined,
      () => undefined,
    );
    this.#send(peer, { kind: "snapshot-part-request", height, part });
    const bytes = await Promise.race([answer, late]);
    done.abort();
    this.#waiting.delete(key);
    return bytes;
  }

  #send(to: string | undefined, packet: SnapshotPacket): void {
    this.#streams.send(to, encodePacket(packet));
  }

  #refuse(reason: string, peers: Iterable<string>): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    for (const peer of peers) this.#streams.punish(peer, PACKET_FAULTS["invalid-snapshot"]);
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
