import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { CodedError } from "@aios/kernel/coded-error";
import { type ISocketFactoryArgs, Kafka, logLevel } from "kafkajs";
import { isDatabaseUnavailable } from "./database-outage.js";
import { parseKafkaUrl } from "./kafka-url.js";
import type { Logger } from "./logger.js";

const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 60_000;

/** Protocol errors that mean that something is wrong with the request or the rights, not with the moment. */
const LASTING = new Set([
  "TOPIC_AUTHORIZATION_FAILED",
  "GROUP_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
  "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  "SASL_AUTHENTICATION_FAILED",
  "MESSAGE_TOO_LARGE",
  "RECORD_LIST_TOO_LARGE",
  "INVALID_TOPIC_EXCEPTION",
  "INVALID_REPLICATION_FACTOR",
  "POLICY_VIOLATION",
  "UNSUPPORTED_VERSION",
]);
/** kafkajs tells of routine rebalances and reconnects as errors; only what ends a member is one for us. */
const LEVELS = { [logLevel.ERROR]: "warn", [logLevel.WARN]: "debug", [logLevel.INFO]: "debug" } as const;

/** A client that gives up after a few tries, so that callers hear of an outage and decide. */
export function createKafka(url: string, applicationName: string, logger: Logger): Kafka {
  return new Kafka({
    ...parseKafkaUrl(url),
    socketFactory: promptSocket,
    clientId: applicationName,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { retries: 4, initialRetryTime: 50, maxRetryTime: 500 },
    logCreator: () => (entry) => {
      const level = LEVELS[entry.level as keyof typeof LEVELS];
      if (level !== undefined) logger[level]({ kafka: entry.log }, entry.log.message);
    },
  });
}

/**
 * As kafkajs makes it, and without Nagle's algorithm: with it, the end of a request larger than a segment, and every
 * request while another is unanswered, waits for the broker's delayed acknowledgement, up to 40 ms.
 */
export function promptSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  const socket = ssl
    ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect);
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
}

/** What callers may repeat becomes `event-bus-unavailable`; what an operator must mend keeps Kafka's own name. */
export function kafkaError(thrown: unknown): unknown {
  if (thrown instanceof CodedError) return thrown;
  const type = typeOf(thrown);
  if (type !== undefined && isLasting(thrown)) {
    return new CodedError({
      code: "event-bus-refused",
      kind: type.includes("AUTH") ? "forbidden" : "invalid",
      message: `Kafka refuses this: ${(thrown as Error).message} Check the broker's rights and limits.`,
      details: { kafkaError: type },
      cause: thrown,
    });
  }
  if (type === undefined && !isKafkaError(thrown) && !isDatabaseUnavailable(thrown)) return thrown;
  return new CodedError({
    code: "event-bus-unavailable",
    kind: "unavailable",
    message: "Kafka cannot be reached just now; try again shortly.",
    retryAfterMs: 1_000,
    cause: thrown,
  });
}

/** Whether the same request would fail again: rights, limits, versions. */
export function isLasting(thrown: unknown): boolean {
  const type = typeOf(thrown);
  return type !== undefined && LASTING.has(type);
}

/** Kafka's own name of an error, also below kafkajs's count of tries, and of the first of several. */
export function typeOf(thrown: unknown): string | undefined {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; depth++) {
    const { type, errors } = error as { type?: unknown; errors?: unknown };
    if (typeof type === "string") return type;
    if (error.name === "KafkaJSSASLAuthenticationError") return "SASL_AUTHENTICATION_FAILED";
    error = Array.isArray(errors) ? errors[0] : error.cause;
  }
  return undefined;
}

function isKafkaError(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name.startsWith("KafkaJS");
}
