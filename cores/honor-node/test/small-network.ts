import { rankedElection } from "@aios/core-committee/election";
import type { HonorSet } from "@aios/core-committee/honor-set";
import type { SignatureScheme } from "@aios/core-finality/signature-scheme";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { type ChainHistory, NO_HISTORY } from "../src/chain-history.js";
import {
  blockClaimBytes,
  type DagBlock,
  type OrderedTransaction,
  type UnsignedBlock,
} from "../src/dag-block.js";
import { HonorNode } from "../src/honor-node.js";
import { MemoryLog } from "../src/memory-log.js";
import type {
  LogEntry,
  NodeInput,
  NodeOutput,
  NodeTimer,
  Packet,
  StandingCandidate,
} from "../src/node-protocol.js";
import type { NodeSettings, SeatKeys } from "../src/node-settings.js";
import { dagOrder } from "../src/ordering-policy.js";

export const CHAIN_ID = "test";
export const TICK_MS = 1_000;
export const SNAPSHOT_INTERVAL = 3;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
export const account = (index: number): string => `0x${hex(index + 1, 40)}`;
/** Of a user, who is no node, with nothing in it. */
export const transaction = (nonce: number, user = 0): OrderedTransaction => ({
  id: `${user}-${nonce}`,
  sender: `0x${(user + 1).toString(16).padStart(40, "a")}`,
  nonce,
  gasLimit: 21_000,
  payload: new Uint8Array(0),
});
const key = (index: number): Uint8Array => hexToBytes(hex(index + 1, 96));
const tag = (publicKey: Uint8Array, message: Uint8Array): Uint8Array =>
  sha256(concatBytes(publicKey, message));
const join = (parts: readonly Uint8Array[]): Uint8Array =>
  parts.reduce((sum, part) => sum.map((byte, at) => byte ^ (part[at] ?? 0)), new Uint8Array(32));
const equal = (a: Uint8Array, b: Uint8Array): boolean => bytesToHex(a) === bytesToHex(b);

/** Signatures that only this file makes. */
export const idealScheme: SignatureScheme = {
  verify: (publicKey, message, signature) => equal(tag(publicKey, message), signature),
  aggregate: join,
  verifyAggregate: (keys, message, signature) => equal(join(keys.map((one) => tag(one, message))), signature),
};

export function honorSet(size: number): HonorSet {
  const members = Array.from({ length: size }, (_, index) => ({
    account: account(index),
    publicKey: bytesToHex(key(index)),
  }));
  return { number: 0, members };
}

function keysOf(index: number): SeatKeys {
  const own = bytesToHex(key(index));
  return {
    has: (publicKey) => publicKey === own,
    sign: (publicKey, bytes) => bytesToHex(tag(hexToBytes(publicKey), bytes)),
  };
}

/** What a test chooses about the past that nodes keep, and when their leaders propose. */
export interface PastOptions {
  readonly mergeDepth: number;
  readonly pruningDepth: number;
  readonly reputationWindow: number;
  readonly maxHeldBytes: number;
  readonly archive?: boolean;
  readonly checkpointIntervalMs?: number;
  readonly emptyAfterMs?: number;
}

export const LONG_PAST = {
  mergeDepth: 1_000,
  pruningDepth: 2_000,
  reputationWindow: 10,
  maxHeldBytes: 1_000_000,
};

export function settings(
  index: number,
  size = 4,
  past: PastOptions = LONG_PAST,
  history: ChainHistory = NO_HISTORY,
): NodeSettings {
  const { mergeDepth, pruningDepth, reputationWindow, maxHeldBytes } = past;
  const { checkpointIntervalMs = 500, emptyAfterMs = 200 } = past;
  return {
    chain: {
      chainId: CHAIN_ID,
      time: { genesisTimeMs: 0, tickMs: TICK_MS, ticksPerSlot: 2, slotsPerEpoch: 10, epochsPerCycle: 10 },
      ghostdag: { k: 18, maxParents: 4, maxMergeset: 100, mergeDepth, pruningDepth },
      genesisSet: honorSet(size),
      genesis: { root: "root-0", candidates: [] },
      electionRules: { seats: size, minimumStakeWei: 0n, hysteresisBps: 0, immunityCycles: 0 },
      maxBlockBytes: 100_000,
      maxBlockGas: 1_000_000,
      maxBlocksPerCheckpoint: 50,
      reputationWindow,
      maxClockToleranceMs: 100,
      snapshotInterval: SNAPSHOT_INTERVAL,
    },
    keys: keysOf(index),
    scheme: idealScheme,
    election: rankedElection,
    ordering: dagOrder,
    timeouts: { proposeMs: 1_400, prevoteMs: 500, precommitMs: 500, backOffMs: 100 },
    checkpointIntervalMs,
    emptyAfterMs,
    gossipMs: 500,
    clockToleranceMs: 100,
    maxTransactionsPerBlock: 10,
    poolCapacity: 20,
    maxWaitingBlocks: 10,
    maxWaitingBytes: 1_000_000,
    maxRoundsAhead: 20,
    maxHeldBytes,
    unprunedHeights: 8,
    history,
  };
}

