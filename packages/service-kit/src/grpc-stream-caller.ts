import type {
  CallOptions,
  Client,
  ClientDuplexStream,
  ClientReadableStream,
  Metadata,
  ServiceError,
} from "@grpc/grpc-js";
import type { Attributes, SpanKind } from "@opentelemetry/api";
import type { CircuitBreaker } from "./circuit-breaker.js";
import { fromGrpcFailure } from "./error-mapping.js";
import type { AnyMethod } from "./grpc-methods.js";
import { cancelled, noteOutcome } from "./grpc-outcome.js";
import { recordFailure, startSpan, withSpanActive } from "./tracing.js";

type Prepare = () => Promise<{ metadata: Metadata; callOptions: CallOptions }>;

interface SpanFacts {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}

/** The three streaming shapes of a call, with back-pressure in both directions. */
export class GrpcStreamCaller {
  readonly #channel: Client;
  readonly #target: string;
  readonly #circuit: CircuitBreaker;

  constructor(channel: Client, target: string, circuit: CircuitBreaker) {
    this.#channel = channel;
    this.#target = target;
    this.#circuit = circuit;
  }

  async clientStream(
    method: AnyMethod,
    requests: AsyncIterable<unknown>,
    signal: AbortSignal | undefined,
    prepare: Prepare,
  ): Promise<unknown> {
    const { metadata, callOptions } = await prepare();
    this.#circuit.enter();
    return new Promise((resolve, reject) => {
      let ended = false;
      const call = this.#channel.makeClientStreamRequest(
        method.path,
        method.requestSerialize as (value: unknown) => Buffer,
        method.responseDeserialize,
        metadata,
        callOptions,
        (error: ServiceError | null, response: unknown) => {
          ended = true;
          signal?.removeEventListener("abort", onAbort);
          if (error === null) {
            this.#circuit.succeeded();
            resolve(response);
          } else {
            reject(this.#failure(error, signal));
          }
        },
      );
      const onAbort = (): void => call.cancel();
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
      pump(requests, call, () => ended).then(
        () => call.end(),
        (error: unknown) => {
          call.cancel();
          reject(error);
        },
      );
    });
  }

  serverStream(
    method: AnyMethod,
    request: unknown,
    signal: AbortSignal | undefined,
    prepare: Prepare,
    span: SpanFacts,
  ): AsyncIterableIterator<unknown> {
    return this.#iterate(signal, prepare, span, ({ metadata, callOptions }) =>
      this.#channel.makeServerStreamRequest(
        method.path,
        method.requestSerialize as (value: unknown) => Buffer,
        method.responseDeserialize,
        request,
        metadata,
        callOptions,
      ),
    );
  }

  bidirectional(
    method: AnyMethod,
    requests: AsyncIterable<unknown>,
    signal: AbortSignal | undefined,
    prepare: Prepare,
    span: SpanFacts,
  ): AsyncIterableIterator<unknown> {
    return this.#iterate(signal, prepare, span, ({ metadata, callOptions }) => {
      const call: ClientDuplexStream<unknown, unknown> = this.#channel.makeBidiStreamRequest(
        method.path,
        method.requestSerialize as (value: unknown) => Buffer,
        method.responseDeserialize,
        metadata,
        callOptions,
      );
      let ended = false;
      call.once("end", () => {
        ended = true;
      });
      call.once("error", () => {
        ended = true;
      });
      pump(requests, call, () => ended).then(
        () => call.end(),
        (error: unknown) => call.destroy(error instanceof Error ? error : new Error(String(error))),
      );
      return call;
    });
  }

  async *#iterate(
    signal: AbortSignal | undefined,
    prepare: Prepare,
    facts: SpanFacts,
    open: (prepared: { metadata: Metadata; callOptions: CallOptions }) => ClientReadableStream<unknown>,
  ): AsyncGenerator<unknown, void, undefined> {
    const span = startSpan(facts.name, facts);
    let call: ClientReadableStream<unknown> | undefined;
    let failed = (error: unknown): Error => fromGrpcFailure(error, this.#target);
    const onAbort = (): void => call?.cancel();
    try {
      const prepared = await withSpanActive(span, prepare);
      if (signal?.aborted === true) throw cancelled(this.#target, signal);
      this.#circuit.enter();
      // Only from here on a failure tells something about the peer.
      failed = (error) => this.#failure(error, signal);
      call = withSpanActive(span, () => open(prepared));
      signal?.addEventListener("abort", onAbort, { once: true });
      for await (const message of call) {
        this.#circuit.succeeded();
        yield message;
      }
      this.#circuit.succeeded();
    } catch (error) {
      const failure = failed(error);
      recordFailure(span, failure);
      throw failure;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      call?.on("error", () => undefined);
      call?.cancel();
      span.end();
    }
  }

  #failure(error: unknown, signal: AbortSignal | undefined): Error {
    const failure = fromGrpcFailure(error, this.#target);
    noteOutcome(this.#circuit, failure);
    return signal?.aborted === true ? cancelled(this.#target, signal) : failure;
  }
}

interface MessageSink {
  write(message: unknown): boolean;
  once(event: "drain" | "close" | "error", listener: () => void): unknown;
  off(event: "drain" | "close" | "error", listener: () => void): unknown;
}

/** Writes every message, pausing while the sink is full; stops reading when the call has ended. */
async function pump(
  messages: AsyncIterable<unknown>,
  sink: MessageSink,
  hasEnded: () => boolean,
): Promise<void> {
  for await (const message of messages) {
    if (hasEnded()) return;
    if (!sink.write(message)) await drained(sink, hasEnded);
  }
}

function drained(sink: MessageSink, hasEnded: () => boolean): Promise<void> {
  if (hasEnded()) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      for (const event of ["drain", "close", "error"] as const) sink.off(event, finish);
      resolve();
    };
    for (const event of ["drain", "close", "error"] as const) sink.once(event, finish);
  });
}
