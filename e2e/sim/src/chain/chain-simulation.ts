import { stakeElection } from "@aios/core-committee/election";
import type { HonorMember, HonorSet } from "@aios/core-committee/honor-set";
import { quorumOf } from "@aios/core-finality/quorum";
import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { Decision, Packet, StandingCandidate } from "@aios/core-honor-node/node-protocol";
import type { ChainSettings, NodeSettings, SeatKeys } from "@aios/core-honor-node/node-settings";
import { dagOrder, type OrderingPolicy } from "@aios/core-honor-node/ordering-policy";
import { SeededRng } from "@aios/kernel/random";
import { bytesToHex } from "@noble/hashes/utils.js";
import { EventQueue } from "../event-queue.js";
import { Invariants, Violation } from "../invariants.js";
import { idealKeyring, type Keyring } from "../signers.js";
import { ChainInvariants } from "./chain-invariants.js";
import { ChainLies } from "./chain-lies.js";
import { type ChainBug, ChainNode, type ChainWorld } from "./chain-node.js";
import { Ledger } from "./ledger.js";

export interface ChainSimulationOptions {
  readonly seed: number;
  readonly bug?: ChainBug;
  /** Signatures of the set; ideal ones unless given. Real ones run in a sound network. */
  readonly keyring?: Keyring;
  /** Of each node, by its index; that of production unless given. */
  readonly orderingOf?: (index: number) => OrderingPolicy;
}

export interface ChainSimulationResult {
  readonly violation: string | undefined;
  readonly seats: number;
  readonly byzantine: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly crashes: number;
  readonly prunings: number;
  /** Nodes that began with a snapshot. */
  readonly snapshots: number;
  readonly heights: number;
  readonly handOvers: number;
  readonly executed: number;
  readonly evidence: number;
  /** What each height executed, in order, by the ids of its transactions; heights without any are left out. */
  readonly orders: readonly (readonly string[])[];
}

const CHAIN_ID = "sim";
const HEAL_MS = 5_000;
const PROGRESS_BOUND_MS = 60_000;
const HEIGHTS_AFTER_HEALING = 10;
const EVENT_LIMIT = 400_000;
const SPARE_NODES = 2;
const SNAPSHOT_INTERVALS = [1, 1, 2, 3];
const SEATS = [4, 4, 6, 9];
/** Half of the schedules keep so short a past that they prune it several times. */
const MERGE_DEPTHS = [12, 25, 5_000, 5_000];
const TIME = { genesisTimeMs: 0, tickMs: 400, ticksPerSlot: 2, slotsPerEpoch: 2, epochsPerCycle: 2 };
const CLOCK_TOLERANCE_MS = 200;
const MINIMUM_STAKE = 100n;
/** A node's second key is so many after its first. */
const NEXT_KEY = 64;
/** In one of so many schedules the liars are selective, and nodes keep few rounds' messages so that some are left behind. */
const DIVIDED_EVERY = 4;
/** As production has it, and so few that a storm of seconds is enough. */
const ROUNDS_AHEAD = 20;
const FEW_ROUNDS_AHEAD = 2;

/**
 * One schedule of whole nodes, decided by its seed alone: block DAG, transactions, execution one checkpoint behind, sets
 * that hand over every few seconds of virtual time, and the faults of `ChainLies`, the network and the disks, until the
 * network heals; then it has to go on within a bound and settle what was accepted.
 */
export function simulateChain(options: ChainSimulationOptions): ChainSimulationResult {
  return new ChainSimulation(options).run();
}

class ChainSimulation {
  readonly #rng: SeededRng;
  readonly #queue = new EventQueue();
  readonly #nodes: ChainNode[] = [];
  readonly #byAccount = new Map<string, ChainNode>();
  readonly #byzantine: ReadonlySet<string>;
  readonly #keyring: Keyring;
  readonly #lies: ChainLies;
  readonly #votes: Invariants;
  readonly #invariants: ChainInvariants;
  readonly #chain: ChainSettings;
  readonly #healMs: number;
  readonly #maxRoundsAhead: number;
  readonly #orderingOf: (index: number) => OrderingPolicy;
  readonly #lossPerCent: number;
  #partition = new Map<string, number>();
  #crashes = 0;
  #prunings = 0;
  #snapshots = 0;
  #statesLost = 0;
  #events = 0;
  #target: number | undefined;