const BLOCKS: ReadonlySet<Packet["kind"]> = new Set(["block", "compact-block", "block-transactions"]);

/** Of the first key of an account. */
export function signature(index: number, bytes: Uint8Array): Uint8Array {
  return tag(key(index), bytes);
}

export function signed(seat: number, block: UnsignedBlock): DagBlock {
  return { ...block, signature: bytesToHex(signature(seat, blockClaimBytes(CHAIN_ID, block))) };
}

/** Nodes whose packets arrive 10 ms later, in virtual time. */
export class SmallNetwork {
  readonly nodes: HonorNode[] = [];
  readonly logs: MemoryLog[] = [];
  readonly ordered: string[][] = [];
  readonly evidence: NodeOutput[] = [];
  /** Nodes whose packets get lost. */
  readonly silent = new Set<number>();
  votesAreLost = false;
  /** Nodes to which blocks do not get through. */
  readonly blockless = new Set<number>();
  /** What becomes of a packet on the way; undefined: it gets lost. */
  carry: (packet: Packet, from: number, to: number) => Packet | undefined = (packet) => packet;
  /** Who stands for the honor set after a height. */
  candidatesAt: (height: number) => readonly StandingCandidate[] = () => [];
  /** What nodes have not executed yet that take their time. */
  readonly slow = new Map<number, (() => void)[]>();
  #events: { atMs: number; sequence: number; run: () => void }[] = [];
  #sequence = 0;
  nowMs = 0;

  readonly #past: PastOptions;

  constructor(size: number, past: PastOptions = LONG_PAST) {
    this.#past = past;
    for (let index = 0; index < size; index++) {
      const log = this.#newLog();
      this.logs.push(log);
      this.ordered.push([]);
      this.nodes.push(new HonorNode(settings(index, size, past, log)));
    }
    for (const [index, node] of this.nodes.entries()) this.#perform(index, node, node.start([], 0));
  }

  #newLog(): MemoryLog {
    return new MemoryLog({ archive: this.#past.archive === true });
  }

  /** Another node in the place of one, with its log. */
  restart(index: number): void {
    const log = this.logs[index] ?? this.#newLog();
    const node = new HonorNode(settings(index, this.nodes.length, this.#past, log));
    this.nodes[index] = node;
    this.ordered[index] = [];
    this.#perform(index, node, node.start([...log.entries()], this.nowMs));
  }

  /** As `restart`, with what a snapshot proves in the place of the disk. */
  restore(index: number, entries: readonly LogEntry[]): void {
    const log = this.#newLog();
    for (const entry of entries) log.append(entry);
    this.logs[index] = log;
    this.restart(index);
  }

  /** As `restart`, with a new disk. */
  lose(index: number): void {
    this.logs[index] = this.#newLog();
    this.restart(index);
  }

  /** Lets a node answer what it executed. */
  finishSlow(index: number): void {
    const answers = this.slow.get(index) ?? [];
    this.slow.delete(index);
    for (const answer of answers) answer();
  }

  input(index: number, input: NodeInput): readonly NodeOutput[] {
    const node = this.nodes[index] as HonorNode;
    const outputs = node.handle(input, this.nowMs);
    this.#perform(index, node, outputs);
    return outputs;
  }

  runUntil(untilMs: number): void {
    for (;;) {
      this.#events.sort((a, b) => a.atMs - b.atMs || a.sequence - b.sequence);
      const next = this.#events[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#events.shift();
      this.nowMs = next.atMs;
      next.run();
    }
    this.nowMs = untilMs;
  }

  #after(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, sequence: this.#sequence++, run });
  }

  #perform(index: number, node: HonorNode, outputs: readonly NodeOutput[]): void {
    const still = (): boolean => this.nodes[index] === node;
    for (const output of outputs) {
      if (output.kind === "persist") this.logs[index]?.append(output.entry);
      else if (output.kind === "timer") this.#timer(index, output.timer, output.delayMs, still);
      else if (output.kind === "evidence") this.evidence.push(output);
      else if (output.kind === "execute") {
        this.ordered[index]?.push(...output.transactions.map(({ id }) => id));
        const result = { root: `root-${output.height}`, candidates: this.candidatesAt(output.height) };
        const answer = (): void =>
          void (still() && this.input(index, { kind: "executed", height: output.height, result }));
        const slow = this.slow.get(index);
        if (slow === undefined) this.#after(1, answer);
        else slow.push(answer);
      } else if (
        output.kind === "send" &&
        !this.silent.has(index) &&
        !(this.votesAreLost && ["vote", "decision"].includes(output.packet.kind))
      )
        for (const [to] of this.nodes.entries())
          if (
            to !== index &&
            (output.to === undefined || output.to === account(to)) &&
            !(this.blockless.has(to) && BLOCKS.has(output.packet.kind))
          ) {
            const packet = this.carry(output.packet, index, to);
            if (packet !== undefined)
              this.#after(10, () => this.input(to, { kind: "packet", from: account(index), packet }));
          }
    }
  }

  #timer(index: number, timer: NodeTimer, delayMs: number, still: () => boolean): void {
    this.#after(delayMs, () => still() && this.input(index, { kind: "timer", timer }));
  }
}
