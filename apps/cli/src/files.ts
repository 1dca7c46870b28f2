import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";

/** A file's bytes; refused before it is read where it has more than `most`. */
export async function readBytes(path: string, most: number): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile())
    throw new CodedError({
      code: "file-unreadable",
      kind: "invalid",
      message: `The file ${path} cannot be read.`,
    });
  if (found.size > most) throw tooLarge(path, most);
  return new Uint8Array(await readFile(path));
}

/** Throws `file-exists`: before long work whose result could not be written. */
export async function assertAbsent(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) !== undefined) throw fileExists(path);
}

/** Writes a file and the folders above it. Files that exist are not overwritten: `file-exists`. */
export async function writeNew(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content, { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EEXIST" ? fileExists(path) : error;
  });
}

function fileExists(path: string): CodedError {
  return new CodedError({
    code: "file-exists",
    kind: "conflict",
    message: `${path} exists already and is not overwritten.`,
  });
}

/** For one answer with all of its redirects and its body; powers of tau have gigabytes. */
const FETCH_WITHIN_MS = 30 * 60_000;
/** No byte for so long: whoever answers has stopped. */
const IDLE_MS = 30_000;
const MOST_REDIRECTS = 5;

export interface FetchLimits {
  readonly mostBytes: number;
  readonly withinMs?: number;
  readonly idleMs?: number;
}

/**
 * An http(s) answer's body, in memory; ended where it is longer, takes longer, or stops. A redirect leads to https, or
 * where the address was http to http, and nowhere else. Throws `address-refused`, `address-unreachable`, `file-too-large`.
 */
export async function fetchBytes(
  address: string,
  { mostBytes, withinMs = FETCH_WITHIN_MS, idleMs = IDLE_MS }: FetchLimits,
): Promise<Uint8Array> {
  const patience = new Patience(withinMs, idleMs);
  try {
    const response = await answerAt(address, patience.signal);
    const length = Number(response.headers.get("content-length") ?? 0);
    if (length > mostBytes) throw tooLarge(address, mostBytes);
    return await bodyOf(response, address, mostBytes, patience);
  } catch (cause) {
    if (isCodedError(cause)) throw cause;
    const reason = patience.signal.aborted ? String((patience.signal.reason as Error).message) : undefined;
    throw unreachable(address, `cannot be fetched${reason === undefined ? "" : `: ${reason}`}`, cause);
  } finally {
    patience.end();
  }
}

async function answerAt(address: string, signal: AbortSignal): Promise<Response> {
  let url = fetchable(address, ["https:", "http:"]);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const response = await fetch(url, { redirect: "manual", signal });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) {
      if (response.ok) return response;
      await response.body?.cancel();
      throw unreachable(address, `answered ${response.status}`);
    }
    await response.body?.cancel();
    const schemes = url.protocol === "https:" ? ["https:"] : ["https:", "http:"];
    url = fetchable(URL.canParse(location, url.href) ? new URL(location, url.href).href : location, schemes);
  }
  throw unreachable(address, `was redirected more than ${MOST_REDIRECTS} times`);
}

async function bodyOf(
  response: Response,
  address: string,
  mostBytes: number,
  patience: Patience,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    patience.renew();
    received += chunk.length;
    if (received > mostBytes) throw tooLarge(address, mostBytes);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function fetchable(address: string, schemes: readonly string[]): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && schemes.includes(url.protocol)) return url;
  throw new CodedError({
    code: "address-refused",
    kind: "invalid",
    message: `${address} is not fetched: only ${schemes.map((scheme) => `${scheme}//`).join(" and ")} is.`,
  });
}

/** Ends what waits too long for a byte, or takes too long as a whole. */
class Patience {
  readonly #abort = new AbortController();
  readonly #whole: NodeJS.Timeout;
  readonly #idle: NodeJS.Timeout;

  constructor(withinMs: number, idleMs: number) {
    this.#whole = setTimeout(() => this.#give(`it took more than ${withinMs / 1_000} s`), withinMs);
    this.#idle = setTimeout(() => this.#give(`nothing came for ${idleMs / 1_000} s`), idleMs);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  renew(): void {
    this.#idle.refresh();
  }

  end(): void {
    clearTimeout(this.#whole);
    clearTimeout(this.#idle);
  }

  #give(message: string): void {
    this.#abort.abort(new Error(message));
  }
}

function unreachable(address: string, what: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "address-unreachable",
    kind: "unavailable",
    message: `${address} ${what}.`,
    cause,
  });
}

function tooLarge(what: string, most: number): CodedError {
  return new CodedError({
    code: "file-too-large",
    kind: "too-large",
    message: `${what} has more than ${most} bytes.`,
  });
}

export function hexText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
