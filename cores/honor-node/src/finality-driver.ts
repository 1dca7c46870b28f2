import { type HonorSet, honorKeysOf, honorSetId, requireHonorSet } from "@aios/core-committee/honor-set";
import { type Certificate, makeCertificate, verifyCertificate } from "@aios/core-finality/certificate";
import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import {
  FinalityHeight,
  type FinalityInput,
  type FinalityOutput,
  type SafetyRecord,
} from "@aios/core-finality/finality-height";
import { lostTurnsAfter } from "@aios/core-finality/leader";
import type { Conflict } from "@aios/core-finality/message-log";
import { type FinalityMessage, signedBytes, type Vote } from "@aios/core-finality/messages";
import { quorumOf } from "@aios/core-finality/quorum";
import { isCodedError } from "@aios/kernel/coded-error";
import { hexToBytes } from "@noble/hashes/utils.js";
import { build, type CheckpointContext, hasNews, judge, setAfter } from "./checkpoint-rules.js";
import type { NodeContext } from "./node-context.js";
import type { Decision, NodeTimer, Packet } from "./node-protocol.js";
import type { NodeSettings } from "./node-settings.js";
import type { PacketFault } from "./packet-faults.js";
import { VoteGate } from "./vote-gate.js";

type VotePacket = Extract<Packet, { kind: "vote" }>;

/** Runs the finality core height after height: proposals, availability and state before votes, certificates. */
export class FinalityDriver {
  readonly #context: NodeContext;
  readonly #onDecided: (decision: Decision, isOwn: boolean) => void;
  #core: FinalityHeight;
  /** Proposals that cannot be judged yet. */
  readonly #waiting = new Map<string, Checkpoint>();
  /** By round: proofs that the parent was certified in it. Nodes may know of different ones. */
  readonly #parentProofs = new Map<number, Certificate>();
  /** Sets that proposals name, by id. */
  readonly #sets = new Map<string, HonorSet>();
  readonly #gate: VoteGate;
  /** Own messages go out again and again, and into certificates; each is signed once. */
  readonly #signatures = new WeakMap<FinalityMessage, string>();
  /** Decided, and waits for the set of the next height. */
  #undelivered: Omit<Decision, "nextSet"> | undefined;
  /** A turn to propose that waits; `isLast`: for nothing new any more. */
  #pendingBuild: { readonly round: number; readonly isLast: boolean; readonly hasTimer: boolean } | undefined;
  #decidedAtMs = 0;

  /** `isOwn`: this node joined the certificate itself. */
  constructor(context: NodeContext, onDecided: (decision: Decision, isOwn: boolean) => void) {
    this.#context = context;
    this.#onDecided = onDecided;
    this.#gate = new VoteGate(context.settings.gossipMs);
    this.#core = this.#newCore();
  }

