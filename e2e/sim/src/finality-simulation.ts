import { signedBytes } from "@aios/core-finality/messages";
import { quorumOf } from "@aios/core-finality/quorum";
import { SeededRng } from "@aios/kernel/random";
import { Lies } from "./byzantine.js";
import { EventQueue } from "./event-queue.js";
import { Invariants, Violation } from "./invariants.js";
import { blsSigners, idealSigners, type Signers } from "./signers.js";
import { CHAIN_ID, type DeliberateBug, type Packet, SimulatedNode, type World } from "./simulated-node.js";

export interface SimulationOptions {
  readonly seed: number;
  readonly bug?: DeliberateBug;
  /** Real BLS12-381 signatures instead of ideal ones: one height of four nodes, whose network is sound. */
  readonly bls?: boolean;
}

export interface SimulationResult {
  /** What was broken; undefined: nothing. */
  readonly violation: string | undefined;
  readonly nodes: number;
  readonly byzantine: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly crashes: number;
  /** Highest round in which an honest node decided. */
  readonly highestRound: number;
}

const HEAL_MS = 8_000;
/** After healing, every honest node decides the target height within this time. */
const PROGRESS_BOUND_MS = 60_000;
const TARGET_HEIGHT = 4;
const EVENT_LIMIT = 400_000;
const SIZES = [4, 4, 6, 7];
/** As production has it; in one of so many schedules so few that nodes are left behind by more. */
const ROUNDS_AHEAD = 20;
const FEW_ROUNDS_AHEAD = 2;
const FEW_EVERY = 4;

/**
 * One schedule, decided by its seed alone: size of the set, who is Byzantine (up to f), delays, losses, doubled and
 * overtaking packets, partitions, clock skew, crashes at any step and torn last lines of the log, until the network
 * heals; then the run goes on until every honest node has decided.
 */
export function simulate(options: SimulationOptions): SimulationResult {
  const simulation = new Simulation(options);
  return simulation.run();
}

class Simulation {
  readonly #rng: SeededRng;
  readonly #queue = new EventQueue();
  readonly #nodes: SimulatedNode[] = [];
  readonly #size: number;
  readonly #healMs: number;
  readonly #targetHeight: number;
  readonly #byzantine: ReadonlySet<number>;
  readonly #lossPerCent: number;
  readonly #signers: Signers;
  readonly #lies: Lies;
  readonly #invariants: Invariants;
  #partition: readonly number[] = [];
  #crashes = 0;
  #events = 0;

  constructor(options: SimulationOptions) {
    const rng = new SeededRng(options.seed);
    this.#rng = rng;
    this.#size = options.bls === true ? 4 : (SIZES[rng.below(SIZES.length)] as number);
    this.#healMs = options.bls === true ? 0 : HEAL_MS;
    this.#targetHeight = options.bls === true ? 1 : TARGET_HEIGHT;
    const quorum = quorumOf(this.#size);
    const order = rng.shuffle(Array.from({ length: this.#size }, (_, node) => node));
    this.#byzantine = new Set(order.slice(0, rng.below(quorum.oneHonest)));
    this.#lossPerCent = rng.below(25);
    this.#signers = options.bls === true ? blsSigners(this.#size) : idealSigners(this.#size);
    this.#lies = new Lies(rng, this.#byzantine);
    this.#invariants = new Invariants(this.#size);
    const world: World = {
      queue: this.#queue,
      rng,
      signers: this.#signers,
      quorum,
      invariants: this.#invariants,
      bug: options.bug,
      maxRoundsAhead: options.seed % FEW_EVERY === FEW_EVERY - 1 ? FEW_ROUNDS_AHEAD : ROUNDS_AHEAD,
      healMs: this.#healMs,
      crashPerMille: rng.below(3) * 6,
      send: (from, to, packet) => this.#send(from, to, packet),
      onCrash: () => {
        this.#crashes += 1;
      },
    };
    for (let index = 0; index < this.#size; index++)
      this.#nodes.push(new SimulatedNode(index, !this.#byzantine.has(index), world));
  }

  run(): SimulationResult {
    let violation: string | undefined;
    try {
      this.#repartition();
      while (!this.#isDone()) {
        this.#events += 1;
        if (
          this.#events > EVENT_LIMIT ||
          this.#queue.nowMs > this.#healMs + PROGRESS_BOUND_MS ||
          !this.#queue.step()
        )
          throw new Violation(`no progress within ${PROGRESS_BOUND_MS} ms of healing`);
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation = error.message;
    }
    const rounds = this.#honest().flatMap(({ decisions }) => decisions.map((d) => d.certificate.round));
    return {
      violation,
      nodes: this.#size,
      byzantine: this.#byzantine.size,
      events: this.#events,
      virtualMs: Math.round(this.#queue.nowMs),
      crashes: this.#crashes,
      highestRound: Math.max(0, ...rounds),
    };
  }

  #honest(): SimulatedNode[] {
    return this.#nodes.filter(({ isHonest }) => isHonest);
  }

  #isDone(): boolean {
    return this.#honest().every(({ height }) => height > this.#targetHeight);
  }

  /** Splits the network anew every so often, until it heals. */
  #repartition(): void {
    const healed = this.#queue.nowMs >= this.#healMs;
    const split = !healed && this.#rng.below(2) === 0;
    this.#partition = split ? this.#nodes.map(() => this.#rng.below(2)) : [];
    if (!healed) this.#queue.after(300 + this.#rng.below(1_500), () => this.#repartition());
  }

  #send(from: number, to: number, packet: Packet): void {
    if (to < 0) {
      this.#accused(from, packet);
      return;
    }
    const sent = this.#byzantine.has(from) ? this.#twist(packet) : packet;
    if (sent === undefined) return;
    if (sent.kind === "message") this.#invariants.onNetwork(sent.message);
    const stormy = this.#queue.nowMs < this.#healMs;
    if (stormy && this.#partition[from] !== this.#partition[to]) return;
    if (stormy && this.#rng.below(100) < this.#lossPerCent) return;
    const copies = stormy && this.#rng.below(20) === 0 ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = 5 + this.#rng.below(stormy && this.#rng.below(10) === 0 ? 2_000 : 80);
      this.#queue.after(delayMs, () => this.#nodes[to]?.receive(sent));
    }
  }

  /** An honest node found two statements that exclude each other: their sender must not be honest. */
  #accused(from: number, packet: Packet): void {
    if (packet.kind !== "status" || this.#byzantine.has(from) || this.#byzantine.has(packet.from)) return;
    throw new Violation(`honest node ${packet.from} could be slashed`);
  }

  #twist(packet: Packet): Packet | undefined {
    const twisted = this.#lies.twist(packet);
    if (twisted?.kind !== "message" || twisted === packet) return twisted;
    const { message } = twisted;
    if (!this.#byzantine.has(message.sender)) return twisted;
    return { ...twisted, signature: this.#signers.sign(message.sender, signedBytes(CHAIN_ID, message)) };
  }
}
