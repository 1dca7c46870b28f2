import { findTopic, type Topic } from "@aios/proto/topics";
import { type BaseRpcContext, Server } from "@nestjs/microservices";
import { SpanKind } from "@opentelemetry/api";
import { defaultIfEmpty, isObservable, lastValueFrom } from "rxjs";
import { runAsCaller } from "./caller-context.js";
import { crashPoint } from "./crash-point.js";
import { codedErrorOf } from "./database-outage.js";
import type { EventBus, ReceivedEvent, RetryPolicy, Subscription } from "./event-bus.js";
import { EventContext } from "./event-context.js";
import type { Logger } from "./logger.js";
import { defineMetrics } from "./metrics.js";
import { monotonicMs, systemClock } from "./system-clock.js";
import { inSpan } from "./tracing.js";

const metrics = defineMetrics("events", {
  handledDuration: { kind: "histogram", description: "time to handle an event", unit: "ms" },
  lag: { kind: "histogram", description: "time from writing an event to its handling", unit: "ms" },
});

export interface EventBusTransportOptions {
  readonly bus: EventBus;
  /** The consumer group: the service's name. */
  readonly group: string;
  readonly logger: Logger;
  readonly retry?: Partial<RetryPolicy>;
  readonly concurrency?: number;
}

/** Feeds `@EventPattern(topic.name)` handlers with decoded events; an event counts as handled when all of them return. */
export class EventBusTransport extends Server {
  override readonly propagatesEventHandlerErrors = true;
  readonly #options: EventBusTransportOptions;
  #subscription: Subscription | undefined;

  constructor(options: EventBusTransportOptions) {
    super();
    this.#options = options;
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.start();
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Subscribes to the topics that have handlers; throws for a name that is not in the registry. */
  async start(): Promise<void> {
    const topics = [...this.messageHandlers.keys()].map((name) => registered(name));
    if (topics.length === 0) return;
    this.#subscription = await this.#options.bus.subscribe({
      group: this.#options.group,
      topics: topics.map(({ name, partitions, retentionMs }) => ({ name, partitions, retentionMs })),
      handler: (event) => this.#handle(event),
      ...(this.#options.retry === undefined ? {} : { retry: this.#options.retry }),
      ...(this.#options.concurrency === undefined ? {} : { concurrency: this.#options.concurrency }),
    });
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
    this.#subscription = undefined;
  }

  on(): never {
    throw new TypeError("the event bus transport emits nothing");
  }

  unwrap<T>(): T {
    return this.#options.bus as T;
  }

  async #handle(event: ReceivedEvent): Promise<void> {
    const handler = this.messageHandlers.get(event.topic);
    if (handler === undefined) return;
    const startedAt = monotonicMs();
    metrics.lag.record(Math.max(0, systemClock.now() - event.occurredAtMs), { topic: event.topic });
    const attributes = {
      "messaging.system": "aios",
      "messaging.destination.name": event.topic,
      "messaging.message.id": event.id,
      "aios.event.attempt": event.attempt,
    };
    let outcome = "failed";
    try {
      await inSpan(
        `handle ${event.topic}`,
        { kind: SpanKind.CONSUMER, attributes, parent: event.headers },
        () =>
          runAsCaller(undefined, async () => {
            crashPoint(`${this.#options.group}.event.before-handling`);
            const payload = registered(event.topic).codec.decode(event.payload);
            const result: unknown = await handler(payload, contextOf(event) as BaseRpcContext);
            if (isObservable(result)) await lastValueFrom(result.pipe(defaultIfEmpty(undefined)));
            crashPoint(`${this.#options.group}.event.after-handling`);
          }),
      );
      outcome = "ok";
    } catch (error) {
      const level = codedErrorOf(error).kind === "unavailable" ? "warn" : "error";
      const facts = { topic: event.topic, eventId: event.id, key: event.key, attempt: event.attempt };
      this.#options.logger[level]({ error, ...facts }, "an event could not be handled");
      throw error;
    } finally {
      metrics.handledDuration.record(monotonicMs() - startedAt, { topic: event.topic, outcome });
    }
  }
}

function registered(name: string): Topic<unknown> {
  const topic = findTopic(name);
  if (topic === undefined)
    throw new TypeError(`@EventPattern("${name}") names no topic of @aios/proto/topics`);
  return topic;
}

function contextOf(event: ReceivedEvent): EventContext {
  return new EventContext({
    topic: event.topic,
    id: event.id,
    key: event.key,
    partition: event.partition,
    offset: event.offset,
    attempt: event.attempt,
    traceparent: event.headers["traceparent"],
    occurredAtMs: event.occurredAtMs,
    signal: event.signal,
  });
}
