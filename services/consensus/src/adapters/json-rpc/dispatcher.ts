import { setImmediate as immediate } from "node:timers/promises";
import type { RpcValue } from "./format.js";
import type { RpcMethod, RpcMethods } from "./method.js";
import { RPC, type RpcErrorObject, toRpcError } from "./rpc-error.js";

export interface RpcLimits {
  readonly maxBodyBytes: number;
  readonly maxBatch: number;
  readonly maxResponseBytes: number;
  readonly maxConnections: number;
  readonly maxSubscriptionsPerConnection: number;
  /** A WebSocket peer that does not read this much is disconnected. */
  readonly maxBufferedBytes: number;
}

/** What the server tells about each call, for metrics. */
export interface RpcObserver {
  called(method: string, durationMs: number, errorCode: number | undefined): void;
  internalError(method: string, error: unknown): void;
}

interface RpcRequest {
  readonly id: string | number | null;
  readonly method: string;
  readonly parameters: readonly unknown[];
  readonly isNotification: boolean;
}

interface Unreadable {
  readonly id: RpcRequest["id"];
  readonly problem: string;
  readonly code: number;
}

interface Numbered {
  readonly index: number;
  readonly request: RpcRequest;
}

interface NumberedAlone {
  readonly index: number;
  readonly request: RpcRequest | Unreadable;
}

interface Answer {
  readonly answer: string;
  readonly code: number | undefined;
}

const MAX_JSON_DEPTH = 64;
const BATCH_CONCURRENCY = 16;
/** After so long a batch lets others have the thread. */
const BATCH_TURN_MS = 20;
const UNKNOWN_METHOD = "unknown";

/** Methods that one connection adds to the common ones. */
export type ConnectionMethods = RpcMethods;

/** Depth of nesting, without parsing: refuses documents that would exhaust the stack. */
function tooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x5b || char === 0x7b) {
      if (++depth > MAX_JSON_DEPTH) return true;
    } else if (char === 0x5d || char === 0x7d) depth--;
  }
  return false;
}

function failure(id: RpcRequest["id"], error: RpcErrorObject): string {
  return JSON.stringify({ jsonrpc: "2.0", id, error });
}

function tooLarge(id: RpcRequest["id"]): string {
  return failure(id, { code: RPC.limitExceeded, message: "response too large" });
}

function notRun(request: RpcRequest | Unreadable): string | undefined {
  return "isNotification" in request && request.isNotification ? undefined : tooLarge(request.id);
}

function readRequest(value: unknown): RpcRequest | Unreadable {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { id: null, problem: "a request must be an object", code: RPC.invalidRequest };
  }
  const object = value as Readonly<Record<string, unknown>>;
  const rawId = object["id"];
  const id = typeof rawId === "string" || typeof rawId === "number" ? rawId : null;
  if (object["jsonrpc"] !== "2.0") return { id, problem: 'jsonrpc must be "2.0"', code: RPC.invalidRequest };
  if (typeof object["method"] !== "string")
    return { id, problem: "method must be a string", code: RPC.invalidRequest };
  const parameters = object["params"] ?? [];
  if (!Array.isArray(parameters)) return { id, problem: "params must be a list", code: RPC.invalidParams };
  return { id, method: object["method"], parameters, isNotification: rawId === undefined };
}

/** JSON-RPC 2.0 over text: parsing, batches, limits, errors. Never throws. */
export class RpcDispatcher {
  constructor(
    private readonly methods: RpcMethods,
    readonly limits: RpcLimits,
    private readonly observer: RpcObserver,
    private readonly now: () => number,
  ) {}

  /** The answer as text; `undefined` when there is nothing to answer (only notifications). */
  async handle(text: string, own: ConnectionMethods = {}): Promise<string | undefined> {
    let document: unknown;
    try {
      if (tooDeep(text))
        return failure(null, { code: RPC.invalidRequest, message: "the request is nested too deeply" });
      document = JSON.parse(text);
    } catch {
      return failure(null, { code: RPC.parseError, message: "parse error" });
    }
    if (!Array.isArray(document)) return await this.#one(readRequest(document), own);
    if (document.length === 0) return failure(null, { code: RPC.invalidRequest, message: "empty batch" });
    if (document.length > this.limits.maxBatch) {
      return failure(null, {
        code: RPC.limitExceeded,
        message: `batch too large: at most ${this.limits.maxBatch} requests`,
      });
    }
    return await this.#batch(document, own);
  }

