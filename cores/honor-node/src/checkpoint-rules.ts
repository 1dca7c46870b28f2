import { chainTimeOf } from "@aios/core-committee/chain-time";
import { type HonorSet, honorSetId } from "@aios/core-committee/honor-set";
import { nextHonorSet } from "@aios/core-committee/succession";
import type { Checkpoint } from "@aios/core-finality/checkpoint";
import { isCodedError } from "@aios/kernel/coded-error";
import type { BlockDag } from "./block-dag.js";
import type { CheckpointChain } from "./checkpoint-chain.js";
import { dagAttestation } from "./dag-digest.js";
import type { NodeSettings } from "./node-settings.js";

export interface CheckpointContext {
  readonly settings: NodeSettings;
  readonly dag: BlockDag;
  readonly chain: CheckpointChain;
  /** Whether the parent is known to have been certified in a round. */
  readonly isParentRound: (round: number) => boolean;
}

/** What a node makes of a proposal: it cannot say yet, or yes or no for good. */
export type Judgement = "waiting" | "right" | "wrong";

/**
 * Whether a proposed checkpoint may be voted for (votes only for available data, deferred state root). Only
 * what nothing can make right is wrong: everything else waits for data, execution or proof.
 */
export function judge(checkpoint: Checkpoint, context: CheckpointContext): Judgement {
  const { dag, chain, settings } = context;
  const { tip, tick, height } = checkpoint;
  if (height !== chain.height || checkpoint.parentId !== chain.parentId) return "wrong";
  const attested = chain.result(height - 1);
  if (attested !== undefined && attested.root !== checkpoint.attestedRoot) return "wrong";
  if (!dag.has(tip) || !dag.has(chain.tip) || attested === undefined) return "waiting";
  if (!context.isParentRound(checkpoint.parentRound)) return "waiting";
  const attestation = dagAttestation(dag, chain, settings.chain);
  if (attestation === "unknown") return "waiting";
  if (attestation.digest !== checkpoint.attestedDag) return "wrong";
  if (tick !== dag.tickOf(tip) || tick < chain.tick) return "wrong";
  if (orderOf(dag, chain.tip, tip, settings.chain.maxBlocksPerCheckpoint) === undefined) return "wrong";
  return honorSetId(setAfter(tick, context)) === checkpoint.nextSetId ? "right" : "wrong";
}

/** The checkpoint that a leader proposes, with the best tip that it holds; undefined while something is missing. */
export function build(context: CheckpointContext): Checkpoint | undefined {
  const { dag, chain, settings } = context;
  const attested = chain.result(chain.height - 1);
  if (attested === undefined || !dag.has(chain.tip)) return undefined;
  const attestation = dagAttestation(dag, chain, settings.chain);
  if (attestation === "unknown") return undefined;
  const { digest: attestedDag } = attestation;
  const { maxBlocksPerCheckpoint: limit, maxBlockGas: gas } = settings.chain;
  const tip = bestTip(dag, chain, { limit, gas });
  const tick = tip === undefined ? chain.tick : dag.tickOf(tip);
  return {
    height: chain.height,
    parentId: chain.parentId,
    parentRound: chain.parentRound,
    tip: tip ?? chain.tip,
    tick,
    attestedRoot: attested.root,
    nextSetId: honorSetId(setAfter(tick, context)),
    ...(attestedDag === undefined ? {} : { attestedDag }),
  };
}

/**
 * Whether somebody waits for a checkpoint up to a tip: it orders transactions, or attests a state that some have changed.
 * Cost: the blocks that it and the one before order, most often those up to the first that is not empty.
 */
export function hasNews(tip: string, { dag, chain, settings }: CheckpointContext): boolean {
  const { maxBlocksPerCheckpoint: limit } = settings.chain;
  const isFull = (since: string, until: string): boolean => {
    const order = dag.has(since) && dag.has(until) ? orderOf(dag, since, until, limit) : undefined;
    return order?.every((id) => dag.loadOf(id)?.transactions === 0) !== true;
  };
  return isFull(chain.tip, tip) || isFull(chain.tipOf(chain.height - 2), chain.tip);
}

/** The set that decides the height after this one, if this one's tip is of `tick`. */
export function setAfter(tick: number, { chain, settings }: CheckpointContext): HonorSet {
  const { time, electionRules: rules } = settings.chain;
  const standing = chain.result(chain.height - 1)?.candidates ?? [];
  const candidates = standing.map((candidate) => {
    const since = chain.sittingSince(candidate.account);
    return {
      ...candidate,
      sittingSinceCycle: since === undefined ? undefined : chainTimeOf(time, since).cycle,
    };
  });
  const input = { time, sitting: chain.reign.set, parentTick: chain.tick, tick, candidates, rules };
  return nextHonorSet(input, settings.election);
}

/**
 * The best block to order up to: after a long stop the whole DAG may be too much for one checkpoint. Of the blocks on the
 * way to a tip it is the last whose order fits the gas of an EVM block, or the first where none does: what did not fit
 * would be ordered again. A matter of choice: a checkpoint that orders more is as valid.
 */
function bestTip(dag: BlockDag, chain: CheckpointChain, { limit, gas }: OrderLimits): string | undefined {
  for (const tip of dag.tips) {
    let first: string | undefined;
    for (let block: string | undefined = tip; block !== undefined; block = dag.selectedParent(block)) {
      // The decided tip orders nothing: taken for a block that fits, it would be proposed for ever.
      if (block === chain.tip || !dag.isAncestor(chain.tip, block)) break;
      if (dag.tickOf(block) < chain.tick) continue;
      const order = orderOf(dag, chain.tip, block, limit);
      if (order === undefined) continue;
      if (order.reduce((sum, id) => sum + (dag.loadOf(id)?.gas ?? 0), 0) <= gas) return block;
      first = block;
    }
    if (first !== undefined) return first;
  }
  return undefined;
}

interface OrderLimits {
  readonly limit: number;
  readonly gas: number;
}

/** What is new up to a tip; undefined where that is too much or not what comes next. */
function orderOf(dag: BlockDag, since: string, tip: string, limit: number): readonly string[] | undefined {
  if (since !== tip && !dag.isAncestor(since, tip)) return undefined;
  try {
    return dag.idsSince(since, tip, limit);
  } catch (error) {
    if (isCodedError(error) && error.code === "order-too-long") return undefined;
    throw error;
  }
}
