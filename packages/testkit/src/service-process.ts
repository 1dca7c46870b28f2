import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);

/** Compiled main file of a service, by its name: `storage`. */
export function mainOf(service: string): string {
  return require.resolve(`@aios/${service}/main`);
}

export interface ServiceProcessOptions {
  /** Compiled main file. */
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
  readonly argv?: readonly string[];
  /** Node's and V8's own. */
  readonly nodeOptions?: readonly string[];
  readonly readyTimeoutMs?: number;
}

export interface ServicePorts {
  readonly grpcPort: number | undefined;
  readonly providerPort: number | undefined;
  readonly healthPort: number;
  readonly httpPort: number | undefined;
}

export interface LogEntry {
  readonly level?: string;
  readonly message?: string;
  readonly [key: string]: unknown;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const LINES_KEPT = 2_000;
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/** One service as its own process. Ports given as 0 stay the same over restarts. */
export class ServiceProcess {
  readonly #options: ServiceProcessOptions;
  readonly #lines: string[] = [];
  #child: ChildProcess | undefined;
  #ports: ServicePorts | undefined;
  #end: Promise<ProcessEnd> | undefined;

  private constructor(options: ServiceProcessOptions) {
    this.#options = options;
  }

  /** Starts it and waits until it reports ready at its health endpoint. */
  static async start(options: ServiceProcessOptions): Promise<ServiceProcess> {
    const service = new ServiceProcess(options);
    await service.#launch({});
    return service;
  }

  get ports(): ServicePorts {
    if (this.#ports === undefined) throw new TypeError("the service has not started");
    return this.#ports;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Every line of log so far, over restarts; JSON lines parsed. */
  logs(): readonly LogEntry[] {
    return this.#lines.map(parseLine);
  }

  text(): string {
    return this.#lines.join("\n");
  }

  /** Resolves when the process ends by itself, for example at a crash point. */
  ended(): Promise<ProcessEnd> {
    if (this.#end === undefined) throw new TypeError("the service has not started");
    return this.#end;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#end;
  }

  /** SIGTERM; insists after ten seconds. Answers how it ended. */
  async stop(): Promise<ProcessEnd> {
    const end = this.ended();
    this.#child?.kill("SIGTERM");
    const insist = setTimeout(() => this.#child?.kill("SIGKILL"), STOP_TIMEOUT_MS);
    const result = await end;
    clearTimeout(insist);
    return result;
  }

  /** Starts again on the same ports, optionally with other settings. */
  async restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null)
      await this.stop();
    const { grpcPort, healthPort } = this.ports;
    await this.#launch({
      AIOS_HEALTH_LISTEN: `127.0.0.1:${healthPort}`,
      ...(grpcPort === undefined ? {} : { AIOS_GRPC_LISTEN: `127.0.0.1:${grpcPort}` }),
      ...env,
    });
  }

  async #launch(env: Readonly<Record<string, string>>): Promise<void> {
    const { nodeOptions = [], main, argv = [] } = this.#options;
    const child = spawn(process.execPath, [...nodeOptions, main, ...argv], {
      env: { ...inherited(), ...this.#options.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const killWithParent = (): void => void child.kill("SIGKILL");
    process.once("exit", killWithParent);
    this.#end = once(child, "exit").then(([code, signal]) => {
      process.off("exit", killWithParent);
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
    this.#ports = await this.#ready(child, this.#end);
  }

  #ready(child: ChildProcess, end: Promise<ProcessEnd>): Promise<ServicePorts> {
    const limitMs = this.#options.readyTimeoutMs ?? READY_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        reject(new Error(`${this.#options.main} was not ready within ${limitMs} ms:\n${this.text()}`));
      }, limitMs);
      const onLine = (line: string): void => {
        this.#lines.push(line);
        if (this.#lines.length > LINES_KEPT) this.#lines.shift();
        const entry = parseLine(line);
        if (entry.message !== "ready" || typeof entry["healthPort"] !== "number") return;
        clearTimeout(timer);
        const ports = {
          healthPort: entry["healthPort"],
          grpcPort: portOf(entry["grpcPort"]),
          providerPort: portOf(entry["providerPort"]),
          httpPort: portOf(entry["httpPort"]),
        };
        expectReady(ports.healthPort).then(
          () => resolve(ports),
          (error: unknown) => {
            child.kill("SIGKILL");
            reject(error);
          },
        );
      };
      for (const stream of [child.stdout, child.stderr]) {
        if (stream !== null) createInterface({ input: stream }).on("line", onLine);
      }
      void end.then(({ code, signal }) => {
        clearTimeout(timer);
        reject(
          new Error(`${this.#options.main} ended (${code ?? signal}) before it was ready:\n${this.text()}`),
        );
      });
    });
  }
}

async function expectReady(healthPort: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${healthPort}/health`);
  const body = await response.text();
  if (response.status !== 200) throw new Error(`the service said it was ready but reports: ${body}`);
}

/** What makes a process start, and start fast: compiled code is kept between the many starts of the tests. */
function inherited(): Record<string, string> {
  const { PATH = "", NODE_COMPILE_CACHE } = process.env;
  return { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}

function portOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function parseLine(line: string): LogEntry {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null) return parsed as LogEntry;
  } catch {
    // Not every line is ours; Node's own warnings are plain text.
  }
  return { message: line };
}