  constructor(options: ChainSimulationOptions) {
    const rng = new SeededRng(options.seed);
    this.#rng = rng;
    const isReal = options.keyring !== undefined;
    this.#keyring = options.keyring ?? idealKeyring();
    this.#orderingOf = options.orderingOf ?? (() => dagOrder);
    this.#healMs = isReal ? 0 : HEAL_MS;
    const seats = isReal ? 4 : (SEATS[rng.below(SEATS.length)] as number);
    const members = Array.from({ length: seats + SPARE_NODES }, (_, index) => this.#member(index));
    const liars = rng.shuffle([...members]).slice(0, isReal ? 0 : rng.below(quorumOf(seats).oneHonest));
    this.#byzantine = new Set(liars.map(({ account }) => account));
    this.#lossPerCent = rng.below(25);
    const genesisSet: HonorSet = { number: 0, members: members.slice(0, seats) };
    const newLedger = this.#ledgers(members);
    const mergeDepth = MERGE_DEPTHS[rng.below(MERGE_DEPTHS.length)] as number;
    const pruningDepth = mergeDepth + Math.max(mergeDepth, seats * TIME.ticksPerSlot);
    this.#chain = {
      chainId: CHAIN_ID,
      time: TIME,
      ghostdag: { k: 18, maxParents: 16, maxMergeset: 500, mergeDepth, pruningDepth },
      genesisSet,
      genesis: newLedger().genesis,
      electionRules: { seats, minimumStakeWei: MINIMUM_STAKE, hysteresisBps: 0, immunityCycles: 0 },
      maxBlockBytes: 100_000,
      maxBlockGas: 21_000 * 30,
      maxBlocksPerCheckpoint: 1_000,
      reputationWindow: 10,
      maxClockToleranceMs: CLOCK_TOLERANCE_MS,
      snapshotInterval: SNAPSHOT_INTERVALS[rng.below(SNAPSHOT_INTERVALS.length)] as number,
    };
    const isDivided = options.seed % DIVIDED_EVERY === DIVIDED_EVERY - 1;
    this.#maxRoundsAhead = isDivided ? FEW_ROUNDS_AHEAD : ROUNDS_AHEAD;
    this.#lies = new ChainLies(rng, CHAIN_ID, { divides: isDivided });
    this.#votes = new Invariants(seats);
    this.#invariants = new ChainInvariants(CHAIN_ID, this.#keyring.scheme, this.#byzantine, genesisSet);
    const world = this.#world(options.bug, newLedger);
    for (const [index, { account }] of members.entries()) {
      const isArchive = index % 2 === 0;
      // One that has no seat at first, so that it never said anything that it could forget.
      const isLate = index === members.length - 1 && rng.below(2) === 0;
      const node = new ChainNode(
        account,
        this.#settings(index),
        !this.#byzantine.has(account),
        isArchive,
        isLate,
        world,
      );
      this.#nodes.push(node);
      this.#byAccount.set(account, node);
    }
  }

