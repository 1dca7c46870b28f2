import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "@aios/kernel/coded-error";

const LENGTH_BYTES = 4;
/** No answer to our questions is longer: keys and proofs are a few kilobytes. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const CONNECT_ATTEMPTS = 200;
const CONNECT_PAUSE_MS = 25;

export interface BbProcessOptions {
  /** The `bb` program. */
  readonly program: string;
  /** Holds `bn254_g1.dat`. */
  readonly referenceStringDirectory: string;
  readonly threads: number;
}

interface Pending {
  resolve(answer: Uint8Array): void;
  reject(error: Error): void;
}

export function proverEnded(cause?: unknown): CodedError {
  return new CodedError({
    code: "prover-ended",
    kind: "unavailable",
    message: "The prover's process ended before it had answered.",
    cause,
  });
}

/**
 * One running `bb`, asked over a socket in a directory that only this user can enter: witnesses never touch a disk. It
 * answers one question after the other. Whatever ends it fails what waits with `prover-ended`.
 */
export class BbProcess implements AsyncDisposable {
  readonly #waiting: Pending[] = [];
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #ended: CodedError | undefined;

  private constructor(
    private readonly child: ChildProcess,
    private readonly socket: Socket,
    private readonly directory: string,
  ) {
    child.once("exit", (code, signal) => this.#fail(proverEnded(new Error(`bb ended: ${signal ?? code}`))));
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.once("error", (error) => this.#fail(proverEnded(error)));
    socket.once("close", () => this.#fail(proverEnded()));
  }

  /** Throws `prover-unavailable` when it does not start within five seconds. */
  static async start(options: BbProcessOptions): Promise<BbProcess> {
    const directory = await mkdtemp(join(tmpdir(), "aios-bb-"));
    const path = join(directory, "bb.sock");
    const child = spawn(options.program, ["msgpack", "run", "--input", path], {
      stdio: "ignore",
      env: {
        CRS_PATH: options.referenceStringDirectory,
        HARDWARE_CONCURRENCY: String(options.threads),
        HOME: directory,
      },
    });
    try {
      return new BbProcess(child, await connected(path, child), directory);
    } catch (cause) {
      child.kill("SIGKILL");
      await rm(directory, { recursive: true, force: true });
      throw new CodedError({
        code: "prover-unavailable",
        kind: "unavailable",
        message: "The UltraHonk prover did not start.",
        cause,
      });
    }
  }

  get isAlive(): boolean {
    return this.#ended === undefined;
  }

  /** One question and its answer, both MessagePack. */
  call(question: Uint8Array): Promise<Uint8Array> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(question.length);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.socket.write(length);
      this.socket.write(question);
    });
  }

  /** Ends the program whatever it is doing. */
  async destroy(): Promise<void> {
    this.#fail(proverEnded());
    await rm(this.directory, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    while (this.#receivedBytes >= LENGTH_BYTES) {
      const bytes =
        this.#received.length === 1 ? (this.#received[0] as Buffer) : Buffer.concat(this.#received);
      this.#received = [bytes];
      const length = bytes.readUInt32LE();
      if (length > MAX_ANSWER_BYTES) {
        this.#fail(proverEnded(new Error(`bb announced an answer of ${length} bytes`)));
        return;
      }
      if (bytes.length < LENGTH_BYTES + length) return;
      this.#received = [bytes.subarray(LENGTH_BYTES + length)];
      this.#receivedBytes -= LENGTH_BYTES + length;
      this.#waiting.shift()?.resolve(new Uint8Array(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
    }
  }

  #fail(error: CodedError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.child.kill("SIGKILL");
    this.socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** The program makes its socket some milliseconds after it started. */
async function connected(path: string, child: ChildProcess): Promise<Socket> {
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`bb ended: ${signal ?? code}`)));
  });
  failed.catch(() => undefined);
  for (let attempt = 1; ; attempt++) {
    try {
      return await Promise.race([connectedOnce(path), failed]);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (attempt === CONNECT_ATTEMPTS || (code !== "ENOENT" && code !== "ECONNREFUSED")) throw error;
      await Promise.race([delay(CONNECT_PAUSE_MS), failed]);
    }
  }
}

function connectedOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.removeListener("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}
