import { checkpointId } from "@aios/core-finality/checkpoint";
import { contentOf, type FinalityMessage } from "@aios/core-finality/messages";
import { quorumOf } from "@aios/core-finality/quorum";
import type { DeliberateBug } from "../simulated-node.js";
import { byzantineMessages, NODES, type Renaming, renamings, type Setting } from "./alphabet.js";
import { type Action, type LocalState, LocalStates } from "./local-states.js";

export interface ExplorationOptions extends Setting {
  /** Steps of any node after the start. */
  readonly maxDepth: number;
  /** Stops at so many states. */
  readonly maxStates: number;
  /** Crashes in a run, of whatever nodes. */
  readonly maxCrashes: number;
  readonly bug?: DeliberateBug;
}

export interface Exploration {
  /** Different states of the whole system, up to renaming. */
  readonly states: number;
  readonly transitions: number;
  /** Depth up to which every state was explored. */
  readonly depth: number;
  /** Nothing is left: a greater depth would find no more states. */
  readonly isComplete: boolean;
  /** Different states of single nodes. */
  readonly localStates: number;
  /** States in which some node has decided. */
  readonly decided: number;
  readonly violation: string | undefined;
}

type Global = readonly LocalState[];

/**
 * Every behaviour of four nodes, one of them Byzantine, up to a round and a depth.
 *
 * A step of a node is one that others can see or that changes its round or locks: it takes in some of the messages that were
 * ever sent to anybody, or a timer fires, or it dies and comes back. Between steps a node forgets the messages it took in
 * and may take them in again: messages that had no effect yet may as well come right before they have one. Timers may fire
 * at any time, and the Byzantine node says everything to everybody, even contradictions to one node. So more is explored
 * than can happen, and what holds here holds there.
 *
 * A step takes in votes of one kind, round and value together, as many as there are (a rule that holds with some of them
 * holds with all), a proposal, or a proposal and votes that a rule looks at together, in either order.
 *
 * Breadth first; states that differ only by a renaming under which the protocol looks the same are one.
 */
export function explore(options: ExplorationOptions): Exploration {
  return new Explorer(options).run();
}

class Explorer {
  readonly #options: ExplorationOptions;
  readonly #locals: LocalStates;
  readonly #renamings: Renaming[];
  readonly #lies: FinalityMessage[];
  readonly #successors = new Map<string, LocalState[]>();
  readonly #seen = new Set<string>();
  readonly #honest: number[];
  #transitions = 0;
  #decided = 0;

