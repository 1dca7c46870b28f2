import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HostPort } from "./config.js";
import { defineMetrics } from "./metrics.js";
import { monotonicMs } from "./system-clock.js";

const metrics = defineMetrics("health", {
  checkPassing: {
    kind: "gauge",
    description: "1 while the named check of the process passes, 0 while it does not",
  },
});

/** Resolves when the dependency works; rejects with an error whose message says what is wrong. */
export type HealthCheck = (signal: AbortSignal) => Promise<void>;

export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly durationMs: number;
  readonly problem?: string;
}

/** Whether calls may be sent to the process: only the checks that this depends on were run. */
export interface ReadinessReport {
  readonly status: "ready" | "not-ready" | "draining";
  readonly service: string;
  readonly checks: readonly CheckResult[];
}

/** Whether the process and all that it needs are well: every check was run. */
export interface HealthReport {
  readonly status: "healthy" | "unhealthy" | "draining";
  readonly service: string;
  readonly checks: readonly CheckResult[];
}

/**
 * How far readiness depends on a check:
 * - `at-start`: a backend. The first call is taken only after the check has passed once; later, calls that need a lost
 *   backend answer for themselves (unavailable, with the time to come again) and all others go on.
 * - `always`: what the process itself cannot answer any call without.
 * - `never`: told, and nothing more.
 */
export type ReadinessNeed = "at-start" | "always" | "never";

const CHECK_TIMEOUT_MS = 1_500;
const REPORT_REUSE_MS = 250;

interface Registered {
  readonly check: HealthCheck;
  readonly need: ReadinessNeed;
  passed: boolean;
}

/** The named checks of one process. Ready means: started, not draining, and every check passes that readiness needs. */
export class HealthRegistry {
  readonly #service: string;
  readonly #checks = new Map<string, Registered>();
  readonly #readiness = reused(() => this.#readinessNow());
  readonly #report = reused(() => this.#reportNow());
  #state: "starting" | "started" | "draining" = "starting";

  constructor(service: string) {
    this.#service = service;
  }

  /** Registers a check under a kebab-case name; the same name twice is an error. */
  register(name: string, check: HealthCheck, need: ReadinessNeed = "at-start"): void {
    if (this.#checks.has(name)) throw new TypeError(`the health check ${name} is registered twice`);
    this.#checks.set(name, { check, need, passed: false });
  }

  started(): void {
    if (this.#state === "starting") this.#state = "started";
    this.#forget();
  }

  /** Not ready from now on; answers whether it has ever been started. */
  draining(): boolean {
    const served = this.#state === "started";
    this.#state = "draining";
    this.#forget();
    return served;
  }

  /** Runs the checks that readiness depends on, each bounded in time; probes that come together share one run. */
  readiness(): Promise<ReadinessReport> {
    return this.#readiness.get();
  }

  /** Runs every check, each bounded in time; reports that are asked for together share one run. */
  report(): Promise<HealthReport> {
    return this.#report.get();
  }

  async #readinessNow(): Promise<ReadinessReport> {
    const checks = await this.#run(
      ({ need, passed }) => need === "always" || (need === "at-start" && !passed),
    );
    const status = this.#state === "draining" ? "draining" : allPass(checks) ? "ready" : "not-ready";
    return { status, service: this.#service, checks };
  }

  async #reportNow(): Promise<HealthReport> {
    const checks = await this.#run(() => true);
    const status = this.#state === "draining" ? "draining" : allPass(checks) ? "healthy" : "unhealthy";
    return { status, service: this.#service, checks };
  }

  async #run(wanted: (registered: Registered) => boolean): Promise<readonly CheckResult[]> {
    const checks = await Promise.all(
      [...this.#checks]
        .filter(([, registered]) => wanted(registered))
        .map(async ([name, registered]) => {
          const result = await runCheck(name, registered.check);
          registered.passed ||= result.ok;
          metrics.checkPassing.set(result.ok ? 1 : 0, { check: name });
          return result;
        }),
    );
    const ok = this.#state === "started";
    return [{ name: "process", ok, durationMs: 0, ...(ok ? {} : { problem: this.#state }) }, ...checks];
  }

  #forget(): void {
    this.#readiness.forget();
    this.#report.forget();
  }
}

function allPass(checks: readonly CheckResult[]): boolean {
  return checks.every(({ ok }) => ok);
}

function reused<T>(run: () => Promise<T>): { get(): Promise<T>; forget(): void } {
  let recent: { readonly atMs: number; readonly result: Promise<T> } | undefined;
  return {
    get() {
      const now = monotonicMs();
      if (recent === undefined || now - recent.atMs > REPORT_REUSE_MS) recent = { atMs: now, result: run() };
      return recent.result;
    },
    forget() {
      recent = undefined;
    },
  };
}

async function runCheck(name: string, check: HealthCheck): Promise<CheckResult> {
  const startedAt = monotonicMs();
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  try {
    await Promise.race([
      check(signal),
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), {
          once: true,
        });
      }),
    ]);
    return { name, ok: true, durationMs: elapsedMs(startedAt) };
  } catch (error) {
    const problem = error instanceof Error && error.message !== "" ? error.message : String(error);
    return { name, ok: false, durationMs: elapsedMs(startedAt), problem: problem.slice(0, 300) };
  }
}

function elapsedMs(startedAt: number): number {
  return Math.round((monotonicMs() - startedAt) * 10) / 10;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * On a port of their own: `/health/live` (the event loop answers), `/health/ready` (calls may come), `/health` (the
 * process and all that it needs are well), `/metrics`, and `/process`, what the process knows of itself: undefined while it
 * starts.
 */
export async function startHealthServer(
  listen: HostPort,
  registry: HealthRegistry,
  prometheusText: () => Promise<string>,
  processReport?: () => Promise<object | undefined>,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    respond(request, response, { registry, prometheusText, processReport }).catch((error: unknown) => {
      send(response, 500, "text/plain", `${error instanceof Error ? error.message : String(error)}\n`);
    });
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

interface Told {
  readonly registry: HealthRegistry;
  readonly prometheusText: () => Promise<string>;
  readonly processReport: (() => Promise<object | undefined>) | undefined;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { registry, prometheusText, processReport }: Told,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD")
    return send(response, 405, "text/plain", "GET only\n");
  switch (request.url?.split("?")[0]) {
    case "/health/live":
      return send(response, 200, "application/json", JSON.stringify({ status: "live" }));
    case "/health/ready":
      return sendReport(response, await registry.readiness(), "ready");
    case "/health":
      return sendReport(response, await registry.report(), "healthy");
    case "/metrics":
      // Whoever reads metrics hears of the backends too, which readiness does not ask for.
      await registry.report();
      return send(response, 200, "text/plain; version=0.0.4; charset=utf-8", await prometheusText());
    case "/process":
      if (processReport !== undefined) return sendProcess(response, await processReport());
      break;
    default:
  }
  send(
    response,
    404,
    "text/plain",
    `there are /health, /health/live, /health/ready, /metrics${processReport === undefined ? "" : ", /process"}\n`,
  );
}

function sendProcess(response: ServerResponse, report: object | undefined): void {
  const body = JSON.stringify(report ?? { status: "starting" });
  send(response, report === undefined ? 503 : 200, "application/json", body);
}

function sendReport<R extends ReadinessReport | HealthReport>(
  response: ServerResponse,
  report: R,
  good: R["status"],
): void {
  send(response, report.status === good ? 200 : 503, "application/json", JSON.stringify(report));
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
