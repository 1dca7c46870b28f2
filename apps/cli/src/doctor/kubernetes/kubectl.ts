import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { CodedError } from "@aios/kernel/coded-error";
import type { OperatedService } from "@aios/sdk/operations-types";
import { systemClock } from "@aios/service-kit/system-clock";
import { answerOf, healthOf, silence } from "./process-answer.js";

export interface KubectlOptions {
  /** Of the kubeconfig; its current one where absent. */
  readonly context: string | undefined;
  /** That of the context where absent. */
  readonly namespace: string | undefined;
}

const COMMAND_TIMEOUT_MS = 30_000;
const ASK_TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 64 * 1024 ** 2;
const run = promisify(execFile);

/** A cluster as `kubectl` reaches it, with the caller's own rights; only ever reads. */
export class Kubectl {
  readonly #program: string;
  readonly #scope: readonly string[];

  constructor({ context, namespace }: KubectlOptions, program = "kubectl") {
    this.#program = program;
    this.#scope = [
      ...(context === undefined ? [] : [`--context=${context}`]),
      ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    ];
  }

  /** The answer as JSON. Throws `kubectl-missing` and `kubectl-refused`. */
  async get(resource: string, ...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.#run("get", resource, "--output=json", ...args));
  }

  /** The namespace that is asked. */
  async namespace(): Promise<string> {
    const path = "--output=jsonpath={..namespace}";
    const said = await this.#run("config", "view", "--minify", path);
    return said.trim().split(/\s+/)[0] || "default";
  }

  /** Asks one pod at its health port, by a forwarded port of this machine. Never throws: a silent pod says why. */
  async ask(pod: string, port: number): Promise<OperatedService> {
    const forward = spawn(this.#program, [...this.#scope, "port-forward", `pod/${pod}`, `:${port}`], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = once(forward, "close").catch(() => undefined);
    try {
      return await askAt(pod, await forwarded(forward, ended));
    } catch (error) {
      return silence(pod, error instanceof Error ? error.message : String(error));
    } finally {
      forward.kill();
      await ended;
    }
  }

  async #run(...args: readonly string[]): Promise<string> {
    try {
      const { stdout } = await run(this.#program, [...this.#scope, ...args], {
        maxBuffer: MAX_OUTPUT_BYTES,
        timeout: COMMAND_TIMEOUT_MS,
      });
      return stdout;
    } catch (error) {
      throw refusal(error as Error & { code?: unknown; stderr?: string });
    }
  }
}

function refusal(error: Error & { code?: unknown; stderr?: string }): CodedError {
  if (error.code === "ENOENT")
    return new CodedError({
      code: "kubectl-missing",
      kind: "unprocessable",
      message: "There is no 'kubectl' on this machine.",
    });
  const said = error.stderr?.trim().split("\n").at(-1);
  return new CodedError({
    code: "kubectl-refused",
    kind: "unavailable",
    message: said === undefined || said === "" ? error.message : said,
  });
}

/** The address of this machine that leads to the pod. */
async function forwarded(forward: ReturnType<typeof spawn>, ended: Promise<unknown>): Promise<string> {
  const { stdout, stderr } = forward;
  if (stdout === null || stderr === null) throw new Error("kubectl has no output");
  let said = "";
  stderr.on("data", (text: Buffer) => {
    said = `${said}${text}`.slice(-1_000);
  });
  const timer = setTimeout(() => forward.kill(), ASK_TIMEOUT_MS);
  try {
    for await (const line of createInterface({ input: stdout })) {
      const port = /^Forwarding from 127\.0\.0\.1:(\d+) /.exec(line)?.[1];
      if (port !== undefined) {
        // What it says of each connection is not read any more.
        stdout.resume();
        return `http://127.0.0.1:${port}`;
      }
    }
  } finally {
    clearTimeout(timer);
  }
  await ended;
  throw new Error(said.trim().split("\n").at(-1) || "its port could not be forwarded");
}

async function askAt(pod: string, address: string): Promise<OperatedService> {
  const ask = (path: string): Promise<Response> =>
    fetch(`${address}${path}`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  // The first call pays for the connection, which the clocks' comparison should not.
  const health = await ask("/health");
  const healthBody: unknown = await health.json();
  const startedAtMs = systemClock.now();
  const answer = await ask("/process");
  const body: unknown = await answer.json().catch(() => undefined);
  const asked = { startedAtMs, endedAtMs: systemClock.now() };
  return answer.ok ? answerOf(pod, body, asked) : healthOf(pod, healthBody);
}
