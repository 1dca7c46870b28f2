import { isCodedError } from "@aios/kernel/coded-error";
import type { LoggerService } from "@nestjs/common";
import { trace } from "@opentelemetry/api";
import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";
import { redactUrl } from "./config.js";

export type Logger = PinoLogger;

const SECRET_KEYS = [
  "authorization",
  "cookie",
  "password",
  "secret",
  "token",
  "accessToken",
  "privateKey",
  "mnemonic",
  "contentKey",
  "DATABASE_URL",
  "EVENT_BUS_URL",
  "REDIS_URL",
];

export interface LoggerOptions {
  readonly service: string;
  readonly level: string;
  readonly instanceId?: string;
  /** Where lines go; standard output when absent. */
  readonly destination?: DestinationStream;
}

/** One JSON object a line, with the trace id of the work that wrote it; secrets are redacted by key. */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: {
        service: options.service,
        ...(options.instanceId === undefined ? {} : { instance: options.instanceId }),
      },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: "message",
      errorKey: "error",
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: "[redacted]" },
      serializers: { error: serialiseError },
      mixin: () => {
        const span = trace.getActiveSpan()?.spanContext();
        return span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId };
      },
    },
    options.destination ?? pino.destination({ dest: 1, sync: false, minLength: 0 }),
  );
}

/** An error as loggable facts: code, payload, stack (unless it is the caller's own fault) and causes, five deep. */
export function serialiseError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const coded = isCodedError(error);
  const callersFault = coded && error.errorClass === "user";
  return {
    type: error.name,
    message: redactUrl(error.message),
    ...(coded ? { code: error.code, kind: error.kind, details: error.details } : {}),
    ...(callersFault || depth > 0 ? {} : { stack: redactUrl(error.stack ?? "") }),
    ...(error.cause instanceof Error && depth < 4 ? { cause: serialiseError(error.cause, depth + 1) } : {}),
  };
}

/** Nest's own messages, at debug level unless something is wrong. */
export class NestLogAdapter implements LoggerService {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger.child({ component: "nest" });
  }

  log(message: unknown, ...context: unknown[]): void {
    this.#logger.debug({ context: context.at(-1) }, String(message));
  }
  debug(message: unknown, ...context: unknown[]): void {
    this.#logger.trace({ context: context.at(-1) }, String(message));
  }
  verbose(message: unknown, ...context: unknown[]): void {
    this.#logger.trace({ context: context.at(-1) }, String(message));
  }
  warn(message: unknown, ...context: unknown[]): void {
    this.#logger.warn({ context: context.at(-1) }, String(message));
  }
  error(message: unknown, ...context: unknown[]): void {
    this.#logger.error({ context: context.at(-1), stack: context[0] }, String(message));
  }
  fatal(message: unknown, ...context: unknown[]): void {
    this.#logger.fatal({ context: context.at(-1) }, String(message));
  }
}
