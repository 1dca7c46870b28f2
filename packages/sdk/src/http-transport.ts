import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { machineClock } from "./machine-clock.js";
import { problemToError, retryAfterMs } from "./problem.js";

export type FetchFunction = (input: string, init?: RequestInit) => Promise<Response>;

export interface HttpTransportOptions {
  readonly baseUrl: string;
  readonly fetch?: FetchFunction;
  /** Longest wait for one answer; streams have no such limit. Default 30 s. */
  readonly timeoutMs?: number;
  /** How often a call that is safe to repeat is repeated while the platform says "unavailable". Default 4. */
  readonly retries?: number;
}

export interface HttpCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly accessToken?: string | undefined;
  /** Makes a mutating call safe to repeat. */
  readonly idempotencyKey?: string | undefined;
  /** Does no harm twice, although it is no GET and has no key. */
  readonly repeatable?: true;
  readonly signal?: AbortSignal | undefined;
}

const LONGEST_RETRY_WAIT_MS = 5_000;

/** HTTP to one gateway: time limits, bounded retries of what is safe to repeat, problem details to `CodedError`. */
export class HttpTransport {
  readonly baseUrl: string;
  readonly #fetch: FetchFunction;
  readonly #timeoutMs: number;
  readonly #retries: number;

  constructor(options: HttpTransportOptions) {
    this.baseUrl = options.baseUrl.replace(/\/+$/, "");
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#retries = options.retries ?? 4;
  }

  /** One call whose answer is JSON. Throws `CodedError`. */
  async json<T>(call: HttpCall): Promise<T> {
    const response = await this.#withRetries(call, this.#timeoutMs);
    if (response.status === 204) return undefined as T;
    return (await this.#body(() => response.json())) as T;
  }

  /** One call whose answer is bytes. Throws `CodedError`. */
  async bytes(call: HttpCall): Promise<Uint8Array> {
    const response = await this.#withRetries(call, Math.max(this.#timeoutMs, 120_000));
    return new Uint8Array(await this.#body(() => response.arrayBuffer()));
  }

  /** Opens an event stream; the caller reads and closes it. Throws `CodedError`. */
  async stream(call: HttpCall): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#once(call, undefined);
    if (response.body === null) throw unreachable(this.baseUrl, "the answer has no body");
    return response.body;
  }

  async #withRetries(call: HttpCall, timeoutMs: number): Promise<Response> {
    const repeatable = call.method === "GET" || call.idempotencyKey !== undefined || call.repeatable === true;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once(call, timeoutMs);
      } catch (error) {
        const again = repeatable && attempt < this.#retries && isCodedError(error) && isTransient(error);
        if (!again || call.signal?.aborted === true) throw error;
        const wait = Math.min(LONGEST_RETRY_WAIT_MS, Math.max(error.retryAfterMs ?? 0, 200 * 2 ** attempt));
        await pause(wait, call.signal);
      }
    }
  }

  async #once(call: HttpCall, timeoutMs: number | undefined): Promise<Response> {
    const headers: Record<string, string> = { accept: "application/json", ...call.headers };
    if (call.json !== undefined) headers["content-type"] = "application/json";
    if (call.bytes !== undefined) headers["content-type"] ??= "application/octet-stream";
    if (call.accessToken !== undefined) headers.authorization = `Bearer ${call.accessToken}`;
    if (call.idempotencyKey !== undefined) headers["idempotency-key"] = call.idempotencyKey;
    const limits = [call.signal, timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)];
    const signal = AbortSignal.any(limits.filter((limit) => limit !== undefined));
    const body = call.json !== undefined ? JSON.stringify(call.json) : call.bytes?.slice();
    let response: Response;
    try {
      response = await this.#fetch(`${this.baseUrl}${call.path}`, {
        method: call.method,
        headers,
        signal,
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      if (call.signal?.aborted === true) throw call.signal.reason;
      throw unreachable(this.baseUrl, error instanceof Error ? error.message : String(error), error);
    }
    if (response.ok) return response;
    const wait = retryAfterMs(response.headers.get("retry-after"), machineClock.now());
    throw problemToError(response.status, await response.json().catch(() => undefined), wait);
  }

  async #body<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw unreachable(this.baseUrl, "the answer broke off", error);
    }
  }
}

/** Whether the same call may well succeed a little later. */
function isTransient(error: CodedError): boolean {
  return error.kind === "unavailable" || error.kind === "rate-limited" || error.code === "request-in-flight";
}

function unreachable(baseUrl: string, reason: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "gateway-unreachable",
    kind: "unavailable",
    message: `The gateway at ${baseUrl} did not answer (${reason}). Check that the platform runs: npm start, or aios doctor.`,
    details: { baseUrl },
    cause,
  });
}

/** Resolves after the time, or rejects with the signal's reason. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