  constructor(options: ExplorationOptions) {
    this.#options = options;
    this.#locals = new LocalStates(options, options.bug);
    this.#renamings = renamings(options);
    this.#lies = byzantineMessages(options);
    this.#honest = Array.from({ length: NODES }, (_, node) => node).filter(
      (node) => node !== options.byzantine,
    );
  }

  run(): Exploration {
    let frontier: Global[] = [this.#honest.map((node) => this.#locals.start(node))];
    let depth = 0;
    let violation: string | undefined;
    this.#isNew(frontier[0] as Global);
    while (frontier.length > 0 && depth < this.#options.maxDepth) {
      const next: Global[] = [];
      for (const state of frontier) {
        violation = this.#expand(state, next);
        if (violation !== undefined || this.#seen.size >= this.#options.maxStates) break;
      }
      if (violation !== undefined || this.#seen.size >= this.#options.maxStates) break;
      frontier = next;
      depth += 1;
    }
    return {
      states: this.#seen.size,
      transitions: this.#transitions,
      depth,
      isComplete: frontier.length === 0,
      localStates: this.#locals.count,
      decided: this.#decided,
      violation,
    };
  }

  #expand(state: Global, next: Global[]): string | undefined {
    for (const [at, local] of state.entries()) {
      if (local.decided !== undefined) continue;
      for (const changed of this.#successorsOf(state, local)) {
        this.#transitions += 1;
        const successor = state.with(at, changed);
        const violation = violationOf(successor, local, changed);
        if (violation !== undefined) return violation;
        if (!this.#isNew(successor)) continue;
        if (successor.some(({ decided }) => decided !== undefined)) this.#decided += 1;
        next.push(successor);
      }
    }
    return undefined;
  }

  /** Where one step can bring a node: depends on it and on what the others have said. */
  #successorsOf(state: Global, local: LocalState): LocalState[] {
    const others = state.filter((other) => other !== local);
    const crashes = state.reduce((sum, local) => sum + local.crashes, 0);
    const key = `${crashes}<${local.number}<${others.map(({ saidText }) => saidText).join("<")}`;
    const known = this.#successors.get(key);
    if (known !== undefined) return known;
    const heard = others.flatMap(({ said }) => said).filter(({ round }) => round <= this.#options.lastRound);
    const found = new Set<LocalState>();
    if (crashes < this.#options.maxCrashes) found.add(this.#locals.step(local, { kind: "crash" }));
    for (const action of actions(groupsOf([...this.#lies, ...heard]))) {
      const changed = this.#locals.step(local, action);
      if (changed.record.round <= this.#options.lastRound) found.add(changed);
    }
    found.delete(local);
    const successors = [...found];
    this.#successors.set(key, successors);
    return successors;
  }

  #isNew(state: Global): boolean {
    let lowest: string | undefined;
    for (const [index, renaming] of this.#renamings.entries()) {
      const numbers: number[] = [];
      for (const local of state) {
        const renamed = this.#locals.rename(local, renaming, index);
        numbers[this.#honest.indexOf(renamed.node)] = renamed.number;
      }
      const key = numbers.join();
      if (lowest === undefined || key < lowest) lowest = key;
    }
    const before = this.#seen.size;
    this.#seen.add(lowest as string);
    return this.#seen.size > before;
  }
}

function* actions(groups: readonly FinalityMessage[][]): Generator<Action> {
  for (const step of ["propose", "prevote", "precommit"] as const) yield { kind: "timeout", step };
  for (const messages of groups) yield { kind: "deliver", messages };
  for (const proposal of groups)
    for (const votes of groups)
      if (belongTogether(proposal[0], votes[0])) {
        yield { kind: "deliver", messages: [...proposal, ...votes] };
        yield { kind: "deliver", messages: [...votes, ...proposal] };
      }
}

/** Whether a rule looks at this proposal and these votes at once. */
function belongTogether(proposal: FinalityMessage | undefined, vote: FinalityMessage | undefined): boolean {
  if (proposal?.kind !== "proposal" || vote === undefined || vote.kind === "proposal") return false;
  if (vote.checkpointId !== checkpointId(proposal.checkpoint)) return false;
  return vote.round === proposal.round || (vote.kind === "prevote" && vote.round === proposal.validRound);
}

/** Each proposal alone; votes of one kind, round and value together. */
function groupsOf(messages: readonly FinalityMessage[]): FinalityMessage[][] {
  const groups = new Map<string, FinalityMessage[]>();
  for (const message of messages) {
    const key = `${message.kind}/${message.round}/${contentOf(message)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [message]);
    else group.push(message);
  }
  return [...groups.values()];
}

/** What the step from `before` to `after` of one node broke. */
function violationOf(state: Global, before: LocalState, after: LocalState): string | undefined {
  if (after.decided !== undefined)
    for (const { decided } of state)
      if (decided !== undefined && decided !== after.decided) return "two checkpoints decided";
  for (const message of after.said.slice(before.said.length)) {
    const { kind, round } = message;
    if (before.said.some((earlier) => earlier.kind === kind && earlier.round === round))
      return `node ${after.node} contradicts itself: ${kind} in round ${round}`;
    if (kind === "prevote" && breaksLock(state, before, round, message.checkpointId))
      return `node ${after.node} breaks its lock in round ${round}`;
  }
  return undefined;
}

/** Whether a node precommitted something else before, and no quorum of prevotes since can have freed it. */
function breaksLock(state: Global, local: LocalState, round: number, id: string | undefined): boolean {
  if (id === undefined) return false;
  const lock = local.said
    .filter((message) => message.kind === "precommit" && message.checkpointId !== undefined)
    .filter((message) => message.round < round)
    .at(-1);
  if (lock === undefined || contentOf(lock) === id) return false;
  for (let between = lock.round; between < round; between++) {
    const honest = state.filter(({ said }) =>
      said.some((vote) => vote.kind === "prevote" && vote.round === between && vote.checkpointId === id),
    ).length;
    if (honest + 1 >= quorumOf(NODES).quorum) return false;
  }
  return true;
}
