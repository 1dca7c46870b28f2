import { startOfTickMs } from "@aios/core-committee/chain-time";
import type { HonorSet } from "@aios/core-committee/honor-set";
import { checkpointId } from "@aios/core-finality/checkpoint";
import { type Evidence, type SignedBlockClaim, type SignedMessage } from "@aios/core-finality/evidence";
import { signedBytes } from "@aios/core-finality/messages";
import type { BlockColouring } from "@aios/core-ghostdag/ghostdag";
import type { ChainSnapshot } from "@aios/core-honor-node/chain-snapshot";
import {
  type BlockFacts,
  type BlockHeader,
  blockId,
  type DagBlock,
  isWhole,
  type OrderedTransaction,
} from "@aios/core-honor-node/dag-block";
import { HonorNode, type NodeSizes } from "@aios/core-honor-node/honor-node";
import type {
  Decision,
  ExecutionResult,
  LogEntry,
  NodeInput,
  NodeOutput,
  NodeTimer,
  Packet,
} from "@aios/core-honor-node/node-protocol";
import type { NodeSettings } from "@aios/core-honor-node/node-settings";
import { encodePacket, NEEDS_PULL, toWire } from "@aios/core-honor-node/packet-codec";
import type { PoolPlace } from "@aios/core-honor-node/transaction-pool";
import { toHex } from "@aios/core-rlp/hex";
import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { crashPoint } from "@aios/service-kit/crash-point";
import { corruptStore } from "../../domain/errors.js";
import type { HonorHost, HonorLog, PeerStreams, ReportedOffence } from "../../domain/honor-ports.js";
import type { FaultCounter } from "./fault-counter.js";
import { OrderDelayMeter, type OrderDelays } from "./order-delays.js";
import { OutputQueue } from "./output-queue.js";

/** Transactions of one packet of gossip together have about so many bytes. */
const GOSSIP_BYTES = 65_536;
const RETRY_MS = 250;
const MAX_RETRY_DOUBLINGS = 5;
/** What may wait for the log before peers are not listened to: some ranges of blocks. */
const MAX_QUEUED = { outputs: 16_384, bytes: 67_108_864 };

/** What may wait for execution before peers are not listened to. */
const MAX_UNEXECUTED = { heights: 1_024, bytes: 67_108_864 };

/** Packets that may have more ordered; the others ask, or tell where a peer stands. */
const ORDERS_MORE: ReadonlySet<Packet["kind"]> = new Set([
  "vote",
  "block",
  "compact-block",
  "block-transactions",
  "decision",
  "transactions",
]);

/** What a node may not forget once it has said it, by the name of its crash points. */
const REMEMBERED: Readonly<Partial<Record<LogEntry["kind"], string>>> = {
  safety: "vote",
  block: "block",
  decision: "decision",
};

type Execution = Extract<NodeOutput, { kind: "execute" }>;

export interface HonorLoopParts {
  readonly settings: NodeSettings;
  readonly log: HonorLog;
  readonly streams: PeerStreams;
  readonly host: HonorHost;
  readonly clock: Clock;
  readonly faults: FaultCounter;
  /** Heights up to this one were executed before: only their roots are asked for. */
  readonly executedHeight: number;
}

/**
 * Runs the state machine of an honor node on a real clock, disk and network: one input after the other, and what it is to do in
 * order. Everything between two writes is written at once, and nothing leaves before what was to be written is on disk.
 */
export class HonorLoop {
  readonly #parts: HonorLoopParts;
  readonly #core: HonorNode;
  readonly #stopping = new AbortController();
  /** What is to be done once the write that goes on is through. */
  readonly #queue = new OutputQueue(MAX_QUEUED);
  #isDraining = false;
  #nowMs = 0;
  #executing: number | undefined;
  readonly #toExecute: Execution[] = [];
  /** Of the transactions in them. */
  #unexecutedBytes = 0;
  /** Roots computed here that no certificate attests yet. */
  readonly #roots = new Map<number, string>();
  readonly #delays = new OrderDelayMeter();

  constructor(parts: HonorLoopParts) {
    this.#parts = parts;
    this.#core = new HonorNode(parts.settings);
  }

