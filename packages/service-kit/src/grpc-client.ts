import type { Clock } from "@aios/kernel/clock";
import type { CodedError } from "@aios/kernel/coded-error";
import type { Rng } from "@aios/kernel/random";
import { durationMs } from "@aios/kernel/units";
import {
  type CallOptions,
  type ChannelCredentials,
  Client,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { SpanKind } from "@opentelemetry/api";
import { currentOnBehalfOf } from "./caller-context.js";
import { CircuitBreaker, type CircuitBreakerOptions, DEFAULT_CIRCUIT } from "./circuit-breaker.js";
import { fromGrpcFailure, isPeersAnswer, wasNeverMade } from "./error-mapping.js";
import {
  type AnyMethod,
  type GrpcServiceDefinition,
  methodNameOf,
  type RequestOf,
  type ResponseOf,
  serviceNameOf,
} from "./grpc-methods.js";
import { cancelled, noteOutcome } from "./grpc-outcome.js";
import { GrpcStreamCaller } from "./grpc-stream-caller.js";
import { monotonicMs, systemClock } from "./system-clock.js";
import { systemRng } from "./system-rng.js";
import { currentTraceHeaders, inSpan } from "./tracing.js";

export interface CallSettings {
  /** Longest time for the whole call, retries included. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /**
   * The call may be made again when the peer did not answer, or answered that it cannot just now: never earlier than
   * it asked for, and not at all where that is after the deadline. Reads are idempotent by their name. A call that the
   * peer refused before it looked at it was not made, and is made again in any case.
   */
  readonly idempotent?: boolean;
}

type ClientMethod<M extends AnyMethod> = M["requestStream"] extends true
  ? M["responseStream"] extends true
    ? (requests: AsyncIterable<RequestOf<M>>, settings?: CallSettings) => AsyncIterableIterator<ResponseOf<M>>
    : (requests: AsyncIterable<RequestOf<M>>, settings?: CallSettings) => Promise<ResponseOf<M>>
  : M["responseStream"] extends true
    ? (request: RequestOf<M>, settings?: CallSettings) => AsyncIterableIterator<ResponseOf<M>>
    : (request: RequestOf<M>, settings?: CallSettings) => Promise<ResponseOf<M>>;

/** Unary methods answer promises; streamed answers are async iterables, streamed requests take one. */
export type GrpcClient<D extends GrpcServiceDefinition> = {
  readonly [Name in keyof D]: ClientMethod<D[Name]>;
} & Disposable;

/** Gives the bearer token of each call. */
export interface CallCredentials {
  issue(audience: string, subject: ReturnType<typeof currentOnBehalfOf>): Promise<string>;
}

export interface GrpcClientOptions {
  /** The service's own identity; without one, calls are anonymous. */
  readonly identity?: CallCredentials;
  /** Name of the service that is called, for the token's audience: `storage`. */
  readonly audience: string;
  readonly deadlineMs?: number;
  readonly maxMessageBytes?: number;
  /** How the peer is known on the wire; without them the connection is plain. */
  readonly channelCredentials?: ChannelCredentials;
  readonly circuit?: CircuitBreakerOptions;
  /** Waits between the tries of a call; the machine's clock unless given. */
  readonly clock?: Pick<Clock, "wait">;
  /** Spreads the tries of many callers; the system's generator unless given. */
  readonly rng?: Rng;
}

const DEFAULT_DEADLINE_MS = 10_000;
const MAX_ATTEMPTS = 4;
const FIRST_RETRY_DELAY_MS = 50;
const IDEMPOTENT_NAME = /^(Get|List|Stat|Check|Find|Describe|Explain|Quote|Verify|Watch)/;

/** Channel options that both sides share: keepalive finds dead peers, reconnects come quickly. */
export function channelOptions(maxMessageBytes: number): Record<string, number> {
  return {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.enable_retries": 0,
  };
}

/**
 * A typed client of one gRPC service. Every call has a deadline, carries token, account, tenant and trace, and fails
 * with the peer's own `CodedError`. Idempotent calls are tried again while the peer is unreachable; a peer that stays
 * unreachable is answered for by the circuit breaker (`peer-unavailable`, `retryAfterMs`).
 */
export function createGrpcClient<D extends GrpcServiceDefinition>(
  definition: D,
  url: string,
  options: GrpcClientOptions,
): GrpcClient<D> {
  const channel = new Client(
    url,
    options.channelCredentials ?? credentials.createInsecure(),
    channelOptions(options.maxMessageBytes ?? 8 * 1024 ** 2),
  );
  const caller = new GrpcCaller(channel, serviceNameOf(definition), options);
  const methods = Object.entries(definition).map(([name, method]) => [name, caller.method(method)] as const);
  return {
    ...Object.fromEntries(methods),
    [Symbol.dispose]: () => channel.close(),
  } as unknown as GrpcClient<D>;
}

class GrpcCaller {
  readonly #channel: Client;
  readonly #service: string;
  readonly #options: GrpcClientOptions;
  readonly #circuit: CircuitBreaker;
  readonly #streams: GrpcStreamCaller;
  readonly #clock: Pick<Clock, "wait">;
  readonly #rng: Rng;

  constructor(channel: Client, service: string, options: GrpcClientOptions) {
    this.#channel = channel;
    this.#service = service;
    this.#options = options;
    this.#circuit = new CircuitBreaker(options.audience, options.circuit ?? DEFAULT_CIRCUIT, () =>
      monotonicMs(),
    );
    this.#streams = new GrpcStreamCaller(channel, options.audience, this.#circuit);
    this.#clock = options.clock ?? systemClock;
    this.#rng = options.rng ?? systemRng;
  }

  method(method: AnyMethod): unknown {
    const attributes = {
      "rpc.system": "grpc",
      "rpc.service": this.#service,
      "rpc.method": methodNameOf(method),
    };
    const span = { name: method.path.slice(1), kind: SpanKind.CLIENT, attributes };
    const prepare = (settings: CallSettings): Promise<{ metadata: Metadata; callOptions: CallOptions }> =>
      this.#prepare(settings.deadlineMs ?? this.#options.deadlineMs ?? DEFAULT_DEADLINE_MS);
    if (method.requestStream && method.responseStream) {
      return (requests: AsyncIterable<unknown>, settings: CallSettings = {}) =>
        this.#streams.bidirectional(
          method,
          requests,
          settings.signal,
          () => this.#prepare(settings.deadlineMs),
          span,
        );
    }
    if (method.requestStream) {
      return (requests: AsyncIterable<unknown>, settings: CallSettings = {}) =>
        inSpan(span.name, span, () =>
          this.#streams.clientStream(method, requests, settings.signal, () => prepare(settings)),
        );
    }
    if (method.responseStream) {
      return (request: unknown, settings: CallSettings = {}) =>
        this.#streams.serverStream(
          method,
          request,
          settings.signal,
          () => this.#prepare(settings.deadlineMs),
          span,
        );
    }
    return (request: unknown, settings: CallSettings = {}) =>
      inSpan(span.name, span, () => this.#unary(method, request, settings));
  }

  /** Metadata of one try. Streams without an explicit deadline live until one side ends them. */
  async #prepare(deadlineMs: number | undefined): Promise<{ metadata: Metadata; callOptions: CallOptions }> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(currentTraceHeaders())) metadata.set(name, value);
    if (this.#options.identity !== undefined) {
      const token = await this.#options.identity.issue(this.#options.audience, currentOnBehalfOf());
      metadata.set("authorization", `Bearer ${token}`);
    }
    return {
      metadata,
      callOptions: deadlineMs === undefined ? {} : { deadline: systemClock.now() + deadlineMs },
    };
  }

  async #unary(method: AnyMethod, request: unknown, settings: CallSettings): Promise<unknown> {
    const idempotent = settings.idempotent ?? IDEMPOTENT_NAME.test(methodNameOf(method));
    const deadlineMs = settings.deadlineMs ?? this.#options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    const endsAtMs = monotonicMs() + deadlineMs;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#tryUnary(method, request, settings.signal, endsAtMs - monotonicMs());
      } catch (error) {
        const failure = fromGrpcFailure(error, this.#options.audience);
        const delayMs = askedToWaitMs(failure) + backoffMs(attempt, this.#rng);
        const harmless = idempotent || wasNeverMade(failure);
        const mayRetry = harmless && failure.kind === "unavailable" && attempt < MAX_ATTEMPTS;
        if (!mayRetry || monotonicMs() + delayMs >= endsAtMs) throw failure;
        await this.#clock.wait(durationMs(Math.ceil(delayMs)), settings.signal);
      }
    }
  }

  async #tryUnary(
    method: AnyMethod,
    request: unknown,
    signal: AbortSignal | undefined,
    deadlineMs: number,
  ): Promise<unknown> {
    const { metadata, callOptions } = await this.#prepare(deadlineMs);
    if (signal?.aborted === true) throw cancelled(this.#options.audience, signal);
    this.#circuit.enter();
    return new Promise((resolve, reject) => {
      const call = this.#channel.makeUnaryRequest(
        method.path,
        method.requestSerialize as (value: unknown) => Buffer,
        method.responseDeserialize,
        request,
        metadata,
        callOptions,
        (error: ServiceError | null, response: unknown) => {
          signal?.removeEventListener("abort", onAbort);
          if (error === null) {
            this.#circuit.succeeded();
            return resolve(response);
          }
          const failure = fromGrpcFailure(error, this.#options.audience);
          noteOutcome(this.#circuit, failure, deadlineMs);
          reject(signal?.aborted === true ? cancelled(this.#options.audience, signal) : failure);
        },
      );
      const onAbort = (): void => call.cancel();
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

/** What the peer asked for. Where nobody answered, the time in the error is for our own callers. */
function askedToWaitMs(failure: CodedError): number {
  return isPeersAnswer(failure) ? Math.max(0, failure.retryAfterMs ?? 0) : 0;
}

/** Doubles with each try, from half to one and a half times of that, so that many callers do not come back together. */
function backoffMs(attempt: number, rng: Rng): number {
  const bytes = rng.bytes(4);
  const share = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
  return FIRST_RETRY_DELAY_MS * 2 ** (attempt - 1) * (0.5 + share);
}