  /** Blocks that proposals wait for. */
  get wantedTips(): string[] {
    return [...this.#waiting.values()].map(({ tip }) => tip).filter((tip) => !this.#context.dag.has(tip));
  }

  /** Begins the height that is to be decided, or goes on with it from what was said at it before. */
  enterHeight(): void {
    const { chain, nowMs, past, seat } = this.#context;
    const record = seat === undefined ? undefined : past.recordOf(chain.height);
    this.#core = this.#newCore();
    this.#waiting.clear();
    this.#sets.clear();
    this.#gate.clear();
    this.#pendingBuild = undefined;
    this.#undelivered = undefined;
    this.#parentProofs.clear();
    const parent = chain.decision(chain.height - 1)?.certificate;
    for (const proof of [...past.parentProofsAt(chain.height), ...(parent === undefined ? [] : [parent])])
      this.#parentProofs.set(proof.round, proof);
    this.#decidedAtMs = nowMs;
    this.#perform(this.#core.start(record));
  }

  receive(from: string, packet: VotePacket): void {
    const { chain, settings } = this.#context;
    const { message } = packet;
    const keys = honorKeysOf(settings.chain.chainId, chain.reign.set);
    const key = keys.publicKeys[message.sender];
    if (message.height > chain.height + 1) this.#context.refuse(from, "vote-from-ahead");
    if (message.height !== chain.height) return;
    if (key === undefined) {
      this.#context.refuse(from, "vote-of-stranger");
      return;
    }
    if (this.#undelivered !== undefined) this.#deliver(packet.nextSet);
    else this.#takeIn(from, key, packet);
  }

  #takeIn(from: string, key: Uint8Array, packet: VotePacket): void {
    const { message, signature } = packet;
    if (!this.#isSigned(from, key, packet)) return;
    this.#learn(from, packet);
    this.#input({ kind: "message", message: { ...message, signature } });
    this.recheck();
  }

  timeout(timer: Extract<NodeTimer, { kind: "round" | "propose" }>): void {
    if (timer.height !== this.#context.chain.height) return;
    if (timer.kind === "round") this.#input({ kind: "timeout", step: timer.step, round: timer.round });
    else if (this.#pendingBuild?.round === timer.round) this.#propose(timer.round, timer.isLast);
  }

  /** Something came that proposals may have waited for. */
  recheck(): void {
    for (const checkpoint of [...this.#waiting.values()]) this.#check(checkpoint);
    const pending = this.#pendingBuild;
    if (pending !== undefined && this.#isDue(pending.round)) this.#propose(pending.round, pending.isLast);
    this.#deliver();
  }

  /** Takes over what others decided. Returns whether it was proven. */
  adopt(from: string, decision: Decision): boolean {
    const { chain } = this.#context;
    const { checkpoint, certificate } = decision;
    if (checkpoint.height !== chain.height) return false;
    if (checkpoint.parentId !== chain.parentId) return this.#refuse(from, "decision-of-other-history");
    if (certificate.height !== checkpoint.height || certificate.checkpointId !== checkpointId(checkpoint))
      return this.#refuse(from, "decision-mismatch");
    if (!this.#isCertified(from, chain.reign.set, certificate)) return false;
    const nextSet = this.#namedSet(checkpoint, decision.nextSet);
    if (nextSet === undefined) return this.#refuse(from, "next-set-missing");
    this.#onDecided({ checkpoint, certificate, nextSet: this.#other(nextSet) }, false);
    return true;
  }

  #refuse(from: string, fault: PacketFault): false {
    this.#context.refuse(from, fault);
    return false;
  }

  /** Says again what others may have missed. */
  gossip(): void {
    for (const message of this.#core.sent.slice(-8)) this.#broadcast(message);
    for (const vote of this.#core.justification) this.#broadcast(vote);
  }

  /** The core sees all copies of what is signed: what it dropped before may count now. */
  #isSigned(from: string, key: Uint8Array, { message, signature }: VotePacket): boolean {
    const { nowMs, settings } = this.#context;
    const isContradiction = this.#gate.isContradiction(from, message);
    if (isContradiction) this.#context.refuse(from, "contradiction");
    if (!this.#gate.isChecked(message, signature)) {
      if (!this.#gate.isWorthwhile(message, this.#core, nowMs)) {
        this.#context.refuse(from, "vote-too-many");
        return false;
      }
      const { scheme, chain } = settings;
      if (!scheme.verify(key, signedBytes(chain.chainId, message), hexToBytes(signature))) {
        this.#context.refuse(from, "invalid-signature");
        return false;
      }
      this.#gate.noteChecked(message, signature);
    }
    this.#gate.notePassedOn(from, message);
    return true;
  }

  #newCore(): FinalityHeight {
    const { chain, settings, seat, past } = this.#context;
    const quorum = quorumOf(chain.reign.set.members.length);
    const history = chain.history(settings.chain.reputationWindow);
    return new FinalityHeight({
      height: chain.height,
      self: past.maySpeakAt(chain.height, chain.tick) ? seat : undefined,
      quorum,
      lostTurns: lostTurnsAfter(quorum.size, history, quorum.oneHonest - 1),
      timeouts: settings.timeouts,
      maxRoundsAhead: settings.maxRoundsAhead,
    });
  }

  #input(input: FinalityInput): void {
    this.#perform(this.#core.handle(input));
  }

  #perform(outputs: readonly FinalityOutput[]): void {
    const { height } = this.#context.chain;
    for (const output of outputs) {
      if (this.#context.chain.height !== height) return;
      if (output.kind === "persist") this.#persist(output.record);
      else if (output.kind === "send") this.#broadcast(output.message);
      else if (output.kind === "timer")
        this.#context.timer(
          { kind: "round", height, step: output.step, round: output.round },
          output.delayMs,
        );
      else if (output.kind === "build") this.#scheduleProposal(output.round);
      else if (output.kind === "check") this.#check(output.checkpoint);
      else if (output.kind === "decided") this.#certify(output.checkpoint, output.round, output.precommits);
      else this.#accuse(output.conflict);
    }
  }

  #broadcast(message: FinalityMessage): void {
    const signature = this.#signatureOf(message);
    if (message.kind !== "proposal") {
      this.#context.broadcast({ kind: "vote", message, signature });
      return;
    }
    const { nextSetId, parentRound } = message.checkpoint;
    this.#context.broadcast({
      kind: "vote",
      message,
      signature,
      nextSet: this.#sets.get(nextSetId),
      parentCertificate: this.#parentProofs.get(parentRound),
    });
  }

  #signatureOf(message: FinalityMessage): string {
    const known = message.signature ?? this.#signatures.get(message);
    if (known !== undefined) return known;
    const signature = this.#context.sign(signedBytes(this.#context.settings.chain.chainId, message));
    this.#signatures.set(message, signature);
    return signature;
  }

  /** With what proves the checkpoints that this node may propose again: others may know the parent from another round. */
  #persist(record: SafetyRecord): void {
    const proposed = record.sent.flatMap((message) =>
      message.kind === "proposal" ? [message.checkpoint] : [],
    );
    const rounds = [record.valid, record.locked, ...proposed].flatMap((one) => one?.parentRound ?? []);
    const parentProofs = [...new Set(rounds)].flatMap((round) => this.#parentProofs.get(round) ?? []);
    this.#context.persist({
      kind: "safety",
      record,
      ...(parentProofs.length === 0 ? {} : { parentProofs }),
    });
  }

  #learn(from: string, { message, nextSet, parentCertificate }: VotePacket): void {
    if (message.kind !== "proposal") return;
    this.#namedSet(message.checkpoint, nextSet);
    const { chain } = this.#context;
    const parent = chain.decision(chain.height - 1);
    if (parentCertificate === undefined || parent === undefined) return;
    const { round, height, checkpointId: id } = parentCertificate;
    if (this.#parentProofs.has(round) || id !== chain.parentId || height !== chain.height - 1) return;
    if (this.#isCertified(from, chain.setOf(chain.height - 1), parentCertificate))
      this.#parentProofs.set(round, parentCertificate);
  }

  #isCertified(from: string, set: HonorSet, certificate: Certificate): boolean {
    const { chain, scheme } = this.#context.settings;
    try {
      verifyCertificate(scheme, honorKeysOf(chain.chainId, set), certificate);
      return true;
    } catch (error) {
      if (!isCodedError(error) || error.code !== "invalid-certificate") throw error;
      this.#context.refuse(from, error.field === "signers" ? "certificate-signers" : "certificate-signature");
      return false;
    }
  }

  /** The set that a checkpoint names, if it is known or comes with it. */
  #namedSet({ nextSetId }: Checkpoint, given: HonorSet | undefined): HonorSet | undefined {
    const { set } = this.#context.chain.reign;
    if (nextSetId === honorSetId(set)) return set;
    const known = this.#sets.get(nextSetId);
    if (known !== undefined || given === undefined) return known;
    try {
      requireHonorSet(given);
    } catch (error) {
      if (isCodedError(error)) return undefined;
      throw error;
    }
    if (honorSetId(given) !== nextSetId || given.number !== set.number + 1) return undefined;
    this.#sets.set(nextSetId, given);
    return given;
  }

  #other(set: HonorSet): HonorSet | undefined {
    return set === this.#context.chain.reign.set ? undefined : set;
  }

  get #checkpointContext(): CheckpointContext {
    const { settings, dag, chain } = this.#context;
    const isParentRound = (round: number): boolean =>
      round === chain.parentRound || this.#parentProofs.has(round);
    return { settings, dag, chain, isParentRound };
  }

  #check(checkpoint: Checkpoint): void {
    const id = checkpointId(checkpoint);
    const judgement = judge(checkpoint, this.#checkpointContext);
    if (judgement === "waiting") {
      this.#waiting.set(id, checkpoint);
      return;
    }
    this.#waiting.delete(id);
    if (judgement === "right") this.#rememberSet(checkpoint);
    this.#input({ kind: "checked", checkpointId: id, acceptable: judgement === "right" });
  }

  #rememberSet(checkpoint: Checkpoint): void {
    const set = setAfter(checkpoint.tick, this.#checkpointContext);
    if (set !== this.#context.chain.reign.set) this.#sets.set(honorSetId(set), set);
  }

  #isDue(round: number): boolean {
    const { nowMs, settings } = this.#context;
    return round > 0 || nowMs - this.#decidedAtMs >= settings.checkpointIntervalMs;
  }

  #scheduleProposal(round: number): void {
    const { chain, settings, nowMs } = this.#context;
    this.#pendingBuild = { round, isLast: false, hasTimer: false };
    if (this.#isDue(round)) {
      this.#propose(round, false);
      return;
    }
    const delayMs = settings.checkpointIntervalMs - (nowMs - this.#decidedAtMs);
    this.#context.timer({ kind: "propose", height: chain.height, round, isLast: false }, delayMs);
  }

  #propose(round: number, isLast: boolean): void {
    const { chain, settings } = this.#context;
    const checkpoint = build(this.#checkpointContext);
    if (checkpoint !== undefined && (isLast || this.#isNews(checkpoint, round))) {
      this.#pendingBuild = undefined;
      this.#rememberSet(checkpoint);
      this.#input({ kind: "built", round, checkpoint });
      return;
    }
    const hasTimer = this.#pendingBuild?.hasTimer === true;
    this.#pendingBuild = { round, isLast, hasTimer: true };
    if (isLast || hasTimer) return;
    this.#context.timer(
      { kind: "propose", height: chain.height, round, isLast: true },
      emptyWaitMs(settings),
    );
  }

  /** Empty blocks can wait, unless others wait for this node's turn already. */
  #isNews({ tip }: Checkpoint, round: number): boolean {
    if (tip === this.#context.chain.tip) return false;
    return round > 0 || hasNews(tip, this.#checkpointContext);
  }

  #certify(checkpoint: Checkpoint, round: number, votes: readonly Vote[]): void {
    const { chain, settings } = this.#context;
    const { chainId } = settings.chain;
    const precommits = votes.map((vote) => ({
      sender: vote.sender,
      signature: hexToBytes(this.#signatureOf(vote)),
    }));
    const keys = honorKeysOf(chainId, chain.reign.set);
    const certificate = makeCertificate(settings.scheme, keys, checkpoint, round, precommits);
    this.#undelivered = { checkpoint, certificate };
    this.#deliver();
  }

  /** What is decided is passed on once the set of the next height is known: a proposal or the state may name it later. */
  #deliver(given?: HonorSet): void {
    const decided = this.#undelivered;
    if (decided === undefined) return;
    const nextSet = this.#namedSet(decided.checkpoint, given);
    if (nextSet === undefined) return;
    this.#undelivered = undefined;
    this.#onDecided({ ...decided, nextSet: this.#other(nextSet) }, true);
  }

  #accuse({ first, second }: Conflict): void {
    const { chain } = this.#context;
    const signed = (message: FinalityMessage): Uint8Array => hexToBytes(this.#signatureOf(message));
    const { kind, height, round, sender } = first;
    this.#context.accuse(chain.reign.set.number, sender, `${kind} ${height}/${round}`, () => ({
      kind: "double-message",
      first: { message: first, signature: signed(first) },
      second: { message: second, signature: signed(second) },
    }));
  }
}

/** The others wait `proposeMs` after the decision: half of that is left for the proposal to reach them. */
function emptyWaitMs({ timeouts, checkpointIntervalMs, emptyAfterMs }: NodeSettings): number {
  return Math.max(0, Math.min(emptyAfterMs, Math.floor(timeouts.proposeMs / 2) - checkpointIntervalMs));
}
