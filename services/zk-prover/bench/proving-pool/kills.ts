import { setTimeout as pause } from "node:timers/promises";
import type { ProofEnded } from "@aios/proto/aios/events/v1/events";
import type { ProverPlatform } from "../../test/support/prover-platform.js";
import { type Figure, type PoolClient, percentile } from "./pool-client.js";

/** Requests under way at a time: what is measured is the pool, not the way there. */
const AT_ONCE = 16;

export interface KillOptions {
  readonly jobs: number;
  readonly killEveryMs: number;
  /** Without any job ending for so long it gives up. */
  readonly patienceMs: number;
}

/** Many jobs at once while replicas are killed, one after the other, each started again at once. */
export async function killFigures(
  platform: ProverPlatform,
  client: PoolClient,
  { jobs, killEveryMs, patienceMs }: KillOptions,
): Promise<{ readonly figures: Figure[]; readonly areAllProvenOnce: boolean }> {
  const endedBefore = client.ended;
  const outcomes = new Map<string, ProofEnded>();
  const all = Promise.withResolvers<void>();
  const startedAt = performance.now();
  let lastAt = startedAt;
  const hear = (event: ProofEnded): void => {
    outcomes.set(event.jobId, event);
    lastAt = performance.now();
    if (outcomes.size === jobs) all.resolve();
  };
  for (let asked = 0; asked < jobs; asked += AT_ONCE) {
    const requests = Array.from({ length: Math.min(AT_ONCE, jobs - asked) }, () =>
      client.request(client.prepare()),
    );
    for (const { ended } of await Promise.all(requests)) void ended.then(hear);
  }
  const requestedMs = performance.now() - startedAt;
  const endedMeanwhile = outcomes.size;

  const over = new AbortController();
  const killing = killAgainAndAgain(platform, killEveryMs, over.signal);
  while (outcomes.size < jobs && performance.now() - lastAt < patienceMs)
    await Promise.race([all.promise, pause(1_000, undefined, { signal: over.signal })]);
  const tookMs = performance.now() - startedAt;
  over.abort();
  const backMs = await killing;

  const proven = [...outcomes.values()].filter((event) => event.proven).length;
  const again = client.ended - endedBefore - outcomes.size;
  const figures = [
    { name: `${jobs} jobs at once: proven`, value: proven, unit: "" },
    { name: "  ended more than once", value: again, unit: "", goal: 0 },
    { name: "  did not end", value: jobs - outcomes.size, unit: "", goal: 0 },
    { name: "  replicas killed", value: backMs.length, unit: "" },
    ...(backMs.length === 0
      ? []
      : [{ name: "  a killed one is ready again after, p50", value: percentile(backMs, 0.5), unit: "ms" }]),
    { name: "  all requested after", value: requestedMs / 1_000, unit: "s" },
    { name: "  of them proven by then, nobody killed yet", value: endedMeanwhile, unit: "" },
    { name: "  all proven after", value: tookMs / 1_000, unit: "s" },
    { name: "  time a job", value: tookMs / Math.max(1, outcomes.size), unit: "ms" },
  ];
  return { figures, areAllProvenOnce: proven === jobs && again === 0 };
}

/** Answers how long each took to be ready again; one that does not come back in time is killed again at its next turn. */
async function killAgainAndAgain(
  { processes }: ProverPlatform,
  everyMs: number,
  over: AbortSignal,
): Promise<number[]> {
  const backMs: number[] = [];
  for (let turn = 0; ; turn++) {
    const isOver = await pause(everyMs, false, { signal: over }).catch(() => true);
    if (isOver) return backMs;
    const replica = processes[turn % processes.length];
    const killedAt = performance.now();
    await replica?.kill();
    await replica?.restart().catch(() => undefined);
    backMs.push(performance.now() - killedAt);
  }
}
