import { CodedError } from "@aios/kernel/coded-error";
import {
  Server as GrpcServer,
  type Metadata,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { GrpcMethodStreamingType, ServerGrpc } from "@nestjs/microservices";
import { SpanKind } from "@opentelemetry/api";
import { isObservable, lastValueFrom } from "rxjs";
import { type Caller, runAsCaller } from "./caller-context.js";
import type { HostPort } from "./config.js";
import { logLevelOf, toGrpcFailure } from "./error-mapping.js";
import { channelOptions } from "./grpc-client.js";
import { type GrpcServiceDefinition, methodNameOf, serviceNameOf } from "./grpc-methods.js";
import { isAsyncIterable, writeAll } from "./grpc-stream-handler.js";
import type { Logger } from "./logger.js";
import { defineMetrics } from "./metrics.js";
import type { TokenVerifier } from "./service-token.js";
import { monotonicMs } from "./system-clock.js";
import { certifies } from "./tls-files.js";
import type { TlsIdentity } from "./tls-identity.js";
import { recordFailure, startSpan, type TraceHeaders, withSpanActive } from "./tracing.js";

const metrics = defineMetrics("grpc", {
  serverDuration: { kind: "histogram", description: "time to serve a gRPC call", unit: "ms" },
  serverCallsRunning: { kind: "up-down-counter", description: "gRPC calls being served" },
});

const STREAM_GRACE_MS = 500;
export interface GrpcTransportOptions {
  readonly listen: HostPort;
  /** With it, callers must show a certificate, and a service's token counts only beside the certificate of its name. */
  readonly tls?: TlsIdentity;
  /** A second address, for callers without a certificate: no service's token counts there. Needs `tls`. */
  readonly openListen?: HostPort;
  readonly services: readonly GrpcServiceDefinition[];
  readonly verifier: TokenVerifier;
  readonly maxMessageBytes: number;
  /**
   * A connection is replaced after this time, calls in it finishing: it shows the certificates that it began with, and
   * stays with the replica that it began at.
   */
  readonly connectionAgeMs: number;
  readonly logger: Logger;
}

type AnyCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;
type Answer = sendUnaryData<unknown>;
type NestHandler = (...parameters: unknown[]) => Promise<unknown>;
type NestMethod = (call: AnyCall, callback?: Answer) => Promise<unknown>;
type StreamMethod = (call: AnyCall, callback: Answer | undefined, signal: AbortSignal) => Promise<unknown>;

interface MethodShape {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** Nest's gRPC server on generated codecs, with tokens, traces, metrics and the one error mapping around each call. */
export class GrpcTransport extends ServerGrpc {
  readonly #options: GrpcTransportOptions;
  #server: GrpcServer | undefined;
  #port: number | undefined;
  #openPort: number | undefined;
  readonly #streams = new Set<(error: unknown) => void>();

  constructor(options: GrpcTransportOptions) {
    const definitions = options.services.map(
      (service) => [serviceNameOf(service), byWireName(service)] as const,
    );
    super({
      url: "",
      package: [...new Set(definitions.map(([name]) => name.slice(0, name.lastIndexOf("."))))],
      packageDefinition: Object.fromEntries(definitions),
      // Codecs are generated, nothing is parsed at run time; the option only keeps Nest from loading a parser.
      protoLoader: "@grpc/grpc-js",
    });
    this.#options = options;
  }

  /** The port in use once listening. */
  get port(): number {
    if (this.#port === undefined) throw new TypeError("the gRPC server is not listening");
    return this.#port;
  }

  /** The port for callers without a certificate, where there is one. */
  get openPort(): number | undefined {
    return this.#openPort;
  }

  override async createClient(): Promise<GrpcServer> {
    const server = new GrpcServer({
      ...channelOptions(this.#options.maxMessageBytes),
      "grpc.max_concurrent_streams": 1_000,
      "grpc.max_connection_age_ms": this.#options.connectionAgeMs,
    });
    const { listen, openListen, tls } = this.#options;
    const own = tls?.mutualServerCredentials() ?? ServerCredentials.createInsecure();
    this.#port = await bind(server, "AIOS_GRPC_LISTEN", listen, own);
    if (openListen !== undefined && tls !== undefined) {
      const open = tls.openServerCredentials();
      this.#openPort = await bind(server, "AIOS_GRPC_PROVIDER_LISTEN", openListen, open);
    }
    this.#server = server;
    return server;
  }

  /**
   * A streamed answer of `@GrpcMethod` is an async iterable (with back-pressure) or an observable. A `@GrpcStreamCall`
   * handler reads its call as an async iterable, with back-pressure too.
   */
  override createServiceMethod(
    ...parameters: Parameters<ServerGrpc["createServiceMethod"]>
  ): ReturnType<ServerGrpc["createServiceMethod"]> {
    const [handler, definition, streamType] = parameters as unknown as [
      NestHandler,
      MethodShape,
      GrpcMethodStreamingType,
    ];
    const fromNest = super.createServiceMethod(...parameters) as NestMethod;
    const handle: StreamMethod =
      streamType === GrpcMethodStreamingType.PT_STREAMING
        ? (call, callback, signal) => this.#passThrough(handler, definition, call, callback, signal)
        : definition.responseStream && !definition.requestStream
          ? async (call, _callback, signal) => {
              const stream = call as ServerWritableStream<unknown, unknown>;
              const result = await handler(stream.request, stream.metadata, stream);
              if (isAsyncIterable(result)) return writeAll(result, stream, signal);
              // Nest writes observables; it is given one that exists already.
              const [, ...rest] = parameters;
              return (super.createServiceMethod(async () => result, ...rest) as NestMethod)(call);
            }
          : (call, callback) => fromNest(call, callback);
    return (call: AnyCall, callback?: Answer): void => {
      void this.#serve(definition.path, call, callback, handle);
    };
  }

  /** The handler returns the answer, or an async iterable of answers; returning nothing leaves answering to it. */
  async #passThrough(
    handler: NestHandler,
    definition: MethodShape,
    call: AnyCall,
    callback: Answer | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const result = await handler(call, callback);
    const value: unknown = isObservable(result)
      ? await lastValueFrom(result, { defaultValue: undefined })
      : result;
    if (definition.responseStream) {
      if (isAsyncIterable(value))
        await writeAll(value, call as ServerWritableStream<unknown, unknown>, signal);
    } else if (value !== undefined) {
      callback?.(null, value);
    }
  }

  /**
   * Refuses new calls and lets running ones finish until the time is over. Streams have no natural end: they get a
   * moment and then end with `draining`, so that their callers connect to the next process.
   */
  async drain(timeoutMs: number): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      const streams = setTimeout(
        () => {
          for (const endStream of [...this.#streams]) endStream(draining());
        },
        Math.min(STREAM_GRACE_MS, timeoutMs),
      );
      const all = setTimeout(() => {
        server.forceShutdown();
        resolve();
      }, timeoutMs);
      server.tryShutdown(() => {
        clearTimeout(streams);
        clearTimeout(all);
        resolve();
      });
    });
  }

  override async close(): Promise<void> {
    await this.drain(0);
  }

  async #serve(
    path: string,
    call: AnyCall,
    callback: Answer | undefined,
    handle: StreamMethod,
  ): Promise<void> {
    const startedAt = monotonicMs();
    const [service = "", method = ""] = path.slice(1).split("/");
    const attributes = { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method };
    const span = startSpan(path.slice(1), {
      kind: SpanKind.SERVER,
      attributes,
      parent: headersOf(call.metadata),
    });
    metrics.serverCallsRunning.add(1, { method: path });
    let ended = false;
    const end = (failure: unknown): void => {
      if (ended) return;
      ended = true;
      if (failure !== undefined) this.#noteFailure(path, failure, span);
      span.end();
      metrics.serverCallsRunning.add(-1, { method: path });
      const outcome = failure === undefined ? "ok" : logLevelOf(failure) === "info" ? "refused" : "failed";
      metrics.serverDuration.record(monotonicMs() - startedAt, { method: path, outcome });
    };
    await withSpanActive(span, async () => {
      const aborter = new AbortController();
      const fail = failureSink(call, callback, (failure) => {
        end(failure);
        aborter.abort(failure);
      });
      const stream = call as ServerWritableStream<unknown, unknown>;
      stream.once("cancelled", () => aborter.abort(new Error("the call was cancelled")));
      if (callback === undefined) {
        this.#streams.add(fail);
        for (const event of ["close", "finish", "cancelled"])
          stream.once(event, () => this.#streams.delete(fail));
      }
      try {
        const caller = await this.#authenticate(call);
        if (callback === undefined) watchStream(call, end, fail);
        const answer: Answer = (error, value, trailer, flags) => {
          if (error !== null && error !== undefined) return fail(error);
          end(undefined);
          callback?.(null, value, trailer, flags);
        };
        await runAsCaller(caller, () => handle(call, callback && answer, aborter.signal), aborter.signal);
      } catch (error) {
        fail(error);
      }
    });
  }

  async #authenticate(call: AnyCall): Promise<Caller | undefined> {
    const [header] = call.metadata.get("authorization");
    if (header === undefined) return undefined;
    const token = /^Bearer (\S+)$/.exec(header.toString())?.[1];
    if (token === undefined) {
      throw new CodedError({
        code: "invalid-token",
        kind: "unauthenticated",
        message: "The token is malformed.",
      });
    }
    const caller = await this.#options.verifier.verify(token);
    if (this.#options.tls !== undefined && caller.role === "service") checkCertificate(call, caller.service);
    return caller;
  }

  #noteFailure(path: string, failure: unknown, span: Parameters<typeof recordFailure>[0]): void {
    recordFailure(span, failure);
    this.#options.logger[logLevelOf(failure)]({ error: failure, method: path }, "a call failed");
  }
}

function bind(
  server: GrpcServer,
  setting: string,
  { host, port }: HostPort,
  credentials: ServerCredentials,
): Promise<number> {
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) return resolve(bound);
      reject(
        new CodedError({
          code: "address-in-use",
          kind: "unavailable",
          message: `${setting}: ${address} cannot be listened on (${error.message}). Free it or choose another.`,
          cause: error,
        }),
      );
    });
  });
}

