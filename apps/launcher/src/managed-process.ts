import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";

export interface ProcessSpec {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Answers 2xx when the process can do its work. */
  readonly readyUrl?: string;
  /** V8 heap limit: part of the platform's memory budget. */
  readonly heapMiB: number;
}

export interface ProcessExit {
  readonly name: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lastLines: readonly string[];
}

const EXIT_WITH_PARENT = new URL(
  import.meta.url.endsWith(".ts") ? "../dist/src/exit-with-parent.js" : "./exit-with-parent.js",
  import.meta.url,
).href;
const KEPT_LINES = 12;
const MAX_LOG_BYTES = 50 * 1024 ** 2;

/** One child process of the platform: its log on disk, its last words in memory. */
export class ManagedProcess {
  readonly spec: ProcessSpec;
  readonly startedAtMs: number;
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];
  #logBytes = 0;

  constructor(spec: ProcessSpec, nowMs: number) {
    this.spec = spec;
    this.startedAtMs = nowMs;
    this.#child = spawn(
      process.execPath,
      [
        `--max-old-space-size=${spec.heapMiB}`,
        "--max-semi-space-size=1",
        "--enable-source-maps",
        "--import",
        EXIT_WITH_PARENT,
        spec.script,
        ...(spec.args ?? []),
      ],
      {
        env: { ...inheritedEnvironment(), MALLOC_ARENA_MAX: "2", ...spec.env },
        stdio: ["pipe", "pipe", "pipe"],
        // Own group: Ctrl-C reaches the supervisor alone, which then stops its children in order.
        detached: true,
      },
    );
    const log = createWriteStream(spec.logFile, { flags: "a" });
    this.#capture(this.#child.stdout, log);
    this.#capture(this.#child.stderr, log);
    this.exited = new Promise((resolve) => {
      let settled = false;
      const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
        if (settled) return;
        settled = true;
        log.end();
        resolve({ name: spec.name, code, signal, lastLines: [...this.#lastLines] });
      };
      this.#child.once("error", (error) => {
        this.#remember(error.message);
        finish(null, null);
      });
      this.#child.once("close", finish);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(signal);
  }

  /** Ends the process at once, and all that it has started and that stayed in its group. */
  kill(): void {
    if (!this.isRunning || this.pid === undefined) return;
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  #capture(stream: NodeJS.ReadableStream | null, log: WriteStream): void {
    let partial = "";
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => {
      this.#logBytes += text.length;
      if (this.#logBytes <= MAX_LOG_BYTES) log.write(text);
      const lines = (partial + text).split("\n");
      partial = (lines.pop() ?? "").slice(-4096);
      for (const line of lines) this.#remember(line);
    });
  }

  #remember(line: string): void {
    if (line.trim() === "") return;
    this.#lastLines.push(line);
    if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift();
  }
}

/** What every child needs from the surrounding shell, and nothing else. */
function inheritedEnvironment(): Record<string, string> {
  const kept = [
    "PATH",
    "HOME",
    "LANG",
    "TZ",
    "TMPDIR",
    "NODE_COMPILE_CACHE",
    "LOG_LEVEL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
  ];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
