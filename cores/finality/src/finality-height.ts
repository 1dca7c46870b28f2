import { CodedError } from "@aios/kernel/coded-error";
import { type Checkpoint, checkpointId } from "./checkpoint.js";
import { leaderOf } from "./leader.js";
import { type Conflict, MessageLog } from "./message-log.js";
import type { FinalityMessage, Vote } from "./messages.js";
import type { Quorum } from "./quorum.js";

/** How long a node waits in each step; every round waits longer, so that some round is long enough. */
export interface RoundTimeouts {
  readonly proposeMs: number;
  readonly prevoteMs: number;
  readonly precommitMs: number;
  /** Added for each round. */
  readonly backOffMs: number;
}

export interface HeightSettings {
  readonly height: number;
  /** Own index in the set; undefined for a node that only follows. */
  readonly self: number | undefined;
  readonly quorum: Quorum;
  /** Nodes without a turn at this height (`lostTurnsAfter`). */
  readonly lostTurns: ReadonlySet<number>;
  readonly timeouts: RoundTimeouts;
  /** Of messages of rounds further ahead than this no more is kept than how far their senders are: bounds memory. */
  readonly maxRoundsAhead: number;
}

/** What a message can matter for: to be counted, or only to tell how far its sender is. */
export type Concern = "content" | "round";

export type Step = "propose" | "prevote" | "precommit" | "decided";

/**
 * What has to be on disk before a message leaves: with it a restarted node never says anything else for a step in
 * which it has spoken, and keeps its lock.
 */
export interface SafetyRecord {
  readonly height: number;
  readonly round: number;
  readonly step: Step;
  readonly lockedRound: number;
  readonly locked: Checkpoint | undefined;
  readonly validRound: number;
  readonly valid: Checkpoint | undefined;
  /** The prevotes of `validRound` for `valid`, for those who missed them. */
  readonly justification: readonly Vote[];
  /** Own messages of this height, to be sent again after a restart. */
  readonly sent: readonly FinalityMessage[];
}

export type FinalityInput =
  | { readonly kind: "message"; readonly message: FinalityMessage }
  | { readonly kind: "timeout"; readonly step: Exclude<Step, "decided">; readonly round: number }
  /** The node's own checkpoint for a round in which it leads. */
  | { readonly kind: "built"; readonly round: number; readonly checkpoint: Checkpoint }
  /** The checkpoint's data is here and its order, parent and attested root are right, or they are wrong. */
  | { readonly kind: "checked"; readonly checkpointId: string; readonly acceptable: boolean };

export type FinalityOutput =
  /** Write it and sync, before any `send` that follows. */
  | { readonly kind: "persist"; readonly record: SafetyRecord }
  | { readonly kind: "send"; readonly message: FinalityMessage }
  | {
      readonly kind: "timer";
      readonly step: Exclude<Step, "decided">;
      readonly round: number;
      readonly delayMs: number;
    }
  /** Answer with `built`. */
  | { readonly kind: "build"; readonly round: number }
  /** Answer with `checked` once the data is there. */
  | { readonly kind: "check"; readonly checkpoint: Checkpoint }
  | {
      readonly kind: "decided";
      readonly checkpoint: Checkpoint;
      readonly round: number;
      readonly precommits: readonly Vote[];
    }
  | { readonly kind: "conflict"; readonly conflict: Conflict };

/**
 * Agreement on one checkpoint: Tendermint (arXiv 1807.04938, algorithm 1) as a pure state machine. Signatures are
 * checked before a message comes in. Line numbers in comments are those of the algorithm.
 *
 * Deviations: a checkpoint is prevoted only after the node has its data and found it right (`checked`); leaders that
 * failed recently have no turn; what is said is written down first (`persist`); a node that was left behind enters the
 * round that f + 1 nodes have reached or passed, whether or not it has their messages of that round.
 *
 * Safe with up to f Byzantine nodes whatever the network does; decides once messages arrive within the timeouts.
 * Cost of an input: O(rounds · n).
 */
export class FinalityHeight {
  readonly #settings: HeightSettings;
  readonly #log: MessageLog;
  readonly #judged = new Map<string, boolean>();
  readonly #asked = new Set<string>();
  readonly #timersSet = new Set<string>();
  readonly #sent: FinalityMessage[] = [];
  /** Highest round of which each node signed something. */
  readonly #reached: number[];
  #out: FinalityOutput[] = [];
  #round = 0;
  #step: Step = "propose";
  #lockedRound = -1;
  #locked: Checkpoint | undefined;
  #validRound = -1;
  #valid: Checkpoint | undefined;

  constructor(settings: HeightSettings) {
    this.#settings = settings;
    this.#log = new MessageLog(settings.quorum);
    this.#reached = Array<number>(settings.quorum.size).fill(-1);
  }

  get round(): number {
    return this.#round;
  }

  get step(): Step {
    return this.#step;
  }

  /** Leader of a round of this height. */
  leader(round: number): number {
    const { quorum, height, lostTurns } = this.#settings;
    return leaderOf(quorum.size, height, round, lostTurns);
  }

