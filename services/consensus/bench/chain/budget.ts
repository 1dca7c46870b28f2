import type { Profiler } from "node:inspector";

/**
 * Where the time of the node's main thread goes. The nearest frame with a mark in its address has the sample, so that
 * hashing and encoding count for whoever asked for them.
 */
const PARTS = [
  ["tries", /cores\/trie|state-commitment/],
  ["mempool journal", /lmdb-mempool-journal|mempool-record/],
  ["blocks and state to disk", /lmdb-block-store|write-state|prune-blocks|trie-sweep/],
  ["state reads", /lmdb-state-store|latest-accounts/],
  ["recovery, handed over", /secp256k1/],
  ["decoding", /cores\/transactions|transaction-codec/],
  ["mempool", /mempool|sender-queue|eviction-queue|arrival-order/],
  ["sealing", /block-codec|bloom/],
  ["execution", /cores\/evm|adapters\/evm|ethereumjs|execute-blocks|single-producer/],
  ["notices", /chain-events|subscriptions|filter-registry/],
  ["JSON-RPC", /json-rpc/],
] as const;
/** For what no part of the node has asked for. */
const REST = [
  ["disk", /lmdb/],
  ["HTTP", /node:(http|_http|net|internal\/http|internal\/streams|internal\/stream_base)|node:events/],
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
  const frameOf = (id: number): Profiler.Profile["nodes"][number]["callFrame"] | undefined =>
    nodes.get(id)?.callFrame;
  const marked = (from: number, parts: readonly (readonly [string, RegExp])[]): string | undefined => {
    for (let id: number | undefined = from; id !== undefined; id = parents.get(id)) {
      const url = frameOf(id)?.url ?? "";
      const part = parts.find(([, mark]) => mark.test(url));
      if (part !== undefined) return part[0];
    }
    return undefined;
  };
  const partOf = new Map<number, string>();
  const find = (id: number): string => {
    const known = partOf.get(id);
    if (known !== undefined) return known;
    const name = frameOf(id)?.functionName;
    const part =
      name === "(idle)"
        ? "idle"
        : name === "(garbage collector)"
          ? "garbage collection"
          : (marked(id, PARTS) ?? marked(id, REST) ?? "other");
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
