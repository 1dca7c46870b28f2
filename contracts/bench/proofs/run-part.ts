import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { JobFacts, OrderAnswer, PartMessage, PartName } from "./part.js";

const PROCESS = fileURLToPath(new URL("part-process.js", import.meta.url));

export interface PartRun {
  readonly part: PartName;
  readonly model: number;
  readonly threads: number;
  readonly runs: number;
  /** Fewer runs are made where all take longer. */
  readonly forMs: number;
  readonly withPeer: boolean;
  readonly directory: string;
  /** It is ended after this, with what it told until then. */
  readonly limitMs: number;
  figure(id: string, value: number): void;
  order(facts: JobFacts): Promise<bigint>;
}

export interface PartResult {
  /** 0x. */
  readonly evidence: string | undefined;
  /** Why there is not everything, if so. */
  readonly reason: string | undefined;
  readonly hasFailed: boolean;
}

/** Measures one part of one model in a process of its own. */
export function runPart(run: PartRun): Promise<PartResult> {
  const { part, model, threads, runs, forMs, directory, withPeer, limitMs } = run;
  const args = [part, model, threads, runs, forMs, directory, withPeer].map(String);
  // A group of its own: what it starts ends with it.
  const child = fork(PROCESS, args, { detached: true, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const end = (): void => endGroup(child);
  process.once("exit", end);
  let evidence: string | undefined;
  let reason: string | undefined;
  child.on("message", (message: PartMessage) => {
    if (message.kind === "figure") run.figure(message.id, message.value);
    else if (message.kind === "evidence") evidence = message.evidence;
    else if (message.kind === "refused") reason = message.reason;
    else
      void run.order(message.facts).then(
        (context) => child.send({ context: String(context) } satisfies OrderAnswer),
        (error: unknown) => {
          reason = `the chain took no job for it: ${String(error)}`;
          end();
        },
      );
  });
  const timer = setTimeout(() => {
    reason = `not within ${limitMs / 1000} s`;
    end();
  }, limitMs);
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      process.off("exit", end);
      const isSilent = code !== 0 && reason === undefined;
      if (isSilent) reason = `it ended by ${signal ?? `exit code ${code}`}`;
      resolve({ evidence, reason, hasFailed: isSilent || (reason?.startsWith("the chain") ?? false) });
    });
  });
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
