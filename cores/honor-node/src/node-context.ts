import { tickAt } from "@aios/core-committee/chain-time";
import type { HonorSet } from "@aios/core-committee/honor-set";
import type { Evidence } from "@aios/core-finality/evidence";
import { BlockDag } from "./block-dag.js";
import { type BlockRuleContext, blockFault } from "./block-rules.js";
import { CheckpointChain } from "./checkpoint-chain.js";
import type { LogEntry, NodeOutput, NodeTimer, Packet } from "./node-protocol.js";
import type { NodeSettings } from "./node-settings.js";
import type { PacketFault } from "./packet-faults.js";
import { PastStatements } from "./past-statements.js";
import { TransactionPool } from "./transaction-pool.js";

const REMEMBERED_OFFENCES = 1_024;
/** As many as a peer book holds. */
const MAX_PEERS = 1_024;
/** A peer that says nothing for so many intervals of gossip is not asked for anything. */
const PRESENT_FOR = 4;

/** What the parts of a node share: its data, the time of the present input, and what is to be done. */
export class NodeContext {
  readonly settings: NodeSettings;
  readonly dag: BlockDag;
  readonly chain: CheckpointChain;
  readonly pool: TransactionPool;
  readonly past = new PastStatements();
  nowMs = 0;
  /** Heights whose transactions have been ordered; behind the decided ones while blocks are missing. */
  orderedHeight = 0;
  /** Peers, and when each was heard last, the latest at the end. */
  readonly #heardAtMs = new Map<string, number>();
  #willPull = false;
  #outputs: NodeOutput[] = [];
  readonly #accused = new Set<string>();
  #seated: { readonly set: HonorSet; readonly seat: number | undefined } | undefined;

  constructor(settings: NodeSettings) {
    const { chain, maxWaitingBlocks, maxWaitingBytes, poolCapacity } = settings;
    this.settings = settings;
    this.chain = new CheckpointChain(chain.genesisSet, chain.genesis);
    this.pool = new TransactionPool(poolCapacity);
    this.dag = new BlockDag(
      chain.ghostdag,
      (block) => blockFault(block, this.ruleContext),
      { maxBlocks: maxWaitingBlocks, maxBytes: maxWaitingBytes },
      settings.history,
    );
  }

  get ruleContext(): BlockRuleContext {
    const { chain, clockToleranceMs } = this.settings;
    return {
      time: chain.time,
      dag: this.dag,
      chain: this.chain,
      nowMs: this.nowMs,
      clockToleranceMs,
      maxParents: chain.ghostdag.maxParents,
      maxBlockBytes: chain.maxBlockBytes,
      maxBlockGas: chain.maxBlockGas,
    };
  }

  get tick(): number {
    return tickAt(this.settings.chain.time, this.nowMs);
  }

  /** Own seat in the set that decides the next height. */
  get seat(): number | undefined {
    const { set } = this.chain.reign;
    if (this.#seated?.set !== set) {
      const seat = set.members.findIndex(({ publicKey }) => this.settings.keys.has(publicKey));
      this.#seated = { set, seat: seat < 0 ? undefined : seat };
    }
    return this.#seated.seat;
  }

  /** Signs with the key of the own seat; hex. */
  sign(bytes: Uint8Array): string {
    const { seat } = this;
    const member = seat === undefined ? undefined : this.chain.reign.set.members[seat];
    if (member === undefined) throw new Error("A node without a seat has nothing to sign.");
    return this.settings.keys.sign(member.publicKey, bytes);
  }

  emit(output: NodeOutput): void {
    this.#outputs.push(output);
  }

  persist(entry: LogEntry): void {
    this.emit({ kind: "persist", entry });
  }

  broadcast(packet: Packet): void {
    this.emit({ kind: "send", to: undefined, packet });
  }

  send(to: string, packet: Packet): void {
    this.emit({ kind: "send", to, packet });
  }

  timer(timer: NodeTimer, delayMs: number): void {
    this.emit({ kind: "timer", timer, delayMs });
  }

  /** Counts what is dropped of a peer's. */
  refuse(peer: string, fault: PacketFault): void {
    this.emit({ kind: "refused", peer, fault });
  }

  /** A peer said something. */
  heard(peer: string): void {
    this.#heardAtMs.delete(peer);
    this.#heardAtMs.set(peer, this.nowMs);
    if (this.#heardAtMs.size > MAX_PEERS)
      this.#heardAtMs.delete(this.#heardAtMs.keys().next().value as string);
  }

  /** Peers that can be asked for something. */
  get presentPeers(): string[] {
    const sinceMs = this.nowMs - PRESENT_FOR * this.settings.gossipMs;
    return [...this.#heardAtMs].filter(([, atMs]) => atMs >= sinceMs).map(([peer]) => peer);
  }

  /** So long an answer is waited for before another peer is asked. */
  get answerMs(): number {
    return Math.ceil(this.settings.gossipMs / 2);
  }

  /** Something is asked of a peer: the timer that looks after it runs, once. */
  awaitAnswers(): void {
    if (this.#willPull) return;
    this.#willPull = true;
    this.timer({ kind: "pull" }, this.answerMs);
  }

  /** The timer ran out. */
  awaitedAnswers(): void {
    this.#willPull = false;
  }

  /** Reports an offence once, however often its proof comes in; `what` names the step of the offence. */
  accuse(setNumber: number, seat: number, what: string, evidence: () => Evidence): void {
    const offence = `${setNumber}/${seat}/${what}`;
    if (this.#accused.has(offence)) return;
    if (this.#accused.size >= REMEMBERED_OFFENCES)
      this.#accused.delete(this.#accused.keys().next().value as string);
    this.#accused.add(offence);
    this.emit({ kind: "evidence", evidence: evidence(), seat, setNumber });
  }

  /** What was to be done since the last time. */
  takeOutputs(): NodeOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}
