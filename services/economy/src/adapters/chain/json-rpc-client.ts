import { chainUnavailable } from "../../domain/errors.js";

/** The node answered, and the answer is an error. */
export class JsonRpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data: unknown,
  ) {
    super(message);
    this.name = "JsonRpcError";
  }
}

export interface JsonRpcCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

const RETRY_AFTER_MS = 1_000;
/** Nodes take no more than about a thousand at once. */
const LARGEST_BATCH = 500;

/** JSON-RPC 2.0 over HTTP with batches. No retries: callers know whether asking again is safe. */
export class JsonRpcClient {
  #nextId = 1;

  constructor(
    readonly url: string,
    private readonly timeoutMs: number,
  ) {}

  async request(method: string, params: readonly unknown[] = []): Promise<unknown> {
    const id = this.#nextId++;
    return unwrap((await this.#post({ jsonrpc: "2.0", id, method, params })) as Answer);
  }

  /** Answers in the order of the calls, however many; throws the first error. */
  async batch(calls: readonly JsonRpcCall[]): Promise<readonly unknown[]> {
    const answers: unknown[] = [];
    for (let at = 0; at < calls.length; at += LARGEST_BATCH)
      answers.push(...(await this.#batchOnce(calls.slice(at, at + LARGEST_BATCH))));
    return answers;
  }

  async #batchOnce(calls: readonly JsonRpcCall[]): Promise<readonly unknown[]> {
    const first = this.#nextId;
    this.#nextId += calls.length;
    const body = calls.map((call, index) => ({ jsonrpc: "2.0", id: first + index, ...call }));
    const answers = await this.#post(body);
    if (!Array.isArray(answers))
      throw chainUnavailable(RETRY_AFTER_MS, new Error("a batch was answered by one value"));
    const byId = new Map((answers as Answer[]).map((answer) => [answer.id, answer]));
    return calls.map((_, index) => {
      const answer = byId.get(first + index);
      if (answer === undefined)
        throw chainUnavailable(RETRY_AFTER_MS, new Error("a call of a batch got no answer"));
      return unwrap(answer);
    });
  }

  async #post(body: unknown): Promise<unknown> {
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(this.timeoutMs),
      });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return await response.json();
    } catch (error) {
      throw chainUnavailable(RETRY_AFTER_MS, error);
    }
  }
}

function unwrap(answer: Answer): unknown {
  if (answer.error !== undefined)
    throw new JsonRpcError(answer.error.code, answer.error.message, answer.error.data);
  return answer.result;
}