/** A token that was taken from a service is worth nothing without that service's key. */
function checkCertificate(call: AnyCall, service: string): void {
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (certifies(certificate?.subjectaltname, service)) return;
  throw new CodedError({
    code: "certificate-mismatch",
    kind: "unauthenticated",
    message:
      certificate === undefined
        ? `The token of ${service} came over a connection without its certificate.`
        : `The token of ${service} came over a connection with the certificate of another.`,
    details: { caller: service },
  });
}

/** Answers with the mapped error, once. Nest reports stream errors by emitting them on the call. */
function failureSink(
  call: AnyCall,
  callback: Answer | undefined,
  end: (failure: unknown) => void,
): (error: unknown) => void {
  let failed = false;
  return (error) => {
    if (failed) return;
    failed = true;
    end(error);
    const failure = toGrpcFailure(error);
    if (callback !== undefined) callback(failure, null, failure.metadata);
    else call.emit("error", Object.assign(new Error(failure.details), failure, { aiosMapped: true }));
  };
}

function watchStream(call: AnyCall, end: (failure: unknown) => void, fail: (error: unknown) => void): void {
  const stream = call as ServerWritableStream<unknown, unknown>;
  const emit = stream.emit.bind(stream);
  // grpc-js turns an emitted error into the call's status; it must be mapped before that.
  stream.emit = ((event: string, ...values: unknown[]): boolean => {
    const [error] = values;
    if (event === "error" && !isMapped(error)) {
      fail(error);
      return true;
    }
    return (emit as (event: string, ...values: unknown[]) => boolean)(event, ...values);
  }) as typeof stream.emit;
  stream.once("finish", () => end(undefined));
  stream.once("cancelled", () => end(undefined));
}

function draining(): CodedError {
  return new CodedError({
    code: "draining",
    kind: "unavailable",
    message: "The service is restarting; connect again.",
    retryAfterMs: 500,
  });
}

function isMapped(error: unknown): boolean {
  return typeof error === "object" && error !== null && "aiosMapped" in error;
}

function headersOf(metadata: Metadata): TraceHeaders {
  const headers: Record<string, string> = {};
  for (const name of ["traceparent", "tracestate", "baggage"]) {
    const [value] = metadata.get(name);
    if (typeof value === "string") headers[name] = value;
  }
  return headers;
}

/** `@GrpcMethod` names methods as the proto file does; generated definitions use camel case. */
function byWireName(definition: GrpcServiceDefinition): GrpcServiceDefinition {
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => [
      methodNameOf(method),
      { ...method, originalName: name },
    ]),
  );
}
