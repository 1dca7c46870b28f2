/** A block as the colouring needs it: its selected parent and the blues of its mergeset. */
export interface ColouredBlock {
  /** Undefined for genesis and for the pruning point. */
  readonly selectedParent: number | undefined;
  /** The selected parent first, then in mergeset order. */
  readonly mergesetBlues: number[];
  readonly mergesetReds: number[];
  /** Blues whose anticone among the blues of this block's past is known here, with its size at the same index. */
  readonly sizedBlues: number[];
  readonly anticoneSizes: number[];
}

/** Ancestry and colouring of the blocks that are there already. */
export interface ColouredPast {
  isAncestor(ancestor: number, block: number): boolean;
  coloured(block: number): ColouredBlock;
}

/**
 * Colours the mergeset of a new block (GHOSTDAG, eprint 2018/104, algorithm 1, lines 8 to 13): starting from the blue
 * set of the selected parent, each block of `mergeset` turns blue when the blue set stays a k-cluster.
 *
 * Instead of the whole blue set, anticone sizes are kept with the chain block that changed them last, so that a
 * candidate looks at no more than k + 2 chain blocks below the new one: O(k²) for each merged block, whatever the
 * length of history.
 *
 * @param mergeset the merged blocks without the selected parent, in mergeset order (ancestors before descendants).
 */
export function colourMergeset(
  past: ColouredPast,
  selectedParent: number,
  mergeset: readonly number[],
  k: number,
): ColouredBlock {
  const block: ColouredBlock = {
    selectedParent,
    mergesetBlues: [selectedParent],
    mergesetReds: [],
    sizedBlues: [selectedParent],
    anticoneSizes: [0],
  };
  for (const candidate of mergeset) {
    const anticone = blueAnticone(past, block, candidate, k);
    if (anticone === undefined) {
      block.mergesetReds.push(candidate);
      continue;
    }
    block.mergesetBlues.push(candidate);
    setSize(block, candidate, anticone.length);
    for (const { blue, size } of anticone) setSize(block, blue, size + 1);
  }
  return block;
}

interface SizedBlue {
  readonly blue: number;
  readonly size: number;
}

/** The blues in the anticone of `candidate`, or undefined when turning it blue would break the k-cluster. */
function blueAnticone(
  past: ColouredPast,
  block: ColouredBlock,
  candidate: number,
  k: number,
): SizedBlue[] | undefined {
  // All blues merged beside the selected parent lie in its anticone, where k of them fit.
  if (block.mergesetBlues.length === k + 1) return undefined;
  const anticone: SizedBlue[] = [];
  let chainBlock = block;
  for (;;) {
    for (const blue of chainBlock.mergesetBlues) {
      if (past.isAncestor(blue, candidate)) continue;
      const size = anticoneSize(past, block, blue);
      if (anticone.length === k || size === k) return undefined;
      anticone.push({ blue, size });
    }
    // What is below a chain block that the candidate descends from is in the candidate's past.
    const next = chainBlock.selectedParent;
    if (next === undefined || past.isAncestor(next, candidate)) return anticone;
    chainBlock = past.coloured(next);
  }
}

/** Size of the anticone of `blue` among the blues seen from `block`: with the last chain block that changed it. */
function anticoneSize(past: ColouredPast, block: ColouredBlock, blue: number): number {
  let chainBlock = block;
  for (;;) {
    const at = chainBlock.sizedBlues.lastIndexOf(blue);
    if (at >= 0) return chainBlock.anticoneSizes[at] as number;
    if (chainBlock.selectedParent === undefined) return 0;
    chainBlock = past.coloured(chainBlock.selectedParent);
  }
}

function setSize(block: ColouredBlock, blue: number, size: number): void {
  const at = block.sizedBlues.indexOf(blue);
  if (at >= 0) block.anticoneSizes[at] = size;
  else {
    block.sizedBlues.push(blue);
    block.anticoneSizes.push(size);
  }
}