  run(): ChainSimulationResult {
    let violation: string | undefined;
    try {
      this.#repartition();
      this.#useIt();
      while (!this.#isDone()) {
        this.#events += 1;
        if (
          this.#events > EVENT_LIMIT ||
          this.#queue.nowMs > this.#healMs + PROGRESS_BOUND_MS ||
          !this.#queue.step()
        )
          throw new Violation(this.#stuck());
      }
      this.#askLightClient();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation = error.message;
    }
    return {
      violation,
      seats: this.#chain.genesisSet.members.length,
      byzantine: this.#byzantine.size,
      events: this.#events,
      virtualMs: Math.round(this.#queue.nowMs),
      crashes: this.#crashes,
      prunings: this.#prunings,
      snapshots: this.#snapshots,
      heights: Math.max(0, ...this.#honest().map(({ executedHeight }) => executedHeight)),
      handOvers: this.#invariants.handOvers,
      executed: this.#invariants.executed,
      evidence: this.#invariants.evidence,
      orders: this.#invariants.orders,
    };
  }

  #member(index: number): HonorMember {
    return {
      account: `0x${(index + 1).toString(16).padStart(40, "0")}`,
      ...this.#publicKey(index),
    };
  }

  #publicKey(key: number): Pick<HonorMember, "publicKey"> {
    return { publicKey: bytesToHex(this.#keyring.publicKey(key)) };
  }

  /** Of a node: its first key, and the one to which it changes. */
  #keys(index: number): SeatKeys {
    const numbers = new Map(
      [index, index + NEXT_KEY].map((number) => [bytesToHex(this.#keyring.publicKey(number)), number]),
    );
    return {
      has: (publicKey) => numbers.has(publicKey),
      sign: (publicKey, bytes) => bytesToHex(this.#keyring.sign(numbers.get(publicKey) ?? index, bytes)),
    };
  }

  #settings(index: number): Omit<NodeSettings, "history"> {
    return {
      chain: this.#chain,
      keys: this.#keys(index),
      scheme: this.#keyring.scheme,
      election: stakeElection,
      ordering: this.#orderingOf(index),
      timeouts: { proposeMs: 500, prevoteMs: 250, precommitMs: 250, backOffMs: 150 },
      checkpointIntervalMs: 250,
      emptyAfterMs: 200,
      gossipMs: 500,
      clockToleranceMs: CLOCK_TOLERANCE_MS,
      maxTransactionsPerBlock: 20,
      poolCapacity: 1_000,
      maxWaitingBlocks: 200,
      maxWaitingBytes: 67_108_864,
      maxRoundsAhead: this.#maxRoundsAhead,
      maxHeldBytes: 4_096,
      unprunedHeights: 1 + this.#rng.below(5),
    };
  }

  /**
   * Stakes change with height, the same in every node's state, so that sets hand over; sometimes a member is
   * suspended or convicted, and nodes change their keys.
   */
  #ledgers(members: readonly HonorMember[]): () => Ledger {
    const salt = this.#rng.uint32();
    const evictedAt = this.#rng.below(3) === 0 ? 3 + this.#rng.below(5) : undefined;
    const evicted = this.#rng.below(members.length);
    const isConvicted = this.#rng.below(2) === 0;
    const rotates = members.map(() => this.#rng.below(4) === 0);
    const candidatesAt = (height: number): StandingCandidate[] => {
      const era = Math.floor(height / 4);
      const rng = new SeededRng((salt + era) >>> 0);
      const isEvicted = (index: number): boolean =>
        evictedAt !== undefined && height >= evictedAt && index === evicted;
      const candidates = members.map((member, index) => ({
        ...member,
        ...(rotates[index] === true && era > 0 ? this.#publicKey(index + NEXT_KEY) : {}),
        controller: member.account,
        stakeWei: MINIMUM_STAKE + BigInt(rng.below(100)),
        score: 0n,
        isSuspended: isEvicted(index),
      }));
      return candidates.filter((_, index) => !(isConvicted && isEvicted(index)));
    };
    return () => new Ledger(candidatesAt);
  }

  #world(bug: ChainBug | undefined, newLedger: () => Ledger): ChainWorld {
    return {
      queue: this.#queue,
      rng: this.#rng,
      votes: this.#votes,
      chain: this.#invariants,
      bug,
      healMs: this.#healMs,
      crashPerMille: this.#rng.below(3) * 6,
      newLedger,
      send: (from, to, packet) => this.#send(from, to, packet),
      onCrash: () => {
        this.#crashes += 1;
      },
      onPruned: () => {
        this.#prunings += 1;
      },
      onSnapshot: () => {
        this.#snapshots += 1;
      },
      mayLoseState: () => {
        // Nobody asks for progress where the bug is to be seen.
        if (bug === "forget-on-restore") return true;
        const { oneHonest } = quorumOf(this.#chain.genesisSet.members.length);
        if (this.#statesLost + this.#byzantine.size >= oneHonest - 1) return false;
        this.#statesLost += 1;
        return true;
      },
      snapshot: () => {
        for (const node of this.#honest()) if (node.snapshot !== undefined) return node.snapshot;
        return undefined;
      },
    };
  }

  #honest(): ChainNode[] {
    return this.#nodes.filter(({ isHonest }) => isHonest);
  }

  #isDone(): boolean {
    if (this.#queue.nowMs < this.#healMs) return false;
    this.#target ??=
      Math.max(...this.#honest().map(({ executedHeight }) => executedHeight)) + HEIGHTS_AFTER_HEALING;
    const target = this.#target;
    return (
      this.#honest().every((node) => node.executedHeight >= target) && this.#invariants.unsettled.length === 0
    );
  }

  #stuck(): string {
    const heights = this.#honest().map(({ executedHeight }) => executedHeight);
    const open = this.#invariants.unsettled.length;
    return `no progress within ${PROGRESS_BOUND_MS} ms of healing: heights ${heights.join()} of ${this.#target}, ${open} transactions open`;
  }

  #repartition(): void {
    const healed = this.#queue.nowMs >= this.#healMs;
    this.#partition.clear();
    if (!healed && this.#rng.below(2) === 0)
      for (const { account } of this.#nodes) this.#partition.set(account, this.#rng.below(2));
    if (!healed) this.#queue.after(300 + this.#rng.below(1_500), () => this.#repartition());
  }

  /** Users submit transactions until the network heals, now and then the same one to two nodes. */
  #useIt(): void {
    const nonces = [0, 0, 0];
    const submit = (): void => {
      const user = this.#rng.below(nonces.length);
      const nonce = nonces[user] ?? 0;
      nonces[user] = nonce + 1;
      const sender = `0x${(0xa0 + user).toString(16).padStart(40, "0")}`;
      const transaction: OrderedTransaction = {
        id: `${user}-${nonce}`,
        sender,
        nonce,
        gasLimit: 21_000,
        payload: new Uint8Array(0),
      };
      for (let copies = this.#rng.below(4) === 0 ? 2 : 1; copies > 0; copies--)
        this.#honest()[this.#rng.below(this.#honest().length)]?.submit([transaction]);
      if (this.#queue.nowMs < this.#healMs + 500) this.#queue.after(100 + this.#rng.below(400), submit);
    };
    this.#queue.after(300, submit);
  }

  #send(from: string, to: string | undefined, packet: Packet): void {
    if (to === undefined) {
      for (const { account } of this.#nodes) if (account !== from) this.#sendOne(from, account, packet);
    } else this.#sendOne(from, to, packet);
  }

  #sendOne(from: string, to: string, packet: Packet): void {
    const sent = this.#byzantine.has(from) ? this.#twist(from, to, packet) : packet;
    if (sent === undefined) return;
    if (sent.kind === "vote") this.#votes.onNetwork(sent.message);
    const stormy = this.#queue.nowMs < this.#healMs;
    if (stormy && this.#partition.get(from) !== this.#partition.get(to)) return;
    if (stormy && this.#rng.below(100) < this.#lossPerCent) return;
    const copies = stormy && this.#rng.below(20) === 0 ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = 5 + this.#rng.below(stormy && this.#rng.below(10) === 0 ? 2_000 : 80);
      this.#queue.after(delayMs, () => this.#byAccount.get(to)?.receive(from, sent));
    }
  }

  #twist(from: string, to: string, packet: Packet): Packet | undefined {
    const indexOf = (sought: string): number => this.#nodes.findIndex(({ account }) => account === sought);
    const index = indexOf(from);
    const isFavoured = (index + indexOf(to)) % 3 !== 0;
    const core = this.#nodes[index]?.core;
    const publicKey = core?.honorSet.members[core.seat ?? -1]?.publicKey;
    const keys = this.#keys(index);
    const liar = {
      seat: core?.seat,
      sign: (bytes: Uint8Array) => keys.sign(publicKey ?? "", bytes),
      blockOf: (id: string) => core?.block(id),
    };
    return this.#lies.twist(packet, liar, isFavoured);
  }

  #askLightClient(): void {
    const node = this.#honest()[0];
    const decisions: Decision[] = [];
    for (let height = 1; height <= (node?.executedHeight ?? 0); height++) {
      const decision = node?.core?.decision(height);
      if (decision !== undefined) decisions.push(decision);
    }
    this.#invariants.followAsLightClient(TIME, this.#chain.genesisSet, decisions);
  }
}
