import type { BlockColouring } from "@aios/core-ghostdag/ghostdag";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { colouringItem } from "./base-fields.js";
import { type BlockDag, GENESIS_BLOCK } from "./block-dag.js";
import type { CheckpointChain } from "./checkpoint-chain.js";
import { type BlockHeader, headerOf } from "./dag-block.js";
import type { ChainSettings } from "./node-settings.js";
import { idItem } from "./wire-fields.js";

/** A block of the DAG without its transactions, and its colouring. */
export interface SnapshotBlock {
  readonly id: string;
  readonly block: BlockHeader;
  readonly colouring: BlockColouring;
}

/** The part of the DAG that blocks after a tip can depend on. */
export interface DagCut {
  /** Its pruning point. */
  readonly root: string;
  /** What the tip descends from without what the root descends from, ancestors first; no colouring names anything else. */
  readonly blocks: readonly SnapshotBlock[];
}

/**
 * The cut below a tip: the same on every node that holds it, however much more of the past it holds. Undefined where this
 * node holds too little. Cost: the blocks held.
 */
export function cutBelow(dag: BlockDag, tip: string, pruningDepth: number): DagCut | undefined {
  if (!dag.has(tip)) return undefined;
  const root = dag.pruningPoint(tip);
  if (root !== GENESIS_BLOCK && dag.colouring(tip).blueScore - dag.colouring(root).blueScore < pruningDepth)
    return undefined;
  const within = new Set<string>();
  for (const { id } of dag.entries())
    if (dag.isAncestor(id, tip) && (id === root || !dag.isAncestor(id, root))) within.add(id);
  if (root === GENESIS_BLOCK) within.add(root);
  const blocks: SnapshotBlock[] = [];
  for (const { id, block } of dag.entries())
    if (within.has(id))
      blocks.push({ id, block: headerOf(block), colouring: limited(dag.colouring(id), within, root) });
  return { root, blocks };
}

/** SHA-256, hex, over the root and each block's id and colouring, by id. */
export function dagDigest({ root, blocks }: DagCut): string {
  const hash = sha256.create().update(utf8ToBytes(`aios.dag.v1\n${root}\n`));
  for (const { id, colouring } of [...blocks].sort((a, b) => (a.id < b.id ? -1 : 1)))
    hash.update(encodeRlp([idItem(id), colouringItem(colouring)]));
  return bytesToHex(hash.digest());
}

/** By the DAG, the last that was worked out: a proposal is judged more than once. */
const lastDigests = new WeakMap<BlockDag, { readonly tip: string; readonly digest: string }>();

/**
 * What the checkpoint of the next height has to attest of the DAG: nothing at most heights, and `unknown` where this node
 * holds too little to say.
 */
export function dagAttestation(
  dag: BlockDag,
  chain: CheckpointChain,
  { snapshotInterval, ghostdag }: ChainSettings,
): { readonly digest: string | undefined } | "unknown" {
  const height = chain.height - 1;
  if (height === 0 || height % snapshotInterval !== 0) return { digest: undefined };
  const { tip } = chain;
  const known = lastDigests.get(dag);
  if (known?.tip === tip) return known;
  const cut = cutBelow(dag, tip, ghostdag.pruningDepth);
  if (cut === undefined) return "unknown";
  const last = { tip, digest: dagDigest(cut) };
  lastDigests.set(dag, last);
  return last;
}

function limited(colouring: BlockColouring, within: ReadonlySet<string>, root: string): BlockColouring {
  const has = (id: string): boolean => within.has(id);
  const { selectedParent, mergeRoot, sizedBlues, anticoneSizes } = colouring;
  return {
    blueScore: colouring.blueScore,
    selectedParent: selectedParent !== undefined && has(selectedParent) ? selectedParent : undefined,
    mergeRoot: has(mergeRoot) ? mergeRoot : root,
    mergesetBlues: colouring.mergesetBlues.filter(has),
    mergesetReds: colouring.mergesetReds.filter(has),
    sizedBlues: sizedBlues.filter(has),
    anticoneSizes: anticoneSizes.filter((_, at) => has(sizedBlues[at] as string)),
  };
}
