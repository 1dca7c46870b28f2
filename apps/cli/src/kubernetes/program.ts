import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CodedError } from "@aios/kernel/coded-error";

/** A program that an operator uses, such as kubectl. */
export interface Program {
  /** Runs it to its end; answers what it wrote. Throws `<name>-missing`, `<name>-failed`, or what it said itself. */
  run(args: readonly string[], input?: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string>;
  /** What it writes, as it comes. Throws as `run` does, before the end is told. */
  output(args: readonly string[]): AsyncGenerator<Buffer>;
  /** Leaves it running; answers the first line that it writes. Ends it, and throws `<name>-failed`, where none comes in time. */
  untilLine(args: readonly string[]): Promise<{ readonly line: string; stop(): Promise<void> }>;
}

const LINE_WITHIN_MS = 30_000;
const LARGEST_ANSWER_BYTES = 256 * 1024 ** 2;
const KEPT_COMPLAINT = 16_384;
/** What a program of this platform says inside of a pod: a stable code, and a sentence. */
const CODED = /^([a-z]+(?:-[a-z]+)+): (.+)$/;

/** One that is found by PATH. `signal` ends what runs. */
export class InstalledProgram implements Program {
  readonly #name: string;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #signal: AbortSignal;

  constructor(name: string, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal) {
    this.#name = name;
    this.#env = env;
    this.#signal = signal;
  }

  async run(args: readonly string[], input: AsyncIterable<Buffer> | Iterable<Buffer> = []): Promise<string> {
    const { child, ended } = this.#start(args);
    // It may end before it has read everything; why is what it says, not that its input is closed.
    const fed = pipeline(input, child.stdin).catch((error: unknown) => error);
    const answer = collected(this.#name, child.stdout);
    answer.catch(() => undefined);
    try {
      await ended;
    } catch (error) {
      child.stdin.destroy();
      const failure = await fed;
      throw isOwn(failure) ? failure : error;
    }
    const failure = await fed;
    if (isOwn(failure)) throw failure;
    return answer;
  }

  async *output(args: readonly string[]): AsyncGenerator<Buffer> {
    const { child, ended } = this.#start(args);
    child.stdin.end();
    try {
      yield* child.stdout as AsyncIterable<Buffer>;
      await ended;
    } finally {
      child.kill();
    }
  }

  async untilLine(args: readonly string[]): Promise<{ readonly line: string; stop(): Promise<void> }> {
    const { child, ended } = this.#start(args);
    const stop = async (): Promise<void> => {
      child.kill();
      await ended.catch(() => undefined);
    };
    const first = once(child.stdout, "data").then(([piece]) => String(piece).split("\n", 1)[0] ?? "");
    first.catch(() => undefined);
    // Then it ends as one that failed.
    const timer = setTimeout(() => child.kill(), LINE_WITHIN_MS);
    try {
      return { line: await Promise.race([first, ended.then(() => "")]), stop };
    } finally {
      clearTimeout(timer);
    }
  }

  #start(args: readonly string[]): { readonly child: Child; readonly ended: Promise<void> } {
    this.#signal.throwIfAborted();
    // A Ctrl-C is for this program, which ends the others in its own order.
    const child = spawn(this.#name, args, {
      env: { ...this.#env },
      signal: this.#signal,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => undefined);
    const ended = this.#endOf(args, child);
    ended.catch(() => undefined);
    return { child, ended };
  }

  async #endOf(args: readonly string[], child: Child): Promise<void> {
    let complaint = "";
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      complaint = (complaint + text).slice(-KEPT_COMPLAINT);
    });
    const [code] = await (once(child, "close") as Promise<[number | null]>).catch(
      (error: NodeJS.ErrnoException) => {
        this.#signal.throwIfAborted();
        throw error.code === "ENOENT" ? missing(this.#name) : error;
      },
    );
    this.#signal.throwIfAborted();
    if (code !== 0) throw failure(this.#name, args, complaint);
  }
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

async function collected(name: string, stream: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > LARGEST_ANSWER_BYTES) throw unexpectedAnswer(name, "it is too large");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** What a program wrote, as JSON. Throws `<name>-answer-unexpected`. */
export function jsonAnswer(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unexpectedAnswer(name, `it is not JSON but '${text.slice(0, 100).trim()}'`);
  }
}

export const unexpectedAnswer = (name: string, why: string): CodedError =>
  new CodedError({
    code: `${name}-answer-unexpected`,
    kind: "unavailable",
    message: `${name} answered something else than was asked for: ${why}.`,
  });

/** An error of what was to be written, and none of the pipe that it was written to. */
function isOwn(error: unknown): boolean {
  if (error === undefined) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code !== "EPIPE" && code !== "ERR_STREAM_PREMATURE_CLOSE" && code !== "ERR_STREAM_DESTROYED";
}

function failure(name: string, args: readonly string[], complaint: string): CodedError {
  const lines = complaint.trim().split("\n");
  const coded = lines.map((line) => CODED.exec(line)).findLast((match) => match !== null);
  if (coded !== undefined && coded !== null)
    return new CodedError({ code: coded[1] as string, kind: "internal", message: coded[2] as string });
  const what = args.filter((word) => !word.startsWith("-")).slice(0, 3);
  return new CodedError({
    code: `${name}-failed`,
    kind: "unavailable",
    message: `${name} ${what.join(" ")}: ${lines.slice(-3).join(" ") || "it ended without a reason."}`,
  });
}

const missing = (name: string): CodedError =>
  new CodedError({
    code: `${name}-missing`,
    kind: "invalid",
    message: `There is no ${name} on this machine. Install it, and give it the rights of whoever installed the release.`,
  });
