import type { EventBus } from "./event-bus.js";
import type { Logger } from "./logger.js";

export interface OpenEventBusOptions {
  /** `postgres://…` for the embedded log, `kafka://…` or `kafkas://…` for Kafka. */
  readonly url: string;
  readonly applicationName: string;
  readonly logger: Logger;
}

/** The event bus that the URL names, connected. Only its own client is loaded. */
export async function openEventBus(options: OpenEventBusOptions): Promise<EventBus> {
  if (/^kafkas?:/.test(options.url)) {
    const { KafkaEventBus } = await import("./kafka-event-bus.js");
    return KafkaEventBus.open(options);
  }
  const { PostgresEventLog } = await import("./postgres-event-log.js");
  return PostgresEventLog.open(options);
}