  /** Goes on from the log. Throws `corrupt-store`, also where the blocks end before what the log has given up. */
  start(): void {
    const { executedHeight } = this.#parts;
    this.#perform(this.#core.start(this.#entries(), this.#now(), executedHeight));
    this.#parts.host.decided(this.#core.height - 1);
  }

  *#entries(): Generator<LogEntry> {
    const { log, executedHeight } = this.#parts;
    for (const entry of log.load()) {
      if (entry.kind === "base" && entry.base.height > executedHeight)
        throw corruptStore(
          `the blocks end at ${executedHeight}, and the honor log holds only what comes after ${entry.base.height}`,
        );
      yield entry;
    }
  }

  stop(): void {
    this.#stopping.abort(new Error("stopping"));
  }

  receive(from: string, packet: Packet): void {
    const { faults } = this.#parts;
    if (this.#queue.isFull) faults.refuse(from, "log-behind");
    else if (this.#isExecutionBehind && ORDERS_MORE.has(packet.kind)) faults.refuse(from, "execution-behind");
    else this.#input({ kind: "packet", from, packet });
  }

  /** Transactions that peers sent were read, by the beginnings of their hashes: they need not be fetched. */
  heard(shortIds: readonly string[]): void {
    this.#input({ kind: "heard", shortIds });
  }

  /** A node that has not executed the last height has no vote anyway; what it missed it asks for again. */
  get #isExecutionBehind(): boolean {
    const { heights, bytes } = MAX_UNEXECUTED;
    return this.#toExecute.length >= heights || this.#unexecutedBytes >= bytes;
  }

  /** What the mempool holds ready; `isOwn`: its users sent it. */
  pooled(transactions: readonly OrderedTransaction[], isOwn: boolean): void {
    this.#input({ kind: "pooled", transactions, isOwn });
  }

  dropped(ids: readonly string[]): void {
    this.#input({ kind: "dropped", ids });
  }

  /** Answers `HonorHost.execute`. */
  executed(height: number, result: ExecutionResult): void {
    const { root } = result;
    if (height !== this.#executing) return;
    this.#executing = undefined;
    this.#roots.set(height, root);
    const attested = this.#core.decision(height + 1)?.checkpoint.attestedRoot;
    if (attested !== undefined) this.#compare(height, attested);
    this.#input({ kind: "executed", height, result });
    this.#executeNext();
  }

  get height(): number {
    return this.#core.height;
  }

  get seat(): number | undefined {
    return this.#core.seat;
  }

  /** The set of a number, the present one unless given. */
  honorSet(number?: number): HonorSet | undefined {
    return number === undefined ? this.#core.honorSet : this.#core.setNumbered(number);
  }

  get tips(): readonly string[] {
    return this.#core.tips;
  }

  get tick(): number {
    const { time } = this.#parts.settings.chain;
    return Math.floor((this.#now() - time.genesisTimeMs) / time.tickMs);
  }

  get orderDelays(): OrderDelays {
    return this.#delays.delays;
  }

  /** Decisions that handed over to the sets from `fromSet` on. */
  handOvers(fromSet: number, limit: number): readonly Decision[] {
    return this.#core.handOvers(fromSet, limit);
  }

  decision(height: number): Decision | undefined {
    return this.#core.decision(height);
  }

  /** What another node needs to go on from a height; undefined while its proofs are missing. */
  snapshot(height: number): ChainSnapshot | undefined {
    return this.#core.snapshot(height);
  }

  /** What is held in memory. */
  get sizes(): NodeSizes {
    return this.#core.sizes;
  }

  /** Whether the block that a signature made is in the DAG. */
  holds(block: BlockFacts): boolean {
    return this.#core.holds(block);
  }

  blocksOfTick(tick: number): readonly (DagBlock | BlockHeader)[] {
    return this.#core.blocksOfTick(tick);
  }

  placeOf(transaction: string): { readonly place: PoolPlace | undefined } | undefined {
    return this.#core.placeOf(transaction);
  }

  colouring(id: string): BlockColouring {
    return this.#core.colouring(id);
  }

  /** Times of the protocol do not go back, whatever the machine's clock does. */
  #now(): number {
    this.#nowMs = Math.max(this.#nowMs, this.#parts.clock.now());
    return this.#nowMs;
  }

  #input(input: NodeInput): void {
    if (this.#stopping.signal.aborted) return;
    this.#perform(this.#core.handle(input, this.#now()));
  }

  #perform(outputs: readonly NodeOutput[]): void {
    for (const output of outputs)
      if (output.kind === "timer") this.#setTimer(output.timer, output.delayMs);
      else {
        if (output.kind === "persist" && output.entry.kind === "block" && isWhole(output.entry.block))
          this.#delays.included(output.entry.block.transactions, this.#nowMs);
        this.#queue.push(output);
      }
    if (!this.#isDraining) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    try {
      while (!this.#queue.isEmpty && !this.#stopping.signal.aborted) {
        const outputs = this.#queue.take();
        const entries = outputs.flatMap((output) => (output.kind === "persist" ? [output.entry] : []));
        if (entries.length > 0) {
          crashPoints("before-persist", entries);
          await this.#write(entries);
          crashPoints("after-persist", entries);
        }
        for (const output of outputs) if (!this.#stopping.signal.aborted) this.#performOne(output);
        crashPoints("after-send", entries);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isDraining = false;
    }
  }

  /** Until it is on disk: a full disk keeps this node silent, and lets it go on once there is room. */
  async #write(entries: readonly LogEntry[]): Promise<void> {
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++) {
      try {
        await this.#parts.log.append(entries);
        return;
      } catch (error) {
        this.#parts.host.logFailed(error, attempt);
        await this.#wait(RETRY_MS * 2 ** Math.min(attempt - 1, MAX_RETRY_DOUBLINGS));
      }
    }
  }

  #performOne(output: NodeOutput): void {
    const { host } = this.#parts;
    switch (output.kind) {
      case "persist":
        if (output.entry.kind === "decision") this.#onDecided(output.entry.decision);
        return;
      case "send":
        this.#send(output.to, output.packet);
        return;
      case "execute":
        this.#delays.ordered(output.transactions, this.#now());
        this.#toExecute.push(output);
        this.#unexecutedBytes += bytesOf(output);
        this.#executeNext();
        return;
      case "rejected":
        host.rejected([output.transaction.id]);
        return;
      case "evidence":
        this.#report(output);
        return;
      case "refused":
        this.#parts.faults.refuse(output.peer, output.fault);
        return;
      case "accepted":
      case "timer":
    }
  }

  #onDecided({ checkpoint }: Decision): void {
    this.#compare(checkpoint.height - 1, checkpoint.attestedRoot);
    this.#parts.host.decided(checkpoint.height);
  }

  /** A quorum attests another state than this node computed: to go on would be to serve what is not the chain. */
  #compare(height: number, attestedRoot: string): void {
    const root = this.#roots.get(height);
    if (root === undefined) return;
    this.#roots.delete(height);
    if (root === attestedRoot) return;
    this.#fail(
      new CodedError({
        code: "state-diverged",
        kind: "internal",
        message: "This node computed another state than the honor set attests: restore it from another node.",
        details: { height, root, attestedRoot },
      }),
    );
  }

  #send(to: string | undefined, packet: Packet): void {
    if (!NEEDS_PULL.has(packet.kind)) {
      this.#sendTo(to, packet);
      return;
    }
    const { streams } = this.#parts;
    const isOlder = (peer: string): boolean => streams.protocolOf(peer) === undefined;
    const older = (to === undefined ? streams.connected : [to]).filter(isOlder);
    if (older.length === 0) {
      this.#sendTo(to, packet);
      return;
    }
    if (to === undefined)
      for (const peer of streams.connected) if (!isOlder(peer)) this.#sendTo(peer, packet);
    const whole = this.#withoutPull(packet);
    if (whole !== undefined) for (const peer of older) this.#sendTo(peer, whole);
  }

  /** What a build without pull is told instead; it asks for nothing that would need another answer. */
  #withoutPull(packet: Packet): Packet | undefined {
    if (packet.kind === "announce")
      return { kind: "transactions", transactions: this.#core.announcedTransactions(packet.shortIds) };
    if (packet.kind !== "compact-block") return undefined;
    const block = this.#core.block(blockId(packet.block.header));
    return block === undefined ? undefined : { kind: "block", block };
  }

  #sendTo(to: string | undefined, packet: Packet): void {
    const { streams } = this.#parts;
    if (packet.kind !== "transactions") {
      streams.send(to, encodePacket(toWire(packet)));
      return;
    }
    for (const transactions of inPieces(packet.transactions))
      streams.send(to, encodePacket(toWire({ kind: "transactions", transactions })));
  }

  #executeNext(): void {
    if (this.#executing !== undefined || this.#stopping.signal.aborted) return;
    const next = this.#toExecute.shift();
    if (next === undefined) return;
    this.#unexecutedBytes -= bytesOf(next);
    const { height, checkpoint, transactions } = next;
    this.#executing = height;
    const { host, settings, executedHeight } = this.#parts;
    const timestamp = Math.floor(startOfTickMs(settings.chain.time, checkpoint.tick) / 1_000);
    host.execute({ height, timestamp, transactions: height <= executedHeight ? [] : transactions });
  }

  #setTimer(timer: NodeTimer, delayMs: number): void {
    void this.#wait(delayMs).then(() => this.#onTimer(timer));
  }

  /** What time makes a node say waits like what peers say, so that a full disk costs no memory. */
  #onTimer(timer: NodeTimer): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#queue.isFull) this.#setTimer(timer, this.#parts.settings.gossipMs);
    else this.#input({ kind: "timer", timer });
  }

  async #wait(delayMs: number): Promise<void> {
    const { signal } = this.#stopping;
    await this.#parts.clock.wait(durationMs(Math.ceil(delayMs)), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  #report({ evidence, seat, setNumber }: Extract<NodeOutput, { kind: "evidence" }>): void {
    const statement = (one: SignedMessage | SignedBlockClaim): ReportedOffence["first"] => ({
      statement: toHex(
        "message" in one ? signedBytes(this.#parts.settings.chain.chainId, one.message) : one.bytes,
      ),
      signature: toHex(one.signature),
    });
    const member = this.#core.setNumbered(setNumber)?.members[seat];
    if (member === undefined) return;
    const { first, second }: Evidence = evidence;
    const statements = { first: statement(first), second: statement(second) };
    this.#parts.host.offence({
      seat,
      setNumber,
      ...member,
      claim: claimOf(evidence, setNumber),
      ...statements,
    });
  }

  #fail(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.stop();
    this.#parts.host.failed(error);
  }
}

