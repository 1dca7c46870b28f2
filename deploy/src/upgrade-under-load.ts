import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Cluster } from "./cluster.js";
import { type ChainChanges, type EventCounts, eventProblems } from "./event-judgement.js";
import { type LoadReports, loadProblems } from "./load-judgement.js";

const READ_LOAD = "read-load";
const ORDER_LOAD = "order-load";
/** The loads are told to end when the upgrade has, which helm gives up after ten minutes. */
const LONGEST_LOAD_SECONDS = 720;
const LOAD_ENDS_WITHIN_MS = 300_000;
const HANDLED_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 2_000;
const EVENT_COUNTS = fileURLToPath(new URL("in-pod/event-counts.js", import.meta.url));

/** What the orders of an upgrade came to, as `order-load` tells. */
export interface OrderReport {
  readonly orders: number;
  readonly problems: readonly string[];
  readonly requests: {
    readonly answered: number;
    readonly askedToComeBack: number;
    readonly failed: number;
    readonly failures: readonly string[];
  };
  readonly changes: ChainChanges;
}

/**
 * Reads and orders all through an upgrade, from before its first pod is replaced until after its last. Throws where a
 * request failed, an order is lost, doubled or not settled, or there were too few of either.
 */
export async function upgradeUnderLoad(
  cluster: Cluster,
  gateway: string,
  upgrade: () => Promise<void>,
): Promise<{ readonly shown: string; readonly changes: ChainChanges }> {
  for (const load of [READ_LOAD, ORDER_LOAD]) {
    await cluster.kubectl("delete", "job", load, "--ignore-not-found", "--wait=true");
    await cluster.startJob(load, [load, "--gateway", gateway, "--seconds", `${LONGEST_LOAD_SECONDS}`]);
    await cluster.kubectl("wait", `job/${load}`, "--for=jsonpath={.status.ready}=1", "--timeout=2m");
  }
  await upgrade();
  for (const load of [READ_LOAD, ORDER_LOAD]) await cluster.endJob(load);
  const reads = await cluster.finishJob(READ_LOAD, LOAD_ENDS_WITHIN_MS);
  const report = lastLine(await cluster.finishJob(ORDER_LOAD, LOAD_ENDS_WITHIN_MS)) as OrderReport;
  const { orders, requests, changes } = report;
  const problems = loadProblems({ reads: lastLine(reads) as LoadReports["reads"], orders: report });
  if (problems.length > 0) throw new Error(problems.join("\n"));
  const transitions = Object.values(changes).reduce((sum, { length }) => sum + length, 0);
  const shown = [
    `reads   ${reads.trim()}`,
    `orders  ${JSON.stringify(requests)}`,
    `${orders} orders, each sent twice under its key: ${Object.keys(changes).length} jobs, each opened once and settled once on chain`,
    `(${transitions} changes of state), paid out to the last wei, with one anchored receipt`,
  ];
  return { shown: shown.join("\n"), changes };
}

/** Every event of those orders against the chain, in the log itself; and that every group has handled what is there. */
export async function countEvents(cluster: Cluster, service: string, chain: ChainChanges): Promise<string> {
  const endsAt = performance.now() + HANDLED_WITHIN_MS;
  for (;;) {
    const counts = lastLine(
      await cluster.evaluateIn(service, readFileSync(EVENT_COUNTS, "utf8")),
    ) as EventCounts;
    const problems = eventProblems(counts, chain);
    if (problems.length === 0) return told(counts, chain);
    if (performance.now() > endsAt) throw new Error(problems.slice(0, 20).join("\n"));
    await delay(ASK_AGAIN_MS);
  }
}

function told({ topics, waiting, jobChanges }: EventCounts, chain: ChainChanges): string {
  const jobs = Object.keys(chain);
  const changes = jobs.reduce((sum, job) => sum + (chain[job]?.length ?? 0), 0);
  const published = jobs.reduce((sum, job) => sum + (jobChanges[job]?.length ?? 0), 0);
  return [
    ...Object.entries(topics).map(([topic, { events }]) => `${topic.padEnd(32)} ${events} events, 0 doubled`),
    `${waiting.length} groups and topics: 0 events wait`,
    `${jobs.length} jobs: ${changes} changes on chain, each published; ${published} events with those that say that the end is final`,
  ].join("\n");
}

function lastLine(text: string): unknown {
  return JSON.parse(text.trim().split("\n").at(-1) ?? "");
}
