import { spawn } from "node:child_process";
import { CodedError } from "@aios/kernel/coded-error";

/** What the program says on a stream is a few lines, or a line a circuit. */
const MAX_OUTPUT_BYTES = 64 * 1024;
/** Beside these a failing program says why on its last lines. */
const MAX_REASON_CHARACTERS = 500;
/** What C++ programs say whose allocation failed. */
const OUT_OF_MEMORY = /bad_alloc|out of memory|cannot allocate memory/i;

export interface BbRun {
  /** The `bb` program. */
  readonly program: string;
  readonly args: readonly string[];
  /** Holds `bn254_g1.dat`; absent where no point is needed. */
  readonly referenceStringDirectory?: string;
  readonly threads: number;
  /** What it reads from its standard input; never written to a disk. */
  readonly input?: Uint8Array;
  /** Ends the program whatever it is doing. */
  readonly signal?: AbortSignal | undefined;
}

export function proverEnded(reason: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "prover-ended",
    kind: "unavailable",
    message: "The UltraHonk prover ended before it had answered.",
    details: { reason: reason.slice(-MAX_REASON_CHARACTERS) },
    cause,
  });
}

/** The machine had no memory for it. */
export function proverOutOfMemory(reason: string): CodedError {
  return new CodedError({
    code: "prover-out-of-memory",
    kind: "unavailable",
    message: "The UltraHonk prover has not enough memory for this circuit.",
    details: { reason: reason.slice(-MAX_REASON_CHARACTERS) },
  });
}

/**
 * Runs `bb` once, with nothing of ours in its environment but where the reference string lies, and answers what it wrote
 * to its standard output. Throws `prover-out-of-memory` where it has none left or the system ended it for that,
 * `prover-ended` where it fails otherwise or cannot be started, the signal's reason where that ends it.
 */
export async function runBb({ program, args, threads, input, signal, ...run }: BbRun): Promise<string> {
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      CRS_PATH: run.referenceStringDirectory ?? "/nonexistent",
      HARDWARE_CONCURRENCY: String(threads),
      HOME: "/nonexistent",
    },
    ...(signal === undefined ? {} : { signal, killSignal: "SIGKILL" as const }),
  });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  // A program that ends early closes its input; how it ended says why.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const { code, killedBy } = await new Promise<{ code: number | null; killedBy: string | null }>(
    (resolve, reject) => {
      child.once("error", (cause) =>
        reject(signal?.aborted ? signal.reason : proverEnded(cause.message, cause)),
      );
      child.once("close", (exitCode, by) => resolve({ code: exitCode, killedBy: by }));
    },
  );
  signal?.throwIfAborted();
  if (code !== 0) throw failureOf(code, killedBy, stderr.text());
  return stdout.text();
}

/** SIGKILL is ours only where the signal was aborted: otherwise the system's, when memory runs out. */
function failureOf(code: number | null, killedBy: string | null, said: string): CodedError {
  const reason = said || `it ended by ${killedBy ?? `exit code ${code}`}`;
  return killedBy === "SIGKILL" || OUT_OF_MEMORY.test(said) ? proverOutOfMemory(reason) : proverEnded(reason);
}

/** Keeps the beginning; the rest is read and dropped, so that the program is never held up. */
function collect(stream: NodeJS.ReadableStream): { text(): string } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    if (bytes < MAX_OUTPUT_BYTES) chunks.push(chunk.subarray(0, MAX_OUTPUT_BYTES - bytes));
    bytes += chunk.length;
  });
  return { text: () => Buffer.concat(chunks).toString("utf8").trim() };
}
