import { z } from "zod";
import { uint } from "./common.schemas.js";

const nullableFigure = z.number().nullable();

export const operatedServiceView = z
  .object({
    name: z.string(),
    state: z.enum(["ready", "not-ready", "silent"]),
    /** Why it is not ready, or does not answer. */
    problem: z.string().nullable(),
    latencyMs: z.number(),
    version: z.string().nullable(),
    instanceId: z.string().nullable(),
    startedAtMs: uint.nullable(),
    clockOffsetMs: z.int().nullable(),
    memoryBytes: nullableFigure,
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), problem: z.string() })),
    schema: z
      .object({
        expected: uint,
        missing: z.array(z.string()),
        changed: z.array(z.string()),
        ahead: z.array(z.string()),
      })
      .nullable(),
    outbox: z.object({ events: uint, oldestAgeMs: z.number() }).nullable(),
    deadLetters: z.object({ events: uint, limit: uint }).nullable(),
    disk: z.object({ directory: z.string(), freeBytes: uint, totalBytes: uint }).nullable(),
    certificate: z.object({ notAfterMs: uint }).nullable(),
  })
  .meta({ id: "OperatedService" });

export const objectiveView = z
  .object({
    name: z.string(),
    promise: z.string(),
    objective: z.number(),
    burning: z.object({ severity: z.enum(["page", "ticket"]), factor: z.number() }).nullable(),
    windows: z.array(
      z.object({
        window: z.enum(["5m", "30m", "1h", "6h", "3d"]),
        events: z.number(),
        bad: z.number(),
        errorRatio: nullableFigure,
        burnRate: nullableFigure,
        covered: z.number(),
      }),
    ),
  })
  .meta({ id: "ServiceLevelObjective" });

export const operationsView = z
  .object({
    atMs: uint,
    watchedSinceMs: uint,
    services: z.array(operatedServiceView),
    chain: z.object({
      latestHeight: nullableFigure,
      finalizedHeight: nullableFigure,
      indexedHeight: nullableFigure,
      providersOnline: nullableFigure,
    }),
    queues: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        service: z.string(),
        waiting: nullableFigure,
      }),
    ),
    lags: z.array(
      z.object({
        service: z.string(),
        topic: z.string(),
        handled: z.number(),
        p50Ms: nullableFigure,
        p95Ms: nullableFigure,
      }),
    ),
    objectives: z.array(objectiveView),
    jobs: z.array(
      z.object({
        jobId: z.string(),
        traceId: z.string(),
        startedAtMs: uint,
        lastEndedAtMs: uint,
        failed: z.boolean(),
      }),
    ),
  })
  .meta({ id: "Operations", description: "The platform as its operator sees it." });

export const traceParams = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/, "32 lower-case hex digits"),
});

export const traceView = z
  .object({
    traceId: z.string(),
    spans: z.array(
      z.object({
        spanId: z.string(),
        parentSpanId: z.string(),
        service: z.string(),
        name: z.string(),
        kind: z.enum(["internal", "server", "client", "producer", "consumer"]),
        startUs: uint,
        durationUs: uint,
        failed: z.boolean(),
        message: z.string(),
        attributes: z.record(z.string(), z.string()),
      }),
    ),
    dropped: uint,
    silent: z.array(z.string()),
  })
  .meta({ id: "Trace", description: "Spans in order of time, from the services that remember them." });