  async #batch(requests: readonly unknown[], own: ConnectionMethods): Promise<string | undefined> {
    const answers = new Array<string | undefined>(requests.length);
    const together = new Map<RpcMethod, Numbered[]>();
    const alone: NumberedAlone[] = [];
    for (const [index, value] of requests.entries()) {
      const request = readRequest(value);
      const method = "problem" in request ? undefined : this.#methodOf(request, own);
      if (method?.many === undefined || "problem" in request) {
        alone.push({ index, request });
        continue;
      }
      const group = together.get(method);
      if (group === undefined) together.set(method, [{ index, request }]);
      else group.push({ index, request });
    }
    await Promise.all([
      ...[...together].map(([method, group]) => this.#many(method, group, answers)),
      this.#fewAtATime(alone, own, answers),
    ]);
    return this.#joined(requests, answers);
  }

  /**
   * Requests of a batch that are answered alone, a few at a time. Once the answers fill the response the others are not run,
   * and whoever else waits for this thread has a turn in between.
   */
  async #fewAtATime(
    requests: readonly NumberedAlone[],
    own: ConnectionMethods,
    answers: (string | undefined)[],
  ): Promise<void> {
    let [next, bytes, turnSince] = [0, 0, this.now()];
    const runner = async (): Promise<void> => {
      for (let at = next++; at < requests.length; at = next++) {
        const { index, request } = requests[at] as NumberedAlone;
        const isFull = bytes > this.limits.maxResponseBytes;
        const answer = isFull ? notRun(request) : await this.#one(request, own);
        bytes += answer?.length ?? 0;
        answers[index] = answer;
        if (this.now() - turnSince < BATCH_TURN_MS) continue;
        await immediate();
        turnSince = this.now();
      }
    };
    await Promise.all(Array.from({ length: BATCH_CONCURRENCY }, runner));
  }

  #joined(requests: readonly unknown[], answers: readonly (string | undefined)[]): string | undefined {
    const fitting: string[] = [];
    let size = 0;
    for (const [index, answer] of answers.entries()) {
      if (answer === undefined) continue;
      size += answer.length + 1;
      if (size > this.limits.maxResponseBytes) {
        fitting.push(tooLarge(readRequest(requests[index]).id));
      } else fitting.push(answer);
    }
    return fitting.length === 0 ? undefined : `[${fitting.join(",")}]`;
  }

  #methodOf({ method }: RpcRequest, own: ConnectionMethods): RpcMethod | undefined {
    if (Object.hasOwn(own, method)) return own[method];
    return Object.hasOwn(this.methods, method) ? this.methods[method] : undefined;
  }

  /** The requests of a batch for one method that answers them together. */
  async #many(method: RpcMethod, group: readonly Numbered[], answers: (string | undefined)[]): Promise<void> {
    const startedAt = this.now();
    let results: readonly (RpcValue | Error)[];
    try {
      results = (await method.many?.(group.map(({ request }) => request.parameters))) ?? [];
    } catch (error) {
      const failed = error instanceof Error ? error : new Error(String(error));
      results = group.map(() => failed);
    }
    const durationMs = this.now() - startedAt;
    for (const [at, { index, request }] of group.entries()) {
      const result = results[at] ?? null;
      const { answer, code } =
        result instanceof Error ? this.#refusal(request, result) : this.#success(request, result);
      this.observer.called(request.method, durationMs, code);
      if (!request.isNotification) answers[index] = answer;
    }
  }

  async #one(request: RpcRequest | Unreadable, own: ConnectionMethods): Promise<string | undefined> {
    if ("problem" in request)
      return failure(request.id, { code: request.code, message: `invalid request: ${request.problem}` });
    const startedAt = this.now();
    const method = this.#methodOf(request, own);
    if (method === undefined) {
      this.observer.called(UNKNOWN_METHOD, 0, RPC.methodNotFound);
      return failure(request.id, {
        code: RPC.methodNotFound,
        message: `the method ${request.method.slice(0, 64)} does not exist/is not available`,
      });
    }
    let given: Answer;
    try {
      given = this.#success(request, (await method(request.parameters)) ?? null);
    } catch (error) {
      given = this.#refusal(request, error);
    }
    this.observer.called(request.method, this.now() - startedAt, given.code);
    return request.isNotification ? undefined : given.answer;
  }

  #success({ id }: RpcRequest, result: RpcValue): Answer {
    const answer = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`;
    if (answer.length <= this.limits.maxResponseBytes) return { answer, code: undefined };
    return { answer: tooLarge(id), code: RPC.limitExceeded };
  }

  #refusal({ id, method }: RpcRequest, error: unknown): Answer {
    const mapped = toRpcError(error, (cause) => this.observer.internalError(method, cause));
    return { answer: failure(id, mapped), code: mapped.code };
  }
}
