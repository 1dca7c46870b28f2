import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HostPort } from "./config.js";
import { monotonicMs } from "./system-clock.js";

/** Resolves when the dependency works; rejects with an error whose message says what is wrong. */
export type HealthCheck = (signal: AbortSignal) => Promise<void>;

export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly durationMs: number;
  readonly problem?: string;
}

export interface HealthReport {
  readonly status: "ready" | "not-ready" | "draining";
  readonly service: string;
  readonly checks: readonly CheckResult[];
}

const CHECK_TIMEOUT_MS = 1_500;
const REPORT_REUSE_MS = 250;

/** The named checks of one process. Ready means: started, not draining, and every check passes. */
export class HealthRegistry {
  readonly #service: string;
  readonly #checks = new Map<string, HealthCheck>();
  #state: "starting" | "started" | "draining" = "starting";
  #recent: { readonly atMs: number; readonly report: Promise<HealthReport> } | undefined;

  constructor(service: string) {
    this.#service = service;
  }

  /** Registers a readiness check under a kebab-case name; the same name twice is an error. */
  register(name: string, check: HealthCheck): void {
    if (this.#checks.has(name)) throw new TypeError(`the health check ${name} is registered twice`);
    this.#checks.set(name, check);
  }

  started(): void {
    if (this.#state === "starting") this.#state = "started";
    this.#recent = undefined;
  }

  /** Not ready from now on; answers whether it has ever been started. */
  draining(): boolean {
    const served = this.#state === "started";
    this.#state = "draining";
    this.#recent = undefined;
    return served;
  }

  /** Runs every check, each bounded in time; probes that come together share one run. */
  report(): Promise<HealthReport> {
    const now = monotonicMs();
    if (this.#recent === undefined || now - this.#recent.atMs > REPORT_REUSE_MS) {
      this.#recent = { atMs: now, report: this.#run() };
    }
    return this.#recent.report;
  }

  async #run(): Promise<HealthReport> {
    const checks = await Promise.all([...this.#checks].map(([name, check]) => runCheck(name, check)));
    const healthy = this.#state === "started" && checks.every((check) => check.ok);
    return {
      status: this.#state === "draining" ? "draining" : healthy ? "ready" : "not-ready",
      service: this.#service,
      checks: [
        {
          name: "process",
          ok: this.#state === "started",
          durationMs: 0,
          ...(this.#state === "started" ? {} : { problem: this.#state }),
        },
        ...checks,
      ],
    };
  }
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

/** `/health/live`, `/health/ready` and `/metrics` on their own port. Live: the event loop answers. */
export async function startHealthServer(
  listen: HostPort,
  registry: HealthRegistry,
  prometheusText: () => Promise<string>,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    respond(request, response, registry, prometheusText).catch((error: unknown) => {
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

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  registry: HealthRegistry,
  prometheusText: () => Promise<string>,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD")
    return send(response, 405, "text/plain", "GET only\n");
  switch (request.url?.split("?")[0]) {
    case "/health/live":
      return send(response, 200, "application/json", JSON.stringify({ status: "live" }));
    case "/health/ready": {
      const report = await registry.report();
      return send(
        response,
        report.status === "ready" ? 200 : 503,
        "application/json",
        JSON.stringify(report),
      );
    }
    case "/metrics":
      return send(response, 200, "text/plain; version=0.0.4; charset=utf-8", await prometheusText());
    default:
      return send(response, 404, "text/plain", "there are /health/live, /health/ready and /metrics\n");
  }
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
