import type { Cluster } from "./cluster.js";
import type { ChainChanges } from "./event-judgement.js";

export type Load = "read-load" | "order-load";

/** Longer than whatever happens meanwhile, which helm gives up after ten minutes; a load is told when it is enough. */
const LONGEST_LOAD_SECONDS = 720;
const LOAD_ENDS_WITHIN_MS = 300_000;

/** What the orders of a load came to, as `order-load` tells. */
export interface OrderReport {
  readonly orders: number;
  readonly problems: readonly string[];
  readonly requests: {
    readonly answered: number;
    readonly askedToComeBack: number;
    readonly askedToSlowDown: number;
    readonly failed: number;
    readonly failures: readonly string[];
  };
  readonly changes: ChainChanges;
}

/** Resolves once the load is under way. */
export function beginLoad(cluster: Cluster, load: Load, gateway: string): Promise<void> {
  return cluster.beginJob(load, [load, "--gateway", gateway, "--seconds", `${LONGEST_LOAD_SECONDS}`]);
}

/** Tells the loads that it is enough, and answers what each says then; throws where one failed. */
export async function endLoads(cluster: Cluster, ...loads: readonly Load[]): Promise<readonly string[]> {
  for (const load of loads) await cluster.endJob(load);
  const told: string[] = [];
  for (const load of loads) told.push((await cluster.finishJob(load, LOAD_ENDS_WITHIN_MS)).trim());
  return told;
}

export const reportOf = (told: string | undefined): OrderReport => lastLine(told ?? "") as OrderReport;

/** What a report says when no order was lost, doubled or left open. */
export function toldOrders({ orders, requests, changes }: OrderReport): string {
  const transitions = Object.values(changes).reduce((sum, { length }) => sum + length, 0);
  return [
    `orders  ${JSON.stringify(requests)}`,
    `${orders} orders, each sent twice under its key: ${Object.keys(changes).length} jobs, each opened once and settled once on chain`,
    `(${transitions} changes of state), paid out to the last wei, with one anchored receipt`,
  ].join("\n");
}

export function lastLine(text: string): unknown {
  return JSON.parse(text.trim().split("\n").at(-1) ?? "");
}
