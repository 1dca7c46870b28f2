import type { RpcValue } from "./format.js";
import type { RpcMethods } from "./method.js";
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

const MAX_JSON_DEPTH = 64;
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

function readRequest(
  value: unknown,
): RpcRequest | { readonly id: RpcRequest["id"]; readonly problem: string } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { id: null, problem: "a request must be an object" };
  }
  const object = value as Readonly<Record<string, unknown>>;
  const rawId = object["id"];
  const id = typeof rawId === "string" || typeof rawId === "number" ? rawId : null;
  if (object["jsonrpc"] !== "2.0") return { id, problem: 'jsonrpc must be "2.0"' };
  if (typeof object["method"] !== "string") return { id, problem: "method must be a string" };
  const parameters = object["params"] ?? [];
  if (!Array.isArray(parameters)) return { id, problem: "params must be a list" };
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
    if (!Array.isArray(document)) return await this.#one(document, own);
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
    const answers: string[] = [];
    let size = 0;
    const pending = requests.map((request) => this.#one(request, own));
    for (const [index, promise] of pending.entries()) {
      const answer = await promise;
      if (answer === undefined) continue;
      size += answer.length + 1;
      if (size > this.limits.maxResponseBytes) {
        const request = readRequest(requests[index]);
        answers.push(failure(request.id, { code: RPC.limitExceeded, message: "response too large" }));
      } else answers.push(answer);
    }
    return answers.length === 0 ? undefined : `[${answers.join(",")}]`;
  }

  async #one(value: unknown, own: ConnectionMethods): Promise<string | undefined> {
    const request = readRequest(value);
    if ("problem" in request)
      return failure(request.id, {
        code: RPC.invalidRequest,
        message: `invalid request: ${request.problem}`,
      });
    const startedAt = this.now();
    const method = Object.hasOwn(own, request.method)
      ? own[request.method]
      : Object.hasOwn(this.methods, request.method)
        ? this.methods[request.method]
        : undefined;
    if (method === undefined) {
      this.observer.called(UNKNOWN_METHOD, 0, RPC.methodNotFound);
      return failure(request.id, {
        code: RPC.methodNotFound,
        message: `the method ${request.method.slice(0, 64)} does not exist/is not available`,
      });
    }
    let answer: string;
    let code: number | undefined;
    try {
      const result: RpcValue = (await method(request.parameters)) ?? null;
      answer = `{"jsonrpc":"2.0","id":${JSON.stringify(request.id)},"result":${JSON.stringify(result)}}`;
      if (answer.length > this.limits.maxResponseBytes) {
        code = RPC.limitExceeded;
        answer = failure(request.id, { code, message: "response too large" });
      }
    } catch (error) {
      const mapped = toRpcError(error, (cause) => this.observer.internalError(request.method, cause));
      code = mapped.code;
      answer = failure(request.id, mapped);
    }
    this.observer.called(request.method, this.now() - startedAt, code);
    return request.isNotification ? undefined : answer;
  }
}
