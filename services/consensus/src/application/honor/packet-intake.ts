import type { DagBlock, OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { Packet, PeerFault } from "@aios/core-honor-node/node-protocol";
import {
  decodePacket,
  isSnapshotPacket,
  type SnapshotPacket,
  type WireBlock,
  type WirePacket,
} from "@aios/core-honor-node/packet-codec";
import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import type { Clock } from "@aios/kernel/clock";
import { type CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { PeerOffence, TransactionReader } from "../../domain/honor-ports.js";
import { KnownTransactions } from "./known-transactions.js";

/** Ranges that one peer may ask for in a second: each answer may have a megabyte. */
const RANGES_PER_SECOND = 20;

export interface IntakeLimits {
  /** Packets of one peer that are looked at in a second; the rest is dropped. */
  readonly packetsPerSecond: number;
  /** Bytes of one peer's transactions that may wait for their senders. */
  readonly maxWaitingBytes: number;
  /** Transactions whose senders are remembered, and their bytes. */
  readonly maxKnown: number;
  readonly maxKnownBytes: number;
  /** Of the transactions in a block, on this chain. */
  readonly maxBlockBytes: number;
}

export interface IntakeTarget {
  /** Decoded, well formed, its transactions' senders recovered. */
  deliver(from: string, packet: Packet): void;
  /** A peer says that these wait. */
  gossiped(transactions: readonly OrderedTransaction[]): void;
  /** Whether a transaction waits in the protocol's pool now. */
  isPooled(id: string): boolean;
  /** A peer asks for a snapshot, or answers what nobody asked. */
  snapshot(from: string, packet: SnapshotPacket): void;
  punish(peer: string, offence: PeerOffence): void;
}

interface Allowance {
  packets: number;
  atMs: number;
  waitingBytes: number;
}

/** What lies between a stream and the protocol: limits, decoding, senders. What is refused is counted by its reason. */
export class PacketIntake {
  /** Packets dropped, by reason. */
  readonly dropped = new Map<string, number>();
  readonly #reader: TransactionReader;
  readonly #target: IntakeTarget;
  readonly #clock: Clock;
  readonly #limits: IntakeLimits;
  readonly #allowances = new Map<string, Allowance>();
  readonly #known: KnownTransactions;
  /** What is being read, by id: peers repeat each other, and each transaction is to be read once. */
  readonly #reading = new Map<string, Promise<OrderedTransaction>>();

  constructor(reader: TransactionReader, target: IntakeTarget, clock: Clock, limits: IntakeLimits) {
    this.#reader = reader;
    this.#target = target;
    this.#clock = clock;
    this.#limits = limits;
    this.#known = new KnownTransactions(limits.maxKnown, limits.maxKnownBytes);
  }

  /** Own transactions, whose senders are known already. */
  remember(transactions: readonly OrderedTransaction[]): void {
    for (const transaction of transactions) this.#known.add(transaction);
  }

  /** A transaction whose sender is remembered. */
  known(id: string): OrderedTransaction | undefined {
    return this.#known.get(id);
  }

  /** What the protocol found wrong in a packet that was well formed. */
  blame(from: string, fault: PeerFault): void {
    this.#drop(from, fault, "invalid-signature");
  }

  receive(from: string, frame: Uint8Array): void {
    const allowance = this.#allowanceOf(from);
    if (allowance.packets < 1) {
      this.#drop(from, "too-many-packets", "queue-overflow");
      return;
    }
    allowance.packets -= 1;
    let packet: WirePacket;
    try {
      packet = decodePacket(frame);
    } catch (error) {
      if (!isCodedError(error)) throw error;
      this.#drop(from, reasonOf(error), "malformed");
      return;
    }
    allowance.packets -= extraCost(packet, this.#limits);
    if (allowance.packets < 0) {
      this.#drop(from, "too-many-packets", "queue-overflow");
      return;
    }
    if (isSnapshotPacket(packet)) this.#target.snapshot(from, packet);
    else if (packet.kind !== "block" && packet.kind !== "transactions") this.#target.deliver(from, packet);
    else void this.#read(from, allowance, packet, frame.length);
  }

  /** A peer takes part no more. */
  forget(peer: string): void {
    this.#allowances.delete(peer);
  }

  async #read(
    from: string,
    allowance: Allowance,
    packet: Extract<WirePacket, { kind: "block" | "transactions" }>,
    bytes: number,
  ): Promise<void> {
    const payloads = packet.kind === "block" ? packet.block.transactions : packet.transactions;
    if (packet.kind === "block" && bytesOf(payloads) > this.#limits.maxBlockBytes) {
      this.#drop(from, "block-too-large", "malformed");
      return;
    }
    const ids = payloads.map((payload) => toHex(keccak256(payload)).slice(2));
    const known = ids.map((id) => this.#known.get(id));
    if (known.every((one) => one !== undefined)) {
      if (packet.kind === "block") this.#deliverBlock(from, packet.block, known);
      else this.#gossipedAgain(known);
      return;
    }
    if (allowance.waitingBytes + bytes > this.#limits.maxWaitingBytes) {
      this.#drop(from, "too-many-transactions", "queue-overflow");
      return;
    }
    allowance.waitingBytes += bytes;
    const results = await Promise.allSettled(
      payloads.map((payload, index) => known[index] ?? this.#readOnce(ids[index] as string, payload)),
    );
    allowance.waitingBytes -= bytes;
    this.#onRead(from, packet, results);
  }

  #readOnce(id: string, payload: Uint8Array): Promise<OrderedTransaction> {
    const underway = this.#reading.get(id);
    if (underway !== undefined) return underway;
    const reading = this.#reader.read(payload).finally(() => this.#reading.delete(id));
    this.#reading.set(id, reading);
    return reading;
  }

  #onRead(
    from: string,
    packet: Extract<WirePacket, { kind: "block" | "transactions" }>,
    results: readonly PromiseSettledResult<OrderedTransaction>[],
  ): void {
    const refusal = results.find((result) => result.status === "rejected")?.reason as unknown;
    if (refusal !== undefined && !isCodedError(refusal)) throw refusal;
    if (refusal !== undefined)
      this.#drop(
        from,
        `transaction ${refusal.code}`,
        refusal.errorClass === "user" ? "malformed" : undefined,
      );
    const read = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    this.remember(read);
    if (packet.kind === "transactions") this.#target.gossiped(read);
    else if (refusal === undefined) this.#deliverBlock(from, packet.block, read);
  }

  /** Known is not pooled: the block that had it may be merged by nobody, or there was no room for it. */
  #gossipedAgain(transactions: readonly OrderedTransaction[]): void {
    const others = transactions.filter(({ id }) => !this.#target.isPooled(id));
    if (others.length > 0) this.#target.gossiped(others);
  }

  #deliverBlock(from: string, block: WireBlock, transactions: readonly OrderedTransaction[]): void {
    const read: DagBlock = { ...block, transactions };
    this.#target.deliver(from, { kind: "block", block: read });
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

  #drop(from: string, reason: string, offence: PeerOffence | undefined): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1);
    if (offence !== undefined) this.#target.punish(from, offence);
  }
}

function bytesOf(payloads: readonly Uint8Array[]): number {
  return payloads.reduce((sum, { length }) => sum + length, 0);
}

function reasonOf(error: CodedError): string {
  return error.field === undefined ? error.code : `${error.code} ${error.field}`;
}

/** Questions count for what their answers cost, in packets. */
function extraCost(packet: WirePacket, { packetsPerSecond }: IntakeLimits): number {
  if (["range", "snapshot-request", "snapshot-part-request"].includes(packet.kind))
    return packetsPerSecond / RANGES_PER_SECOND;
  return packet.kind === "want" ? packet.ids.length : 0;
}
