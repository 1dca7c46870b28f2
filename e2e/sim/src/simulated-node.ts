import { type Certificate, makeCertificate, verifyCertificate } from "@aios/core-finality/certificate";
import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import { FinalityHeight, type FinalityInput, type FinalityOutput } from "@aios/core-finality/finality-height";
import { type DecidedRound, lostTurnsAfter } from "@aios/core-finality/leader";
import { type FinalityMessage, signedBytes, type Vote } from "@aios/core-finality/messages";
import type { Quorum } from "@aios/core-finality/quorum";
import type { SeededRng } from "@aios/kernel/random";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { EventQueue } from "./event-queue.js";
import type { Invariants } from "./invariants.js";
import { SafetyLog } from "./safety-log.js";
import type { Signers } from "./signers.js";

export const CHAIN_ID = "sim";
const TIMEOUTS = { proposeMs: 400, prevoteMs: 250, precommitMs: 250, backOffMs: 150 };
const GOSSIP_MS = 600;
const REPUTATION_WINDOW = 10;
/** No parent is certified in a later one here. */
const MAX_PARENT_ROUND = 200;

export type Packet =
  | { readonly kind: "message"; readonly message: FinalityMessage; readonly signature: Uint8Array }
  | { readonly kind: "status"; readonly from: number; readonly height: number }
  | { readonly kind: "certificate"; readonly certificate: Certificate; readonly checkpoint: Checkpoint };

/** Faults in the wiring around the core, to see that the invariants catch them. */
export type DeliberateBug = "skip-lock" | "forget-log" | "quorum-off-by-one";

export interface World {
  readonly queue: EventQueue;
  readonly rng: SeededRng;
  readonly signers: Signers;
  readonly quorum: Quorum;
  readonly invariants: Invariants;
  readonly bug: DeliberateBug | undefined;
  readonly maxRoundsAhead: number;
  /** Virtual time after which nothing crashes any more. */
  readonly healMs: number;
  readonly crashPerMille: number;
  /** To -1: an accusation of the node that the status names. */
  send(from: number, to: number, packet: Packet): void;
  onCrash(): void;
}

interface Decision {
  readonly checkpoint: Checkpoint;
  readonly certificate: Certificate;
}

export const rootAfter = (parentId: string): string => `root-${parentId}`;

class Crashed extends Error {}

/** One node: the core, its disk, its clock, and the messages between. */
export class SimulatedNode {
  readonly index: number;
  readonly decisions: Decision[] = [];
  readonly #world: World;
  readonly #honest: boolean;
  /** Its clock runs this much faster or slower. */
  readonly #skew: number;
  readonly #log = new SafetyLog();
  #core: FinalityHeight | undefined;
  #life = 0;
  #proposals = 0;

  constructor(index: number, honest: boolean, world: World) {
    this.index = index;
    this.#world = world;
    this.#honest = honest;
    this.#skew = 0.8 + world.rng.below(50) / 100;
    this.#boot();
  }

  get isHonest(): boolean {
    return this.#honest;
  }

  get height(): number {
    return this.decisions.length + 1;
  }

  receive(packet: Packet): void {
    if (this.#core === undefined) return;
    if (packet.kind === "status") this.#answer(packet.from, packet.height);
    else if (packet.kind === "certificate") this.#adopt(packet.checkpoint, packet.certificate);
    else this.#receiveMessage(packet.message, packet.signature);
  }

  #receiveMessage(message: FinalityMessage, signature: Uint8Array): void {
    const key = this.#world.signers.publicKeys[message.sender];
    if (key === undefined || message.height !== this.height) return;
    if (!this.#world.signers.scheme.verify(key, signedBytes(CHAIN_ID, message), signature)) return;
    this.#input({ kind: "message", message: { ...message, signature: bytesToHex(signature) } });
  }

  #boot(): void {
    this.#life += 1;
    this.#enterHeight(true);
    this.#gossip(this.#life);
  }

