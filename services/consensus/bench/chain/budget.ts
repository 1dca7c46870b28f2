import type { Profiler } from "node:inspector";

/** Where the time of the node's main thread goes. The first part whose mark is in a frame's address has the sample. */
const PARTS = [
  ["trie", /core-trie|cores\/trie|state-commitment/],
  ["disk", /lmdb/],
  ["recovery", /secp256k1/],
  ["execution", /cores\/evm|adapters\/evm|ethereumjs|single-producer|block-codec/],
  ["admission", /cores\/transactions|transaction-codec|mempool/],
  [
    "rpc",
    /json-rpc|node:(http|_http|net|internal\/http|internal\/streams|internal\/stream_base)|node:events/,
  ],
] as const;

export type Budget = Readonly<Record<string, number>>;

/** What the node's main thread did during a measurement. */
export interface MainThread {
  readonly budget: Budget;
  /** Its processor time; the budget counts waits for a busy processor too. */
  readonly processorMs: number;
}

/** Milliseconds by part; `idle`, `garbage collection` and `other` complete them. */
export function budgetOf(profile: Profiler.Profile): Budget {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const partOf = new Map<number, string>();
  const find = (id: number): string => {
    const known = partOf.get(id);
    if (known !== undefined) return known;
    const frame = nodes.get(id)?.callFrame;
    const parent = parents.get(id);
    const named =
      frame?.functionName === "(idle)"
        ? "idle"
        : frame?.functionName === "(garbage collector)"
          ? "garbage collection"
          : PARTS.find(([, mark]) => mark.test(frame?.url ?? ""))?.[0];
    const part = named ?? (parent === undefined ? "other" : find(parent));
    partOf.set(id, part);
    return part;
  };
  const out: Record<string, number> = {};
  profile.samples?.forEach((id, index) => {
    const part = find(id);
    out[part] = (out[part] ?? 0) + (profile.timeDeltas?.[index] ?? 0) / 1_000;
  });
  return out;
}
