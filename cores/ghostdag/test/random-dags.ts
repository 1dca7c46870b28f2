import { SeededRng } from "@aios/kernel/random";
import fc from "fast-check";

export interface DagBlock {
  readonly id: string;
  readonly parents: readonly string[];
}

/**
 * A DAG of `size` blocks after genesis "g": each block points to the tips that its maker has seen, which lag behind
 * by up to `lag` blocks, so that lag is the width of the DAG.
 */
export function randomDag(seed: number, size: number, lag: number): DagBlock[] {
  const rng = new SeededRng(seed);
  const blocks: DagBlock[] = [{ id: "g", parents: [] }];
  for (let i = 0; i < size; i++) {
    const seen = blocks.slice(0, Math.max(1, blocks.length - rng.below(lag + 1)));
    // One maker in eight knows only a random old part: deep forks.
    const known = rng.below(8) === 0 ? seen.slice(0, 1 + rng.below(seen.length)) : seen;
    const referenced = new Set(known.flatMap(({ parents }) => parents));
    const tips = known.filter(({ id }) => !referenced.has(id)).map(({ id }) => id);
    blocks.push({ id: rng.uint32().toString(16).padStart(8, "0"), parents: tips });
  }
  return blocks;
}

/** Random DAGs with distinct ids, narrow to very wide. */
export const dags: fc.Arbitrary<DagBlock[]> = fc
  .record({
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    size: fc.integer({ min: 1, max: 40 }),
    lag: fc.integer({ min: 0, max: 12 }),
  })
  .map(({ seed, size, lag }) => randomDag(seed, size, lag))
  .filter((blocks) => new Set(blocks.map(({ id }) => id)).size === blocks.length);
