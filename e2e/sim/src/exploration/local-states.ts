import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import {
  FinalityHeight,
  type FinalityInput,
  type FinalityOutput,
  type SafetyRecord,
} from "@aios/core-finality/finality-height";
import { contentOf, type FinalityMessage } from "@aios/core-finality/messages";
import { quorumOf } from "@aios/core-finality/quorum";
import type { DeliberateBug } from "../simulated-node.js";
import { builtBy, NODES, type Renaming, renameMessage, renameNode, type Setting, value } from "./alphabet.js";

export type Action =
  /** Messages come in, one after the other. */
  | { readonly kind: "deliver"; readonly messages: readonly FinalityMessage[] }
  | { readonly kind: "timeout"; readonly step: "propose" | "prevote" | "precommit" }
  /** The node dies and starts again from its log. */
  | { readonly kind: "crash" };

/** One node between two steps. Equal states are one object with one number. */
export interface LocalState {
  readonly number: number;
  readonly node: number;
  readonly record: SafetyRecord;
  /** What is on disk: at most as new as `record`. */
  readonly persisted: SafetyRecord | undefined;
  readonly crashes: number;
  readonly decided: string | undefined;
  /** All that it has said, in every life. */
  readonly said: readonly FinalityMessage[];
  readonly saidText: string;
}

/**
 * The states of single nodes, and the steps between them as the real core takes them: it goes on from the record of the
 * state, takes the step's inputs in, and its record is the next state. What it asks is answered at once: a leader builds its
 * own value, and every value is available and right.
 */
export class LocalStates {
  readonly #setting: Setting;
  readonly #bug: DeliberateBug | undefined;
  readonly #byKey = new Map<string, LocalState>();
  readonly #steps = new Map<string, LocalState>();
  readonly #renamed = new Map<string, LocalState>();

  constructor(setting: Setting, bug: DeliberateBug | undefined) {
    this.#setting = setting;
    this.#bug = bug;
  }

  get count(): number {
    return this.#byKey.size;
  }

  start(node: number): LocalState {
    return this.#live(node, undefined, [], { crashes: 0, said: [] });
  }

  step(state: LocalState, action: Action): LocalState {
    const key = `${state.number}:${actionText(action)}`;
    const known = this.#steps.get(key);
    if (known !== undefined) return known;
    const next = this.#takeStep(state, action);
    this.#steps.set(key, next);
    return next;
  }

  #takeStep(state: LocalState, action: Action): LocalState {
    const { node, record, persisted, crashes, said } = state;
    if (action.kind === "crash") {
      const found = this.#bug === "forget-log" ? undefined : persisted;
      return this.#live(node, found, [], { crashes: crashes + 1, said, persisted: found });
    }
    const inputs: FinalityInput[] =
      action.kind === "timeout"
        ? [{ kind: "timeout", step: action.step, round: record.round }]
        : action.messages.map((message) => ({ kind: "message", message }));
    return this.#live(node, record, inputs, { crashes, said, persisted });
  }

  /** The state under other names; `index` tells renamings apart, 0 changes nothing. */
  rename(state: LocalState, renaming: Renaming, index: number): LocalState {
    if (index === 0) return state;
    const key = `${state.number}:${index}`;
    const known = this.#renamed.get(key);
    if (known !== undefined) return known;
    const { persisted, decided } = state;
    const renamed = this.#intern({
      ...state,
      node: renameNode(renaming, state.node),
      record: renameRecord(renaming, state.record),
      persisted: persisted === undefined ? undefined : renameRecord(renaming, persisted),
      decided: decided === undefined ? undefined : (renaming.values.get(decided) ?? decided),
      said: state.said.map((message) => renameMessage(renaming, message)),
    });
    this.#renamed.set(key, renamed);
    return renamed;
  }

  #live(
    node: number,
    record: SafetyRecord | undefined,
    inputs: readonly FinalityInput[],
    before: Pick<LocalState, "crashes" | "said"> & { readonly persisted?: SafetyRecord | undefined },
  ): LocalState {
    const life = new Life(node, this.#setting, this.#bug, record);
    for (const input of inputs) life.input(input);
    const said = [...before.said];
    for (const message of life.said) if (!said.some((earlier) => same(earlier, message))) said.push(message);
    return this.#intern({
      node,
      record: life.record,
      persisted: life.persisted ?? before.persisted,
      crashes: before.crashes,
      decided: life.decided,
      said,
    });
  }

  #intern(state: Omit<LocalState, "number" | "saidText">): LocalState {
    const { node, record, persisted, crashes, decided, said } = state;
    const saidText = said.map(textOf).join();
    const inner =
      decided ?? [recordText(record), persisted === undefined ? "" : recordText(persisted)].join("|");
    const key = [node, crashes, saidText, inner].join("|");
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const numbered = { ...state, saidText, number: this.#byKey.size };
    this.#byKey.set(key, numbered);
    return numbered;
  }
}

