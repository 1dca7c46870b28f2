import { type HonorSet, honorSetId } from "@aios/core-committee/honor-set";
import { checkpointId } from "@aios/core-finality/checkpoint";
import type { DecidedRound } from "@aios/core-finality/leader";
import { GENESIS_BLOCK } from "./block-dag.js";
import type { ChainBase, Reign } from "./chain-base.js";
import type { Decision, ExecutionResult } from "./node-protocol.js";

/** The decided checkpoints, the sets that decided them, and the states that they lead to. */
export class CheckpointChain {
  /** From `#firstHeight` on. */
  #decisions: Decision[] = [];
  #firstHeight = 1;
  #reigns: Reign[];
  readonly #results = new Map<number, ExecutionResult>();
  #executedHeight = 0;
  /** Of the members of the latest set: tick of the hand-over with which their present time in the set began. */
  #sittingSince: ReadonlyMap<string, number>;

  constructor(genesisSet: HonorSet, genesis: ExecutionResult) {
    this.#reigns = [{ set: genesisSet, fromHeight: 1, fromTick: 0 }];
    this.#results.set(0, genesis);
    this.#sittingSince = sittingSince(this.#reigns);
  }

  /** Goes on from a base, whose decisions come next. */
  resume({ firstDecision, reigns }: ChainBase): void {
    this.#decisions = [];
    this.#firstHeight = firstDecision;
    this.#reigns = [...reigns];
    this.#sittingSince = sittingSince(reigns);
  }

  /** Forgets decisions before a height; every set stays known. */
  prune(firstDecision: number): void {
    this.#decisions.splice(0, firstDecision - this.#firstHeight);
    this.#firstHeight = Math.max(this.#firstHeight, firstDecision);
  }

  /** The first height whose decision is held. */
  get firstHeight(): number {
    return this.#firstHeight;
  }

  /** The height that is to be decided. */
  get height(): number {
    return this.#firstHeight + this.#decisions.length;
  }

  /** The last height whose state is known. */
  get executedHeight(): number {
    return this.#executedHeight;
  }

  /** All sets from genesis to the one that decides a height. */
  reignsAt(height: number): readonly Reign[] {
    return this.#reigns.filter(({ fromHeight }) => fromHeight <= height);
  }

  /** The set that decides it. */
  get reign(): Reign {
    return this.#reigns.at(-1) as Reign;
  }

  /** Tick since which an account sits in the set without interruption; undefined when it has no seat. */
  sittingSince(account: string): number | undefined {
    return this.#sittingSince.get(account);
  }

  reignOf(setNumber: number): Reign | undefined {
    return this.#reigns.find(({ set }) => set.number === setNumber);
  }

  /** The sets from number `fromSet` on that another one handed over to, oldest first, at most `limit`. */
  reignsFrom(fromSet: number, limit: number): readonly Reign[] {
    return this.#reigns
      .filter(({ set, fromHeight }) => set.number >= fromSet && fromHeight > 1)
      .slice(0, limit);
  }

  /** The set that decides or decided a height up to the next one. */
  setOf(height: number): HonorSet {
    return (this.#reigns.findLast(({ fromHeight }) => fromHeight <= height) ?? this.reign).set;
  }

  decision(height: number): Decision | undefined {
    return this.#decisions[height - this.#firstHeight];
  }

  /** Id of the checkpoint before the height that is to be decided. */
  get parentId(): string {
    const parent = this.#decisions.at(-1);
    return parent === undefined ? "genesis" : checkpointId(parent.checkpoint);
  }

  get parentRound(): number {
    return this.#decisions.at(-1)?.certificate.round ?? 0;
  }

  get tip(): string {
    return this.tipOf(this.height - 1);
  }

  /** Tip of a decided height; genesis for 0. */
  tipOf(height: number): string {
    return this.decision(height)?.checkpoint.tip ?? GENESIS_BLOCK;
  }

  get tick(): number {
    return this.#decisions.at(-1)?.checkpoint.tick ?? 0;
  }

  /** State after a height, once it is executed. */
  result(height: number): ExecutionResult | undefined {
    return this.#results.get(height);
  }

  setResult(height: number, result: ExecutionResult): void {
    this.#results.set(height, result);
    this.#executedHeight = Math.max(this.#executedHeight, height);
    this.#results.delete(height - 3);
  }

  /** The rounds of the last `window` heights of this set, as the checkpoints after them say: equal on every node. */
  history(window: number): DecidedRound[] {
    const from = Math.max(this.reign.fromHeight, this.#firstHeight - 1, this.height - 1 - window);
    const rounds: DecidedRound[] = [];
    for (let height = from; height < this.height - 1; height++) {
      const next = this.decision(height + 1);
      if (next !== undefined) rounds.push({ height, round: next.checkpoint.parentRound });
    }
    return rounds;
  }

  /** Goes on by the checkpoint of the height that is to be decided, whose certificate is checked. */
  append(decision: Decision): void {
    const { checkpoint, nextSet } = decision;
    this.#decisions.push(decision);
    if (nextSet === undefined || honorSetId(nextSet) === honorSetId(this.reign.set)) return;
    const reign = { set: nextSet, fromHeight: checkpoint.height + 1, fromTick: checkpoint.tick };
    this.#reigns.push(reign);
    this.#sittingSince = withReign(this.#sittingSince, reign);
  }
}

/** Since which tick each member of the last set sits without interruption. */
function sittingSince(reigns: readonly Reign[]): ReadonlyMap<string, number> {
  return reigns.reduce<ReadonlyMap<string, number>>(withReign, new Map());
}

function withReign(
  before: ReadonlyMap<string, number>,
  { set, fromTick }: Reign,
): ReadonlyMap<string, number> {
  return new Map(set.members.map(({ account }) => [account, before.get(account) ?? fromTick]));
}
