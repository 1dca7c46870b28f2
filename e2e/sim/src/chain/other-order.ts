import type { OrderingPolicy } from "@aios/core-honor-node/ordering-policy";

/** An order that no DAG gives: by the ids of the transactions, the last first, each once. */
export const lastIdFirst: OrderingPolicy = {
  order(blocks) {
    const byId = new Map(blocks.flatMap(({ transactions }) => transactions).map((one) => [one.id, one]));
    return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  },
};
