import { shortIdOf } from "@aios/core-honor-node/compact-block";
import { type BlockFacts, blockId, type OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { Packet } from "@aios/core-honor-node/node-protocol";
import {
  decodePacket,
  isSnapshotPacket,
  type SnapshotPacket,
  type WirePacket,
} from "@aios/core-honor-node/packet-codec";
import type { PacketFault } from "@aios/core-honor-node/packet-faults";
import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import type { Clock } from "@aios/kernel/clock";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { TransactionReader } from "../../domain/honor-ports.js";
import type { FaultCounter } from "./fault-counter.js";
import type { KnownTransactions } from "./known-transactions.js";

/** Ranges that one peer may ask for in a second: each answer may have a megabyte. */
const RANGES_PER_SECOND = 20;

/** Of announced transactions, which together make one packet of the answer. */
const NAMES_PER_PACKET = 64;

export interface IntakeLimits {
  /** Packets of one peer that are looked at in a second; the rest is dropped. */
  readonly packetsPerSecond: number;
  /** Bytes of one peer's transactions that may wait for their senders. */
  readonly maxWaitingBytes: number;
  /** Of the transactions in a block, on this chain. */
  readonly maxBlockBytes: number;
}

export interface IntakeTarget {
  /** Decoded, well formed, its transactions' senders recovered. */
  deliver(from: string, packet: Packet): void;
  /** A peer says that these wait. */
  gossiped(transactions: readonly OrderedTransaction[]): void;
  /** These came, by the beginnings of their hashes, whether they are news or not. */
  heard(shortIds: readonly string[]): void;
  /** Whether the block that a signature made is in the DAG: it is asked for of several, and each may answer. */
  holds(block: BlockFacts): boolean;
  /** Whether a transaction waits in the protocol's pool now. */
  isPooled(id: string): boolean;
  /** A peer asks for a snapshot, or answers what nobody asked. */
  snapshot(from: string, packet: SnapshotPacket): void;
}

/** Packets with transactions that are to be read. */
type Payloads = Extract<WirePacket, { kind: "block" | "transactions" | "block-transactions" }>;
type CompactPacket = Extract<WirePacket, { kind: "compact-block" }>;

type Result = OrderedTransaction | CodedError;

/** Transactions that are read together, and the place of one among them. */
interface Reading {
  readonly results: Promise<readonly Result[]>;
  readonly at: number;
}

interface Allowance {
  packets: number;
  atMs: number;
  waitingBytes: number;
}

/** What lies between a stream and the protocol: limits, decoding, senders. What is refused is counted by its reason. */
export class PacketIntake {
  readonly #faults: FaultCounter;
  readonly #reader: TransactionReader;
  readonly #target: IntakeTarget;
  readonly #clock: Clock;
  readonly #limits: IntakeLimits;
  readonly #allowances = new Map<string, Allowance>();
  readonly #known: KnownTransactions;
  /** What is being read, by id: peers repeat each other, and each transaction is to be read once. */
  readonly #reading = new Map<string, Reading>();
  /** The same by the beginnings of their ids; of several that begin alike, the latest. */
  readonly #readingByShortId = new Map<string, Reading["results"]>();
  /** Blocks that wait for what is being read, and how often each came. */
  readonly #waitingBlocks = new Map<string, number>();

  /** `known`: transactions that were read before, to which it adds. */
  constructor(
    reader: TransactionReader,
    known: KnownTransactions,
    target: IntakeTarget,
    faults: FaultCounter,
    clock: Clock,
    limits: IntakeLimits,
  ) {
    this.#reader = reader;
    this.#known = known;
    this.#target = target;
    this.#faults = faults;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Own transactions, whose senders are known already. */
  remember(transactions: readonly OrderedTransaction[]): void {
    for (const transaction of transactions) this.#known.add(transaction);
  }

  /** Whether a block came that waits for what is being read. */
  isUnderway(block: string): boolean {
    return this.#waitingBlocks.has(block);
  }

  receive(from: string, frame: Uint8Array): void {
    const allowance = this.#allowanceOf(from);
    if (allowance.packets < 1) {
      this.#faults.refuse(from, "too-many-packets");
      return;
    }
    allowance.packets -= 1;
    let packet: WirePacket;
    try {
      packet = decodePacket(frame);
    } catch (error) {
      if (!isCodedError(error)) throw error;
      this.#faults.refuse(from, error.code as "unsupported-packet" | "malformed-packet", error.field);
      return;
    }
    allowance.packets -= extraCost(packet, this.#limits);
    if (allowance.packets < 0) {
      this.#faults.refuse(from, "too-many-packets");
      return;
    }
    if (isSnapshotPacket(packet)) this.#target.snapshot(from, packet);
    else if (packet.kind === "announce") this.#announced(from, allowance, packet.shortIds);
    else if (packet.kind === "compact-block") void this.#named(from, allowance, packet, frame.length);
    else if (
      packet.kind === "block" ||
      packet.kind === "transactions" ||
      packet.kind === "block-transactions"
    )
      void this.#read(from, allowance, packet, frame.length);
    else this.#target.deliver(from, packet);
  }

  /** A peer takes part no more. */
  forget(peer: string): void {
    this.#allowances.delete(peer);
  }

  /** A block that names what is being read waits for it: what is here already is not to be fetched. */
  async #named(from: string, allowance: Allowance, packet: CompactPacket, bytes: number): Promise<void> {
    const underway = new Set(
      packet.block.shortIds.flatMap((shortId) => this.#readingByShortId.get(shortId) ?? []),
    );
    if (underway.size > 0) {
      if (!this.#mayWait(from, allowance, bytes)) return;
      allowance.waitingBytes += bytes;
      const id = blockId(packet.block.header);
      this.#waitingBlocks.set(id, (this.#waitingBlocks.get(id) ?? 0) + 1);
      await Promise.all(underway);
      const left = (this.#waitingBlocks.get(id) ?? 1) - 1;
      if (left === 0) this.#waitingBlocks.delete(id);
      else this.#waitingBlocks.set(id, left);
      allowance.waitingBytes -= bytes;
    }
    this.#target.deliver(from, packet);
  }

  #mayWait(from: string, { waitingBytes }: Allowance, bytes: number): boolean {
    const hasRoom = waitingBytes + bytes <= this.#limits.maxWaitingBytes;
    if (!hasRoom) this.#faults.refuse(from, "too-many-transactions");
    return hasRoom;
  }

  async #read(from: string, allowance: Allowance, packet: Payloads, bytes: number): Promise<void> {
    if (packet.kind === "block" && this.#target.holds(packet.block)) return;
    const payloads = packet.kind === "block" ? packet.block.transactions : packet.transactions;
    if (packet.kind !== "transactions" && bytesOf(payloads) > this.#limits.maxBlockBytes) {
      this.#faults.refuse(from, "block-too-large");
      return;
    }
    const ids = payloads.map((payload) => toHex(keccak256(payload)).slice(2));
    const known = ids.map((id) => this.#known.get(id));
    if (known.every((one) => one !== undefined)) {
      if (packet.kind === "transactions") {
        this.#heard(known);
        this.#gossipedAgain(known);
      } else this.#deliverRead(from, packet, known);
      return;
    }
    if (!this.#mayWait(from, allowance, bytes)) return;
    allowance.waitingBytes += bytes;
    const results = await this.#readOnce(ids, payloads, known);
    allowance.waitingBytes -= bytes;
    this.#onRead(from, packet, results);
  }

  /** What is neither known nor being read goes to the reader together. */
  async #readOnce(
    ids: readonly string[],
    payloads: readonly Uint8Array[],
    known: readonly (OrderedTransaction | undefined)[],
  ): Promise<readonly Result[]> {
    const begun = new Map<string, Uint8Array>();
    for (const [index, id] of ids.entries())
      if (known[index] === undefined && !this.#reading.has(id)) begun.set(id, payloads[index] as Uint8Array);
    if (begun.size > 0) {
      const results = this.#readNew(begun);
      for (const [at, id] of [...begun.keys()].entries()) {
        this.#reading.set(id, { results, at });
        this.#readingByShortId.set(shortIdOf(id), results);
      }
    }
    const underway = ids.map((id, index) => known[index] ?? (this.#reading.get(id) as Reading));
    const waited = new Map<Reading["results"], readonly Result[]>();
    for (const one of underway)
      if ("results" in one && !waited.has(one.results)) waited.set(one.results, await one.results);
    return underway.map((one) => ("results" in one ? (waited.get(one.results)?.[one.at] as Result) : one));
  }

  /** Resolves once what could be read is remembered. */
  async #readNew(begun: ReadonlyMap<string, Uint8Array>): Promise<readonly Result[]> {
    try {
      const results = await this.#reader.readAll([...begun.values()]);
      this.remember(soundOf(results));
      return results;
    } finally {
      for (const id of begun.keys()) {
        this.#reading.delete(id);
        this.#readingByShortId.delete(shortIdOf(id));
      }
    }
  }

  #onRead(from: string, packet: Payloads, results: readonly Result[]): void {
    const refusal = results.find((result) => result instanceof CodedError);
    if (refusal !== undefined) this.#faults.refuse(from, faultOf(refusal), refusal.code);
    const read = soundOf(results);
    if (packet.kind === "transactions") {
      this.#heard(read);
      this.#target.gossiped(read);
    } else if (refusal === undefined) this.#deliverRead(from, packet, read);
  }

  #heard(transactions: readonly OrderedTransaction[]): void {
    this.#target.heard(transactions.map(({ id }) => shortIdOf(id)));
  }

  /**
   * What was read before is not fetched again: it is handed on as if it had come. That costs much more than to name it, and
   * counts as a packet each; half of the allowance is left for what else the peer says.
   */
  #announced(from: string, allowance: Allowance, shortIds: readonly string[]): void {
    const found = shortIds.map((shortId) => this.#known.find(shortId));
    const others = found.filter((one) => one !== undefined && !this.#target.isPooled(one.id));
    const some = others.slice(0, Math.floor(allowance.packets / 2)) as OrderedTransaction[];
    allowance.packets -= some.length;
    if (some.length > 0) this.#target.gossiped(some);
    const unknown = shortIds.filter(
      (shortId, at) => found[at] === undefined && !this.#readingByShortId.has(shortId),
    );
    if (unknown.length > 0) this.#target.deliver(from, { kind: "announce", shortIds: unknown });
  }

  /** Known is not pooled: the block that had it may be merged by nobody, or there was no room for it. */
  #gossipedAgain(transactions: readonly OrderedTransaction[]): void {
    const others = transactions.filter(({ id }) => !this.#target.isPooled(id));
    if (others.length > 0) this.#target.gossiped(others);
  }

  #deliverRead(
    from: string,
    packet: Exclude<Payloads, { kind: "transactions" }>,
    transactions: readonly OrderedTransaction[],
  ): void {
    if (packet.kind === "block-transactions") this.#target.deliver(from, { ...packet, transactions });
    else this.#target.deliver(from, { kind: "block", block: { ...packet.block, transactions } });
  }

  #allowanceOf(peer: string): Allowance {
    const nowMs = this.#clock.now();
    const { packetsPerSecond } = this.#limits;
    const known = this.#allowances.get(peer);
    if (known === undefined) {
      // Peers are those of the peer book: there are no more of them than it holds.
      const fresh = { packets: packetsPerSecond, atMs: nowMs, waitingBytes: 0 };
      this.#allowances.set(peer, fresh);
      return fresh;
    }
    const earned = (Math.max(0, nowMs - known.atMs) / 1_000) * packetsPerSecond;
    known.packets = Math.min(packetsPerSecond, known.packets + earned);
    known.atMs = nowMs;
    return known;
  }
}

function soundOf(results: readonly Result[]): OrderedTransaction[] {
  return results.filter((result) => !(result instanceof CodedError)) as OrderedTransaction[];
}

function bytesOf(payloads: readonly Uint8Array[]): number {
  return payloads.reduce((sum, { length }) => sum + length, 0);
}

/** What this node has no time for is nobody's fault. */
function faultOf({ errorClass }: CodedError): PacketFault {
  return errorClass === "user" ? "transaction" : "transaction-unread";
}

/** Questions count for what their answers cost, in packets. */
function extraCost(packet: WirePacket, { packetsPerSecond }: IntakeLimits): number {
  if (["range", "snapshot-request", "snapshot-part-request"].includes(packet.kind))
    return packetsPerSecond / RANGES_PER_SECOND;
  if (packet.kind === "want") return packet.ids.length;
  const isNames = packet.kind === "want-announced" || packet.kind === "announce";
  return isNames ? packet.shortIds.length / NAMES_PER_PACKET : 0;
}