  #enterHeight(recover: boolean): void {
    const { bug, quorum } = this.#world;
    const history: DecidedRound[] = this.decisions
      .slice(1)
      .map(({ checkpoint }) => ({ height: checkpoint.height - 1, round: checkpoint.parentRound }))
      .slice(-REPUTATION_WINDOW);
    this.#core = new FinalityHeight({
      height: this.height,
      self: this.index,
      quorum: bug === "quorum-off-by-one" ? { ...quorum, quorum: quorum.quorum - 1 } : quorum,
      lostTurns: lostTurnsAfter(quorum.size, history, quorum.oneHonest - 1),
      timeouts: TIMEOUTS,
      maxRoundsAhead: this.#world.maxRoundsAhead,
    });
    const record = recover ? this.#log.recover(this.height) : undefined;
    this.#perform(this.#core.start(record));
  }

  #input(input: FinalityInput): void {
    if (this.#core !== undefined) this.#perform(this.#core.handle(input));
  }

  #perform(outputs: readonly FinalityOutput[]): void {
    try {
      for (const output of outputs) {
        this.#crashMaybe();
        this.#performOne(output);
      }
      if (this.#world.bug === "skip-lock") this.#dropLock();
    } catch (error) {
      if (!(error instanceof Crashed)) throw error;
    }
  }

  #crashMaybe(): void {
    const { rng, queue, healMs, crashPerMille } = this.#world;
    if (queue.nowMs > healMs || rng.below(1_000) >= crashPerMille) return;
    this.#crash();
  }

  #crash(): never {
    const { rng, queue } = this.#world;
    this.#core = undefined;
    this.#life += 1;
    this.#world.onCrash();
    if (this.#world.bug === "forget-log") this.#log.forget();
    queue.after(rng.below(3_000), () => this.#boot());
    throw new Crashed();
  }

  /** The bug "skip a lock": start again from the record without it. */
  #dropLock(): void {
    const record = this.#log.recover(this.height);
    if (record === undefined || record.lockedRound < 0 || this.#core?.step !== "precommit") return;
    if (record.step !== "precommit" || record.round !== this.#core.round) return;
    this.#log.append(
      { ...record, lockedRound: -1, locked: undefined, validRound: -1, valid: undefined },
      false,
      this.#world.rng,
    );
    this.#enterHeight(true);
  }

  #performOne(output: FinalityOutput): void {
    const { rng, queue, healMs, crashPerMille } = this.#world;
    const life = this.#life;
    const height = this.height;
    const later = (delayMs: number, input: FinalityInput): void =>
      queue.after(delayMs, () => {
        if (life === this.#life && height === this.height) this.#input(input);
      });
    if (output.kind === "persist") {
      const torn = queue.nowMs < healMs && rng.below(1_000) < crashPerMille;
      this.#log.append(output.record, torn, rng);
      if (torn) this.#crash();
    } else if (output.kind === "send") this.#broadcast(output.message);
    else if (output.kind === "timer")
      later(output.delayMs * this.#skew, { kind: "timeout", step: output.step, round: output.round });
    else if (output.kind === "build")
      later(rng.below(20), { kind: "built", round: output.round, checkpoint: this.#build() });
    else if (output.kind === "check") this.#check(output.checkpoint, later);
    else if (output.kind === "decided") this.#certify(output.checkpoint, output.round, output.precommits);
    else this.#accuse(output.conflict.first.sender);
  }

  #accuse(sender: number): void {
    this.#world.send(this.index, -1, { kind: "status", from: sender, height: -1 });
  }

  #build(): Checkpoint {
    const parent = this.decisions.at(-1);
    this.#proposals += 1;
    const parentId = parent === undefined ? "genesis" : checkpointId(parent.checkpoint);
    return {
      height: this.height,
      parentId,
      parentRound: parent?.certificate.round ?? 0,
      tip: `tip-${this.index}-${this.#life}-${this.#proposals}`,
      tick: this.height,
      attestedRoot: rootAfter(parentId),
      nextSetId: "set",
    };
  }

  #check(checkpoint: Checkpoint, later: (delayMs: number, input: FinalityInput) => void): void {
    if (checkpoint.tip.startsWith("withheld")) return;
    const parent = this.decisions.at(-1);
    const parentId = parent === undefined ? "genesis" : checkpointId(parent.checkpoint);
    const acceptable =
      checkpoint.parentId === parentId &&
      checkpoint.attestedRoot === rootAfter(parentId) &&
      checkpoint.parentRound <= MAX_PARENT_ROUND;
    later(this.#world.rng.below(80), { kind: "checked", checkpointId: checkpointId(checkpoint), acceptable });
  }

  #broadcast(message: FinalityMessage): void {
    if (this.#honest) this.#world.invariants.onHonestMessage(message);
    this.#toAll({ kind: "message", message, signature: this.#signature(message) });
  }

  #signature(message: FinalityMessage): Uint8Array {
    if (message.signature !== undefined) return hexToBytes(message.signature);
    return this.#world.signers.sign(message.sender, signedBytes(CHAIN_ID, message));
  }

  #toAll(packet: Packet): void {
    for (let to = 0; to < this.#world.quorum.size; to++)
      if (to !== this.index) this.#world.send(this.index, to, packet);
  }

  #certify(checkpoint: Checkpoint, round: number, votes: readonly Vote[]): void {
    const { signers, bug } = this.#world;
    if (bug === "quorum-off-by-one") {
      this.#decide({ checkpoint, certificate: emptyCertificate(checkpoint, round) });
      return;
    }
    const precommits = votes.map((vote) => ({ sender: vote.sender, signature: this.#signature(vote) }));
    const keys = { chainId: CHAIN_ID, publicKeys: signers.publicKeys };
    this.#decide({
      checkpoint,
      certificate: makeCertificate(signers.scheme, keys, checkpoint, round, precommits),
    });
  }

  #adopt(checkpoint: Checkpoint, certificate: Certificate): void {
    if (checkpoint.height !== this.height || certificate.checkpointId !== checkpointId(checkpoint)) return;
    const { signers, bug } = this.#world;
    if (bug !== "quorum-off-by-one")
      verifyCertificate(signers.scheme, { chainId: CHAIN_ID, publicKeys: signers.publicKeys }, certificate);
    this.#decide({ checkpoint, certificate });
  }

  #decide(decision: Decision): void {
    const { parentId } = decision.checkpoint;
    if (this.#honest) this.#world.invariants.onDecision(decision.checkpoint, rootAfter(parentId));
    this.decisions.push(decision);
    this.#enterHeight(false);
  }

  /** Says again what others may have missed, and where it stands. */
  #gossip(life: number): void {
    if (life !== this.#life) return;
    for (const message of this.#core?.sent.slice(-8) ?? []) this.#broadcast(message);
    for (const vote of this.#core?.justification ?? [])
      if (vote.sender !== this.index)
        this.#toAll({ kind: "message", message: vote, signature: this.#signature(vote) });
    this.#toAll({ kind: "status", from: this.index, height: this.height });
    this.#world.queue.after(GOSSIP_MS, () => this.#gossip(life));
  }

  #answer(from: number, height: number): void {
    const decision = this.decisions[height - 1];
    if (decision !== undefined) this.#world.send(this.index, from, { kind: "certificate", ...decision });
  }
}

function emptyCertificate(checkpoint: Checkpoint, round: number): Certificate {
  const id = checkpointId(checkpoint);
  return {
    height: checkpoint.height,
    round,
    checkpointId: id,
    signers: new Uint8Array(),
    signature: new Uint8Array(),
  };
}
