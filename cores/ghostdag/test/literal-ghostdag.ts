/** The paper word for word, over whole sets, for comparison (eprint 2018/104, algorithm 1). Cost: O(n³) and more. */
export class LiteralGhostdag {
  readonly past = new Map<string, ReadonlySet<string>>();
  readonly blueSet = new Map<string, ReadonlySet<string>>();
  readonly selectedParent = new Map<string, string>();
  readonly blues = new Map<string, string[]>();
  readonly reds = new Map<string, string[]>();
  readonly #k: number;

  constructor(k: number, genesis: string) {
    this.#k = k;
    this.past.set(genesis, new Set());
    this.blueSet.set(genesis, new Set());
  }

  insert(id: string, parents: readonly string[]): void {
    const past = new Set(parents.flatMap((parent) => [parent, ...this.#of(this.past, parent)]));
    const selected = [...parents].sort(this.#byScore).at(-1) as string;
    const pastOfSelected = this.#of(this.past, selected);
    const blueSet = new Set([...this.#of(this.blueSet, selected), selected]);
    const merged = [...past].filter((block) => block !== selected && !pastOfSelected.has(block));
    const blues = [selected];
    const reds: string[] = [];
    for (const candidate of merged.sort(this.#byScore)) {
      if (this.#isCluster(new Set([...blueSet, candidate]))) {
        blueSet.add(candidate);
        blues.push(candidate);
      } else reds.push(candidate);
    }
    this.past.set(id, past);
    this.blueSet.set(id, blueSet);
    this.selectedParent.set(id, selected);
    this.blues.set(id, blues);
    this.reds.set(id, reds);
  }

  blueScore(id: string): number {
    return this.#of(this.blueSet, id).size;
  }

  isAncestor(ancestor: string, id: string): boolean {
    return ancestor === id || this.#of(this.past, id).has(ancestor);
  }

  /** The paper's recursive ORDER, each mergeset by blue score. */
  order(id: string): string[] {
    const selected = this.selectedParent.get(id);
    if (selected === undefined) return [id];
    const merged = [...(this.blues.get(id) ?? []).slice(1), ...(this.reds.get(id) ?? [])].sort(this.#byScore);
    return [...this.order(selected), ...merged, id];
  }

  #isCluster(blocks: ReadonlySet<string>): boolean {
    return [...blocks].every((block) => {
      const anticone = [...blocks].filter(
        (other) => !this.isAncestor(block, other) && !this.isAncestor(other, block),
      );
      return anticone.length <= this.#k;
    });
  }

  #byScore = (a: string, b: string): number =>
    this.blueScore(a) - this.blueScore(b) || (a < b ? -1 : a > b ? 1 : 0);

  #of(map: ReadonlyMap<string, ReadonlySet<string>>, id: string): ReadonlySet<string> {
    return map.get(id) ?? new Set();
  }
}