/** The core from one record to the next. */
class Life {
  decided: string | undefined;
  /** Last record written in this life. */
  persisted: SafetyRecord | undefined;
  readonly said: FinalityMessage[] = [];
  readonly #node: number;
  readonly #setting: Setting;
  readonly #bug: DeliberateBug | undefined;
  readonly #core: FinalityHeight;

  constructor(
    node: number,
    setting: Setting,
    bug: DeliberateBug | undefined,
    record: SafetyRecord | undefined,
  ) {
    this.#node = node;
    this.#setting = setting;
    this.#bug = bug;
    const quorum = quorumOf(NODES);
    this.#core = new FinalityHeight({
      height: setting.height,
      self: node,
      quorum: bug === "quorum-off-by-one" ? { ...quorum, quorum: quorum.quorum - 1 } : quorum,
      lostTurns: new Set(),
      timeouts: { proposeMs: 1, prevoteMs: 1, precommitMs: 1, backOffMs: 1 },
      maxRoundsAhead: setting.lastRound,
    });
    this.#perform(this.#core.start(record));
  }

  /** The bug "skip a lock" drops it here. */
  get record(): SafetyRecord {
    const { record } = this.#core;
    return this.#bug === "skip-lock"
      ? { ...record, lockedRound: -1, locked: undefined, validRound: -1, valid: undefined, justification: [] }
      : record;
  }

  input(input: FinalityInput): void {
    this.#perform(this.#core.handle(input));
  }

  #perform(outputs: readonly FinalityOutput[]): void {
    for (const output of outputs) {
      if (output.kind === "persist") this.persisted = output.record;
      else if (output.kind === "send") this.said.push(output.message);
      else if (output.kind === "decided") this.decided = checkpointId(output.checkpoint);
      else if (output.kind === "build") {
        const checkpoint = value(this.#setting.height, builtBy(this.#node));
        this.input({ kind: "built", round: output.round, checkpoint });
      } else if (output.kind === "check")
        this.input({ kind: "checked", checkpointId: checkpointId(output.checkpoint), acceptable: true });
    }
  }
}

function actionText(action: Action): string {
  if (action.kind === "crash") return "crash";
  return action.kind === "timeout" ? action.step : action.messages.map(textOf).join();
}

const texts = new WeakMap<FinalityMessage, string>();

function textOf(message: FinalityMessage): string {
  const known = texts.get(message);
  if (known !== undefined) return known;
  const text = `${message.kind}/${message.round}/${message.sender}/${contentOf(message)}`;
  texts.set(message, text);
  return text;
}

function recordText({ round, step, lockedRound, locked, validRound, valid }: SafetyRecord): string {
  const id = (checkpoint: Checkpoint | undefined): string =>
    checkpoint === undefined ? "" : checkpointId(checkpoint);
  return [round, step, lockedRound, id(locked), validRound, id(valid)].join("/");
}

function same(a: FinalityMessage, b: FinalityMessage): boolean {
  return a.kind === b.kind && a.round === b.round && contentOf(a) === contentOf(b);
}

function renameRecord(renaming: Renaming, record: SafetyRecord): SafetyRecord {
  const renamed = (checkpoint: Checkpoint | undefined): Checkpoint | undefined =>
    checkpoint === undefined
      ? undefined
      : value(checkpoint.height, renaming.values.get(checkpoint.tip) ?? checkpoint.tip);
  return {
    ...record,
    locked: renamed(record.locked),
    valid: renamed(record.valid),
    justification: record.justification.map((vote) => renameMessage(renaming, vote)),
    sent: record.sent.map((message) => renameMessage(renaming, message)),
  };
}
