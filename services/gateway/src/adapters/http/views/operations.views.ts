import type { z } from "zod";
import type {
  ObjectiveReading,
  OperationsReading,
  ServiceReading,
} from "../../../application/operations-monitor.js";
import {
  CHAIN,
  gaugeOf,
  MEMORY,
  PROVIDERS_ONLINE,
  QUEUES,
  topicLags,
} from "../../../domain/operations-figures.js";
import type { AttributedTrace } from "../../../domain/process-source.js";
import type { objectiveView, operatedServiceView, operationsView } from "../schemas/operations.schemas.js";

export function operationsViewOf(
  reading: OperationsReading,
  jobs: readonly AttributedTrace[],
): z.infer<typeof operationsView> {
  const { atMs, watchedSinceMs, services } = reading;
  const gauge = (service: string, series: string): number | null => {
    const found = services.find(({ name }) => name === service);
    return gaugeOf(found?.facts?.samples ?? [], series);
  };
  return {
    atMs,
    watchedSinceMs,
    services: services.map(serviceViewOf),
    chain: {
      latestHeight: gauge("consensus", CHAIN.latest),
      finalizedHeight: gauge("consensus", CHAIN.finalized),
      indexedHeight: gauge("economy", CHAIN.indexed),
      providersOnline: gauge("compute", PROVIDERS_ONLINE),
    },
    queues: QUEUES.map(({ series, ...queue }) => ({ ...queue, waiting: gauge(queue.service, series) })),
    lags: services.flatMap(({ name, facts, earlier }) =>
      topicLags(facts?.samples ?? [], earlier).map((lag) => ({ service: name, ...lag })),
    ),
    objectives: reading.objectives.map(objectiveViewOf),
    jobs: jobs.map(({ value, ...trace }) => ({ jobId: value, ...trace })),
  };
}

function serviceViewOf({
  name,
  atMs,
  latencyMs,
  facts,
  problem,
}: ServiceReading): z.infer<typeof operatedServiceView> {
  const failing = facts?.checks.filter(({ ok }) => !ok) ?? [];
  return {
    name,
    state: facts === undefined ? "silent" : failing.length === 0 ? "ready" : "not-ready",
    problem: problem ?? failing.map((check) => `${check.name}: ${check.problem}`)[0] ?? null,
    latencyMs,
    version: facts?.version ?? null,
    instanceId: facts?.instanceId ?? null,
    startedAtMs: facts?.startedAtMs ?? null,
    clockOffsetMs: facts === undefined ? null : clockOffset(facts.nowMs, atMs, latencyMs),
    memoryBytes: gaugeOf(facts?.samples ?? [], MEMORY),
    checks: facts?.checks.map((check) => ({ ...check })) ?? [],
    schema:
      facts?.schema == null
        ? null
        : {
            expected: facts.schema.expected,
            missing: [...facts.schema.missing],
            changed: [...facts.schema.changed],
            ahead: [...facts.schema.ahead],
          },
    outbox: facts?.outbox ?? null,
    deadLetters: facts?.deadLetters ?? null,
    disk: facts?.disk ?? null,
    certificate: facts?.certificate ?? null,
  };
}

/** By how much a clock is surely off: it was read at some time between the question and its answer. */
function clockOffset(theirsMs: number, answeredMs: number, latencyMs: number): number {
  const askedMs = answeredMs - latencyMs;
  return Math.round(theirsMs - Math.min(Math.max(theirsMs, askedMs), answeredMs));
}

function objectiveViewOf({ objective, budget }: ObjectiveReading): z.infer<typeof objectiveView> {
  const { burning, windows } = budget;
  return {
    name: objective.name,
    promise: objective.promise,
    objective: objective.objective,
    burning: burning === undefined ? null : { severity: burning.severity, factor: burning.factor },
    windows: windows.map(({ window, good, all, errorRatio, burnRate, covered }) => ({
      window,
      events: all,
      bad: all - good,
      errorRatio: errorRatio ?? null,
      burnRate: burnRate ?? null,
      covered,
    })),
  };
}