  /**
   * Begins at round 0, or goes on where `record` ends: own messages are sent again and the timer of the step is set
   * anew. Throws `wrong-safety-record` for one of another height.
   */
  start(record?: SafetyRecord): FinalityOutput[] {
    this.#out = [];
    if (record === undefined) this.#enterRound(0);
    else this.#resume(record);
    this.#react();
    return this.#out;
  }

  /** Takes an input in and returns what is to be done, in order. What does not belong to this height is ignored. */
  handle(input: FinalityInput): FinalityOutput[] {
    this.#out = [];
    if (this.#step === "decided") return this.#out;
    if (input.kind === "message") this.#receive(input.message);
    else if (input.kind === "checked") this.#judged.set(input.checkpointId, input.acceptable);
    else if (input.kind === "timeout") this.#timeout(input.step, input.round);
    else this.#propose(input.round, input.checkpoint, -1);
    this.#react();
    return this.#out;
  }

  /** Where the height stands, as it is written before a message leaves: with it another instance goes on from here. */
  get record(): SafetyRecord {
    return {
      height: this.#settings.height,
      round: this.#round,
      step: this.#step,
      lockedRound: this.#lockedRound,
      locked: this.#locked,
      validRound: this.#validRound,
      valid: this.#valid,
      justification: this.justification,
      sent: [...this.#sent],
    };
  }

  /** What a message can still change here, so that no signature is checked for nothing; undefined: nothing. O(1). */
  concernOf(message: FinalityMessage): Concern | undefined {
    const { height, quorum, maxRoundsAhead } = this.#settings;
    const { sender, round } = message;
    if (this.#step === "decided" || message.height !== height) return undefined;
    if (!Number.isInteger(round) || round < 0) return undefined;
    if (!Number.isInteger(sender) || sender < 0 || sender >= quorum.size) return undefined;
    if (round > this.#round + maxRoundsAhead)
      return round > (this.#reached[sender] as number) ? "round" : undefined;
    if (message.kind !== "proposal") return "content";
    return sender === this.leader(round) && message.checkpoint.height === height ? "content" : undefined;
  }

  /** Whether f + 1 nodes, hence an honest one, cast the same vote. */
  isBacked(vote: Vote): boolean {
    return this.#log.isBacked(vote);
  }

  /** Own messages of this height, to be sent again to whoever may have missed them. */
  get sent(): readonly FinalityMessage[] {
    return this.#sent;
  }

  /**
   * The prevotes that make this node hold a checkpoint valid. Whoever lacks them cannot follow a proposal of it, so they
   * are passed on as they came: their senders may be gone, or Byzantine.
   */
  get justification(): Vote[] {
    if (this.#valid === undefined) return [];
    return this.#log.votes("prevote", this.#validRound, checkpointId(this.#valid));
  }

  #resume(record: SafetyRecord): void {
    if (record.height !== this.#settings.height)
      throw new CodedError({
        code: "wrong-safety-record",
        kind: "conflict",
        message: "The record of what this node voted is of another height.",
        details: { recorded: record.height, height: this.#settings.height },
      });
    this.#round = record.round;
    this.#step = record.step;
    this.#lockedRound = record.lockedRound;
    this.#locked = record.locked;
    this.#validRound = record.validRound;
    this.#valid = record.valid;
    for (const checkpoint of [record.locked, record.valid])
      if (checkpoint !== undefined) this.#judged.set(checkpointId(checkpoint), true);
    for (const vote of record.justification) this.#log.add(vote);
    for (const message of record.sent) {
      if (message.kind === "proposal") this.#judged.set(checkpointId(message.checkpoint), true);
      this.#sent.push(message);
      this.#log.add(message);
      this.#out.push({ kind: "send", message });
    }
    if (this.#step !== "decided") this.#setTimer(this.#step);
    if (this.#step === "propose") this.#lead();
  }

  #receive(message: FinalityMessage): void {
    const concern = this.concernOf(message);
    if (concern === undefined) return;
    this.#note(message);
    if (concern === "round") return;
    const added = this.#log.add(message);
    if (typeof added === "object") this.#out.push({ kind: "conflict", conflict: added });
    if (added === "new" && message.kind === "proposal") this.#ask(message.checkpoint);
  }

  #note({ sender, round }: FinalityMessage): void {
    this.#reached[sender] = Math.max(round, this.#reached[sender] as number);
  }

  #ask(checkpoint: Checkpoint): void {
    const id = checkpointId(checkpoint);
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    this.#out.push({ kind: "check", checkpoint });
  }

  /** Lines 57 to 64. */
  #timeout(step: Exclude<Step, "decided">, round: number): void {
    if (round !== this.#round) return;
    if (step === "propose" && this.#step === "propose") this.#vote("prevote", undefined);
    else if (step === "prevote" && this.#step === "prevote") this.#vote("precommit", undefined);
    else if (step === "precommit") this.#enterRound(round + 1);
  }

  /** Applies the rules until none applies. Each changes step, round or lock, so that this ends. */
  #react(): void {
    while (this.#step !== "decided" && this.#applyOne());
  }

  #applyOne(): boolean {
    return (
      this.#decide() ||
      this.#skipRound() ||
      this.#prevote() ||
      this.#lockAndPrecommit() ||
      this.#precommitNil() ||
      this.#waitForMore()
    );
  }

  /** Lines 11 to 21. */
  #enterRound(round: number): void {
    this.#round = round;
    this.#step = "propose";
    this.#setTimer("propose");
    this.#lead();
  }

  #lead(): void {
    const { self } = this.#settings;
    if (self === undefined || self !== this.leader(this.#round)) return;
    if (this.#sent.some(({ kind, round }) => kind === "proposal" && round === this.#round)) return;
    if (this.#valid !== undefined) this.#propose(this.#round, this.#valid, this.#validRound);
    else this.#out.push({ kind: "build", round: this.#round });
  }

  #propose(round: number, checkpoint: Checkpoint, validRound: number): void {
    const { self, height } = this.#settings;
    if (
      self === undefined ||
      round !== this.#round ||
      this.#step !== "propose" ||
      self !== this.leader(round)
    )
      return;
    if (this.#log.proposal(round) !== undefined) return;
    if (validRound < 0) this.#judged.set(checkpointId(checkpoint), true);
    this.#say({ kind: "proposal", height, round, checkpoint, validRound, sender: self });
  }

  /** Lines 22 to 33. */
  #prevote(): boolean {
    if (this.#step !== "propose") return false;
    const proposal = this.#log.proposal(this.#round);
    if (proposal === undefined) return false;
    const id = checkpointId(proposal.checkpoint);
    const { validRound } = proposal;
    if (validRound >= this.#round || validRound < -1) return this.#vote("prevote", undefined);
    if (validRound >= 0 && !this.#log.hasQuorum("prevote", validRound, id)) return false;
    const acceptable = this.#judged.get(id);
    if (acceptable === undefined) return false;
    const free =
      this.#lockedRound === -1 || this.#isLocked(id) || (validRound >= 0 && this.#lockedRound <= validRound);
    return this.#vote("prevote", acceptable && free ? id : undefined);
  }

  #isLocked(id: string): boolean {
    return this.#locked !== undefined && checkpointId(this.#locked) === id;
  }

  /** Lines 36 to 43. */
  #lockAndPrecommit(): boolean {
    if (this.#step === "propose" || this.#validRound === this.#round) return false;
    const proposal = this.#log.proposal(this.#round);
    if (proposal === undefined) return false;
    const id = checkpointId(proposal.checkpoint);
    if (this.#judged.get(id) !== true || !this.#log.hasQuorum("prevote", this.#round, id)) return false;
    this.#valid = proposal.checkpoint;
    this.#validRound = this.#round;
    if (this.#step === "prevote") {
      this.#locked = proposal.checkpoint;
      this.#lockedRound = this.#round;
      this.#vote("precommit", id);
    }
    return true;
  }

  /** Lines 44 to 46. */
  #precommitNil(): boolean {
    if (this.#step !== "prevote" || !this.#log.hasQuorum("prevote", this.#round, undefined)) return false;
    return this.#vote("precommit", undefined);
  }

  /** Lines 34, 35, 47 and 48. */
  #waitForMore(): boolean {
    if (this.#step === "prevote" && this.#log.hasAnyQuorum("prevote", this.#round)) this.#setTimer("prevote");
    if (this.#log.hasAnyQuorum("precommit", this.#round)) this.#setTimer("precommit");
    return false;
  }

  /** Lines 49 to 54. */
  #decide(): boolean {
    for (const round of this.#log.rounds()) {
      const checkpoint = this.#log.proposal(round)?.checkpoint;
      if (checkpoint === undefined) continue;
      const id = checkpointId(checkpoint);
      if (!this.#log.hasQuorum("precommit", round, id)) continue;
      this.#step = "decided";
      const precommits = this.#log.votes("precommit", round, id);
      this.#out.push({ kind: "decided", checkpoint, round, precommits });
      return true;
    }
    return false;
  }

  /** Lines 55 and 56: the highest round that f + 1 nodes reached or passed, so that an honest one did. */
  #skipRound(): boolean {
    const { oneHonest } = this.#settings.quorum;
    const later = this.#reached.filter((round) => round > this.#round).sort((a, b) => b - a)[oneHonest - 1];
    if (later === undefined) return false;
    this.#enterRound(later);
    return true;
  }

  #vote(kind: Vote["kind"], checkpointId: string | undefined): true {
    this.#step = kind;
    const { self, height } = this.#settings;
    if (self !== undefined) this.#say({ kind, height, round: this.#round, checkpointId, sender: self });
    return true;
  }

  #say(message: FinalityMessage): void {
    this.#sent.push(message);
    this.#log.add(message);
    this.#out.push({ kind: "persist", record: this.record }, { kind: "send", message });
  }

  #setTimer(step: Exclude<Step, "decided">): void {
    const key = `${step}/${this.#round}`;
    if (this.#timersSet.has(key)) return;
    this.#timersSet.add(key);
    const { timeouts } = this.#settings;
    const delayMs = timeouts[`${step}Ms`] + timeouts.backOffMs * this.#round;
    this.#out.push({ kind: "timer", step, round: this.#round, delayMs });
  }
}