function crashPoints(
  step: "before-persist" | "after-persist" | "after-send",
  entries: readonly LogEntry[],
): void {
  for (const { kind } of entries) {
    const what = REMEMBERED[kind];
    if (what !== undefined) crashPoint(`consensus.${what}.${step}`);
  }
}

function bytesOf({ transactions }: Execution): number {
  return transactions.reduce((sum, { payload }) => sum + payload.length, 0);
}

function claimOf(evidence: Evidence, setNumber: number): ReportedOffence["claim"] {
  if (evidence.kind === "double-block") {
    const { first, second } = evidence;
    const blockIds = [first.blockId, second.blockId];
    return { kind: "double-block", setNumber, seat: first.maker, tick: first.tick, blockIds };
  }
  const messages = [evidence.first.message, evidence.second.message];
  const { kind: step, height, round } = evidence.first.message;
  const statements = messages.map((message) =>
    message.kind === "proposal"
      ? { checkpointId: checkpointId(message.checkpoint), validRound: message.validRound }
      : { checkpointId: message.checkpointId, validRound: 0 },
  );
  return { kind: "double-message", step, height, round, statements };
}

function inPieces(transactions: readonly OrderedTransaction[]): OrderedTransaction[][] {
  const pieces: OrderedTransaction[][] = [];
  let bytes = GOSSIP_BYTES;
  for (const transaction of transactions) {
    if (bytes + transaction.payload.length > GOSSIP_BYTES) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)?.push(transaction);
    bytes += transaction.payload.length;
  }
  return pieces;
}
