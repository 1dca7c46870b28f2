import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "./cluster.js";
import { command } from "./command-line.js";
import type { ChainChanges } from "./event-judgement.js";
import { beginLoad, endLoads, reportOf, toldOrders } from "./loads.js";

const MAIN_JOB = "main-job-through-a-cut";
const CUT_MS = 60_000;
/** Of a client that is told to come back, each time after some seconds. */
const RETRIES = "60";
/** The cut, and what the job takes by itself. */
const MAIN_JOB_MS = 300_000;

export interface Cut {
  readonly gateway: string;
  readonly service: string;
  /** `PROGRAM cut ADDRESS…` lets no packet from or to these pods pass, and says so to nobody; `join` lets them again. */
  readonly program: string;
}

/**
 * Orders, and a main job that has begun, while no other pod or server reaches those of one service and they reach none, for a
 * minute. Throws where a request was answered neither rightly nor with a time to come back, the main job does not go
 * through, or an order is lost, doubled or not settled.
 */
export async function goOnThroughACut(
  cluster: Cluster,
  { gateway, service, program }: Cut,
): Promise<{ readonly shown: string; readonly changes: ChainChanges }> {
  const addresses = await cluster.podAddresses(service);
  await beginLoad(cluster, "order-load", gateway);
  await cluster.beginJob(MAIN_JOB, ["main-job", "--gateway", gateway, "--retries", RETRIES]);
  try {
    await command(program, "cut", ...addresses);
    await delay(CUT_MS);
  } finally {
    await command(program, "join", ...addresses);
  }
  const joinedAt = performance.now();
  const mainJob = await cluster.finishJob(MAIN_JOB, MAIN_JOB_MS);
  const tookMs = performance.now() - joinedAt;
  const [orders] = await endLoads(cluster, "order-load");
  const report = reportOf(orders);
  if (report.requests.askedToComeBack === 0)
    throw new Error(`nobody was told to come back:\n${toldOrders(report)}`);
  const wentThrough = mainJob.split("\n").find((line) => line.startsWith("The main job went through")) ?? "";
  const shown = [
    `${service} (${addresses.join(", ")}) reached nobody for ${CUT_MS / 1_000} s`,
    wentThrough.trim(),
    `(its last step ${(tookMs / 1_000).toFixed(1)} s after the network was there again)`,
    toldOrders(report),
  ];
  return { shown: shown.join("\n"), changes: report.changes };
}
