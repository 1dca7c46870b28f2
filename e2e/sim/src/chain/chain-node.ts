import {
  abstentionAfterRestore,
  type ChainSnapshot,
  proveSnapshot,
} from "@aios/core-honor-node/chain-snapshot";
import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import { HonorNode } from "@aios/core-honor-node/honor-node";
import { MemoryLog } from "@aios/core-honor-node/memory-log";
import type { LogEntry, NodeInput, NodeOutput, Packet } from "@aios/core-honor-node/node-protocol";
import type { NodeSettings } from "@aios/core-honor-node/node-settings";
import { readOwnLog } from "@aios/core-honor-node/own-log";
import type { SeededRng } from "@aios/kernel/random";
import type { EventQueue } from "../event-queue.js";
import { type Invariants, Violation } from "../invariants.js";
import type { ChainInvariants } from "./chain-invariants.js";
import { Ledger } from "./ledger.js";

/** Faults in the wiring around the core, to see that the invariants catch them. */
export type ChainBug = "forget-log" | "skip-lock" | "forget-on-restore";

/** A snapshot of the chain and the state that goes with it. */
export interface SnapshotOffer {
  readonly snapshot: ChainSnapshot;
  readonly ledger: Ledger;
}

export interface ChainWorld {
  readonly queue: EventQueue;
  readonly rng: SeededRng;
  readonly votes: Invariants;
  readonly chain: ChainInvariants;
  readonly bug: ChainBug | undefined;
  readonly healMs: number;
  readonly crashPerMille: number;
  readonly newLedger: () => Ledger;
  send(from: string, to: string | undefined, packet: Packet): void;
  onCrash(): void;
  onPruned(): void;
  onSnapshot(): void;
  /** Whether another node may lose what it holds: blocks that a third of the seats alone has may be gone with it. */
  mayLoseState(): boolean;
  /** Of any honest node that has one. */
  snapshot(): SnapshotOffer | undefined;
}

const TRUST_PERIOD_MS = 3_600_000;

class Crashed extends Error {}

/** The core of a node with its disk, clock, timers and execution. */
export class ChainNode {
  readonly account: string;
  readonly isHonest: boolean;
  readonly #settings: Omit<NodeSettings, "history">;
  readonly #isArchive: boolean;
  readonly #world: ChainWorld;
  readonly #offsetMs: number;
  readonly #skew: number;
  readonly #ledger: Ledger;
  readonly #accepted = new Set<string>();
  #log: MemoryLog;
  #core: HonorNode | undefined;
  #life = 0;
  /** It executes one height after the other. */
  #executesUntilMs = 0;
  /** Of these heights only the states are asked for. */
  #executedBefore = 0;
  /** Last height that it executed. */
  executedHeight = 0;

  constructor(
    account: string,
    settings: Omit<NodeSettings, "history">,
    isHonest: boolean,
    isArchive: boolean,
    isLate: boolean,
    world: ChainWorld,
  ) {
    this.account = account;
    this.isHonest = isHonest;
    this.#log = new MemoryLog({ archive: isArchive });
    this.#isArchive = isArchive;
    this.#settings = settings;
    this.#world = world;
    this.#ledger = world.newLedger();
    this.#offsetMs = world.rng.below(120);
    this.#skew = 0.85 + world.rng.below(35) / 100;
    if (isLate) world.queue.after(2_000 + world.rng.below(5_000), () => this.#arrive());
    else this.#boot();
    if (isHonest && !isLate && world.rng.below(2) === 0)
      world.queue.after(4_000 + world.rng.below(6_000), () => this.#loseState());
  }

  get core(): HonorNode | undefined {
    return this.#core;
  }

  receive(from: string, packet: Packet): void {
    this.#input({ kind: "packet", from, packet });
  }

  submit(transactions: readonly OrderedTransaction[]): void {
    this.#input({ kind: "transactions", transactions });
  }

  get #nowMs(): number {
    return this.#world.queue.nowMs + this.#offsetMs;
  }

  /** Begins with a snapshot of another node; with genesis while there is none. */
  #arrive(): void {
    // Its log is empty and not lost: it never said anything.
    this.#restore(new MemoryLog({ archive: this.#isArchive }), this.#log);
    this.#boot();
  }

