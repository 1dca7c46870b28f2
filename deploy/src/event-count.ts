import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Cluster } from "./cluster.js";
import { type ChainChanges, type EventCounts, eventProblems } from "./event-judgement.js";
import { lastLine } from "./loads.js";

const HANDLED_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 2_000;
const EVENT_COUNTS = fileURLToPath(new URL("in-pod/event-counts.js", import.meta.url));

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
