import type { OperatedService } from "@aios/sdk/operations-types";
import { z } from "zod";

const check = z.object({ name: z.string(), ok: z.boolean(), problem: z.string().default("") });
const count = z.number().nonnegative();

/** What a process says of itself under `/process` on its health port. */
const processFacts = z.object({
  version: z.string(),
  instanceId: z.string(),
  startedAtMs: z.number(),
  nowMs: z.number(),
  checks: z.array(check),
  schema: z
    .object({
      expected: count,
      missing: z.array(z.string()),
      changed: z.array(z.string()),
      ahead: z.array(z.string()),
    })
    .optional(),
  outbox: z.object({ events: count, oldestAgeMs: count }).optional(),
  deadLetters: z.object({ events: count, limit: count }).optional(),
  disk: z.object({ directory: z.string(), freeBytes: count, totalBytes: count }).optional(),
  certificate: z.object({ notAfterMs: z.number() }).optional(),
});

const health = z.object({ checks: z.array(check) });

/** When a pod was asked and when its answer was there, by this machine's clock. */
export interface AskedBetween {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** A pod as the doctor judges it; its clock is compared with this machine's. Throws where the answer is of another kind. */
export function answerOf(pod: string, body: unknown, asked: AskedBetween): OperatedService {
  const facts = processFacts.parse(body);
  const halfway = (asked.startedAtMs + asked.endedAtMs) / 2;
  return {
    ...silence(pod, null),
    state: stateBy(facts.checks),
    latencyMs: asked.endedAtMs - asked.startedAtMs,
    version: facts.version,
    instanceId: facts.instanceId,
    startedAtMs: facts.startedAtMs,
    clockOffsetMs: Math.round(facts.nowMs - halfway),
    checks: facts.checks,
    schema: facts.schema ?? null,
    outbox: facts.outbox ?? null,
    deadLetters: facts.deadLetters ?? null,
    disk: facts.disk ?? null,
    certificate: facts.certificate ?? null,
  };
}

/** Of a pod that has `/health` alone: a provider, or a version before `/process`. */
export function healthOf(pod: string, body: unknown): OperatedService {
  const { checks } = health.parse(body);
  return { ...silence(pod, null), state: stateBy(checks), checks };
}

/** A pod that did not answer, and why. */
export function silence(pod: string, problem: string | null): OperatedService {
  return {
    name: pod,
    state: "silent",
    problem,
    latencyMs: 0,
    version: null,
    instanceId: null,
    startedAtMs: null,
    clockOffsetMs: null,
    memoryBytes: null,
    checks: [],
    schema: null,
    outbox: null,
    deadLetters: null,
    disk: null,
    certificate: null,
  };
}

function stateBy(checks: readonly { readonly ok: boolean }[]): OperatedService["state"] {
  return checks.every(({ ok }) => ok) ? "ready" : "not-ready";
}
