import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import { leaderOf } from "@aios/core-finality/leader";
import type { FinalityMessage, Proposal } from "@aios/core-finality/messages";

export const NODES = 4;

/** A swap of names under which the protocol looks the same. */
export interface Renaming {
  readonly nodes: ReadonlyMap<number, number>;
  readonly values: ReadonlyMap<string, string>;
}

/** What is explored: who is Byzantine, who leads which round, and what there is to say. */
export interface Setting {
  readonly height: number;
  readonly byzantine: number;
  /** Rounds 0 to this one are explored. */
  readonly lastRound: number;
}

/** What a leader proposes: the Byzantine one has two values, an honest one builds its own. */
export function value(height: number, name: string): Checkpoint {
  return {
    height,
    parentId: "parent",
    parentRound: 0,
    tip: name,
    tick: height,
    attestedRoot: "root",
    nextSetId: "set",
  };
}

export const builtBy = (node: number): string => `built-${node}`;

export function leader(setting: Setting, round: number): number {
  return leaderOf(NODES, setting.height, round, new Set());
}

/** Everything that the Byzantine node can say and that an honest one would take in. */
export function byzantineMessages(setting: Setting): FinalityMessage[] {
  const { height, byzantine: sender, lastRound } = setting;
  const values = proposable(setting).map((name) => value(height, name));
  const messages: FinalityMessage[] = [];
  for (let round = 0; round <= lastRound; round++) {
    if (leader(setting, round) === sender)
      for (const checkpoint of values)
        for (let validRound = -1; validRound < round; validRound++)
          messages.push({ kind: "proposal", height, round, checkpoint, validRound, sender });
    for (const kind of ["prevote", "precommit"] as const)
      for (const id of [undefined, ...values.map(checkpointId)])
        messages.push({ kind, height, round, checkpointId: id, sender });
  }
  return messages;
}

/** Names of all values that anybody can propose in the explored rounds. */
export function proposable(setting: Setting): string[] {
  const names = new Set<string>();
  for (let round = 0; round <= setting.lastRound; round++) {
    const leading = leader(setting, round);
    if (leading === setting.byzantine) names.add("a").add("b");
    else names.add(builtBy(leading));
  }
  return [...names];
}

/** The swaps of nodes that lead nothing, and of the Byzantine leader's two values; the first changes nothing. */
export function renamings(setting: Setting): Renaming[] {
  const leaders = new Set([setting.byzantine]);
  for (let round = 0; round <= setting.lastRound; round++) leaders.add(leader(setting, round));
  const others = Array.from({ length: NODES }, (_, node) => node).filter((node) => !leaders.has(node));
  const nodeSwaps = [new Map<number, number>()];
  const [first, second] = others;
  if (first !== undefined && second !== undefined)
    nodeSwaps.push(
      new Map([
        [first, second],
        [second, first],
      ]),
    );
  const valueSwaps = [new Map<string, string>()];
  const [a, b] = ["a", "b"].map((name) => checkpointId(value(setting.height, name)));
  if (proposable(setting).includes("a") && a !== undefined && b !== undefined)
    valueSwaps.push(
      new Map([
        [a, b],
        [b, a],
        ["a", "b"],
        ["b", "a"],
      ]),
    );
  return nodeSwaps.flatMap((nodes) => valueSwaps.map((values) => ({ nodes, values })));
}

export function renameNode(renaming: Renaming, node: number): number {
  return renaming.nodes.get(node) ?? node;
}

export function renameMessage<M extends FinalityMessage>(renaming: Renaming, message: M): M {
  const sender = renameNode(renaming, message.sender);
  if (message.kind === "proposal") {
    const { checkpoint } = message as Proposal;
    const tip = renaming.values.get(checkpoint.tip) ?? checkpoint.tip;
    return {
      ...message,
      sender,
      checkpoint: tip === checkpoint.tip ? checkpoint : value(checkpoint.height, tip),
    };
  }
  const id = message.checkpointId;
  return { ...message, sender, checkpointId: id === undefined ? undefined : (renaming.values.get(id) ?? id) };
}
