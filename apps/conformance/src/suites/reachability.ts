import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { Ghostdag } from "@aios/core-ghostdag/ghostdag";
import { reindexingBound } from "@aios/core-ghostdag/reachability";
import { SeededRng } from "@aios/kernel/random";
import type { CaseResult, Suite } from "../suite.js";

interface ReachabilityVector {
  readonly id: string;
  readonly parents: readonly string[];
}

/** Files of at most so many blocks are checked pair by pair. */
const SMALL_FILE_BLOCKS = 500;
const SAMPLED_PAIRS = 100_000;
const PAIRS_PER_CASE = 1_000;
const PARAMETERS = {
  k: 18,
  maxParents: Number.MAX_SAFE_INTEGER,
  maxMergeset: Number.MAX_SAFE_INTEGER,
  mergeDepth: 2 ** 52,
  pruningDepth: 2 ** 53 - 1,
};

/** Literal ancestry: for each block the bit set of its past and itself. */
function ancestry(blocks: readonly ReachabilityVector[]): (ancestor: number, block: number) => boolean {
  const words = Math.ceil(blocks.length / 32);
  const index = new Map(blocks.map(({ id }, at) => [id, at]));
  const pasts: Uint32Array[] = [];
  blocks.forEach(({ parents }, at) => {
    const past = new Uint32Array(words);
    past[at >>> 5] = (past[at >>> 5] ?? 0) | (1 << (at & 31));
    for (const parent of parents) {
      const other = pasts[index.get(parent) ?? at];
      if (other === undefined) throw new Error(`block ${at} comes before its parent ${parent}`);
      for (let word = 0; word < words; word++) past[word] = (past[word] ?? 0) | (other[word] ?? 0);
    }
    pasts.push(past);
  });
  return (ancestor, block) => (((pasts[block]?.[ancestor >>> 5] ?? 0) >>> (ancestor & 31)) & 1) === 1;
}

function build([genesis, ...rest]: readonly ReachabilityVector[]): Ghostdag {
  if (genesis === undefined || genesis.parents.length > 0) throw new Error("the first block has parents");
  const dag = new Ghostdag(PARAMETERS, genesis.id);
  for (const { id, parents } of rest) dag.insert(id, parents);
  return dag;
}

function* pairs(blocks: number): Iterable<readonly [number, number]> {
  if (blocks <= SMALL_FILE_BLOCKS) {
    for (let a = 0; a < blocks; a++) for (let b = 0; b < blocks; b++) yield [a, b];
    return;
  }
  const rng = new SeededRng(blocks);
  for (let i = 0; i < SAMPLED_PAIRS; i++) yield [rng.below(blocks), rng.below(blocks)];
}

function* checkPairs(dag: Ghostdag, blocks: readonly ReachabilityVector[]): Iterable<CaseResult> {
  const isAncestor = ancestry(blocks);
  let checked = 0;
  let detail: string | undefined;
  const close = (): CaseResult => {
    const name = `pairs up to ${checked}`;
    const result: CaseResult =
      detail === undefined ? { name, status: "passed" } : { name, status: "failed", detail };
    detail = undefined;
    return result;
  };
  for (const [a, b] of pairs(blocks.length)) {
    const [ancestor, block] = [blocks[a]?.id ?? "", blocks[b]?.id ?? ""];
    const expected = isAncestor(a, b);
    if (dag.isAncestor(ancestor, block) !== expected)
      detail ??= `${ancestor} is ${expected ? "an" : "no"} ancestor of ${block}`;
    checked += 1;
    if (checked % PAIRS_PER_CASE === 0) yield close();
  }
  if (checked % PAIRS_PER_CASE !== 0) yield close();
}

function checkReindexing(dag: Ghostdag): CaseResult {
  const { relabels, insertions } = dag.reindexingCost;
  const bound = reindexingBound(insertions);
  const name = `reindexing within ${bound} moves`;
  return relabels <= bound
    ? { name, status: "passed" }
    : { name, status: "failed", detail: `${relabels} interval ends were moved` };
}

export const reachabilitySuite: Suite = {
  name: "reachability",
  describe: "DAGs of rusty-kaspa (ids and parents, .json.gz): ancestry of pairs, and the bound on reindexing",
  accepts: (path) => path.endsWith(".json.gz"),
  async *runFile(path): AsyncIterable<CaseResult> {
    const bytes = await readFile(path);
    const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
    const blocks = JSON.parse(text) as ReachabilityVector[];
    const dag = build(blocks);
    yield* checkPairs(dag, blocks);
    yield checkReindexing(dag);
  },
};