  /**
   * Puts a snapshot of another node, proven as one from a stranger, in the place of the chain that it has. What it said
   * before binds it by its log, or by abstention where the disk is gone.
   */
  #restore(log: MemoryLog, old: MemoryLog | undefined): void {
    const found = this.#world.snapshot();
    if (found === undefined) return;
    if (old === undefined) this.#world.chain.onLost(this.#accepted);
    const { chain, scheme } = this.#settings;
    const own = old === undefined ? undefined : readOwnLog(old.entries(), chain);
    const trust = { chain, scheme, nowMs: this.#nowMs, trustPeriodMs: TRUST_PERIOD_MS };
    const { entries, height, root } = proveSnapshot(found.snapshot, { ...trust, verified: own?.verified });
    for (const entry of entries) log.append(entry);
    if (this.#world.bug !== "forget-on-restore") {
      for (const entry of old?.entries() ?? [])
        if (entry.kind === "safety" || entry.kind === "transactions") log.append(entry);
      const abstention = abstentionAfterRestore(chain, this.#nowMs, own);
      log.append({ kind: "abstention", abstention });
    }
    this.#log = log;
    this.#ledger.adopt(found.ledger, height);
    this.executedHeight = height;
    if (this.#ledger.execute(height, []).result.root !== root)
      throw new Violation(`a snapshot of height ${height} proves another root than its state has`);
    this.#world.onSnapshot();
  }

  /** An operator begins anew with a snapshot, since the state is lost, or all that the node ever wrote. */
  #loseState(): void {
    const { rng, queue } = this.#world;
    if (!this.#world.mayLoseState()) return;
    const isLost = rng.below(3) === 0;
    this.#core = undefined;
    this.#life += 1;
    const life = this.#life;
    queue.after(rng.below(600), () => {
      if (life !== this.#life) return;
      this.#restore(new MemoryLog({ archive: this.#isArchive }), isLost ? undefined : this.#log);
      this.#boot();
    });
  }

  /** What a stranger may begin with. */
  get snapshot(): SnapshotOffer | undefined {
    const core = this.#core;
    if (core === undefined) return undefined;
    const latest = Math.min(this.executedHeight, core.height - 3);
    const snapshot = core.snapshot(latest - (latest % this.#settings.chain.snapshotInterval));
    return snapshot === undefined ? undefined : { snapshot, ledger: this.#ledger };
  }

  #boot(): void {
    this.#life += 1;
    this.#executedBefore = this.executedHeight;
    this.#core = new HonorNode({ ...this.#settings, history: this.#log });
    this.#perform(this.#core.start([...this.#log.entries()], this.#nowMs, this.executedHeight));
  }

  #input(input: NodeInput): void {
    if (this.#core !== undefined) this.#perform(this.#core.handle(input, this.#nowMs));
  }

  #perform(outputs: readonly NodeOutput[]): void {
    try {
      for (const output of outputs) {
        this.#crashMaybe(1);
        this.#performOne(output);
      }
    } catch (error) {
      if (!(error instanceof Crashed)) throw error;
    }
  }

  #crashMaybe(factor: number): void {
    const { rng, queue, healMs, crashPerMille } = this.#world;
    if (queue.nowMs < healMs && rng.below(10_000) < crashPerMille * factor) this.#crash();
  }

  #crash(): never {
    const { rng, queue, bug } = this.#world;
    this.#core = undefined;
    this.#life += 1;
    this.#world.onCrash();
    if (bug === "forget-log") this.#log = new MemoryLog({ archive: this.#isArchive });
    queue.after(rng.below(2_500), () => this.#boot());
    throw new Crashed();
  }

  #performOne(output: NodeOutput): void {
    const { queue, chain } = this.#world;
    if (output.kind === "persist") this.#persist(output.entry);
    else if (output.kind === "send") this.#send(output.to, output.packet);
    else if (output.kind === "timer") {
      const life = this.#life;
      queue.after(output.delayMs * this.#skew, () => {
        if (life === this.#life) this.#input({ kind: "timer", timer: output.timer });
      });
    } else if (output.kind === "execute") this.#execute(output);
    else if (!this.isHonest) return;
    else if (output.kind === "accepted") {
      for (const { id } of output.transactions) this.#accepted.add(id);
      chain.onAccepted(output.transactions);
    } else if (output.kind === "evidence") chain.onEvidence(output.setNumber, output.evidence);
    else if (output.kind === "refused") chain.onBlamed(this.account, output.peer, output.fault, queue.nowMs);
  }

  #persist(entry: LogEntry): void {
    // A torn tail: the machine dies while writing, and what was half written is gone.
    this.#crashMaybe(3);
    this.#log.append(entry);
    if (entry.kind === "base") this.#world.onPruned();
    if (entry.kind === "decision" && this.isHonest)
      this.#world.chain.onDecision(this.account, entry.decision);
    if (this.#world.bug === "skip-lock" && entry.kind === "safety") this.#dropLock(entry);
  }

  /** The bug "skip a lock": die after a precommit and come back without the lock. */
  #dropLock(entry: Extract<LogEntry, { kind: "safety" }>): void {
    const { record } = entry;
    if (record.lockedRound < 0 || record.step !== "precommit" || this.#world.rng.below(3) > 0) return;
    const unlocked = {
      lockedRound: -1,
      locked: undefined,
      validRound: -1,
      valid: undefined,
      justification: [],
    };
    this.#log.append({ kind: "safety", record: { ...record, ...unlocked } });
    this.#crash();
  }

  #send(to: string | undefined, packet: Packet): void {
    if (this.isHonest && packet.kind === "vote" && packet.message.sender === this.#core?.seat)
      this.#world.votes.onHonestMessage(packet.message);
    this.#world.send(this.account, to, packet);
  }

  #execute({ height, checkpoint, transactions }: Extract<NodeOutput, { kind: "execute" }>): void {
    const { queue, rng, chain } = this.#world;
    const life = this.#life;
    this.#executesUntilMs = Math.max(this.#executesUntilMs, queue.nowMs) + 1 + rng.below(40);
    queue.after(this.#executesUntilMs - queue.nowMs, () => {
      if (life !== this.#life) return;
      const block = this.#ledger.execute(height, transactions);
      this.executedHeight = Math.max(height, this.executedHeight);
      if (this.isHonest && height > this.#executedBefore)
        chain.onExecuted(this.account, checkpoint, transactions, block);
      this.#input({ kind: "executed", height, result: block.result });
    });
  }
}
