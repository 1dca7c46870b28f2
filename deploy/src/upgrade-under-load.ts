import type { Cluster } from "./cluster.js";
import type { ChainChanges } from "./event-judgement.js";
import { type LoadReports, loadProblems } from "./load-judgement.js";
import { beginLoad, endLoads, lastLine, reportOf, toldOrders } from "./loads.js";

/**
 * Reads and orders all through an upgrade, from before its first pod is replaced until after its last. Throws where a
 * request failed, an order is lost, doubled or not settled, or there were too few of either.
 */
export async function upgradeUnderLoad(
  cluster: Cluster,
  gateway: string,
  upgrade: () => Promise<void>,
): Promise<{ readonly shown: string; readonly changes: ChainChanges }> {
  await beginLoad(cluster, "read-load", gateway);
  await beginLoad(cluster, "order-load", gateway);
  await upgrade();
  const [reads = "", told] = await endLoads(cluster, "read-load", "order-load");
  const orders = reportOf(told);
  const problems = loadProblems({ reads: lastLine(reads) as LoadReports["reads"], orders });
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return { shown: `reads   ${reads}\n${toldOrders(orders)}`, changes: orders.changes };
}
