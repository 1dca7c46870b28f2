import { findTopic, type Topic } from "@aios/proto/topics";
import { type BaseRpcContext, type MessageHandler, Server } from "@nestjs/microservices";
import { SpanKind } from "@opentelemetry/api";
import { defaultIfEmpty, isObservable, lastValueFrom } from "rxjs";
import { runAsCaller } from "./caller-context.js";
import { crashPoint } from "./crash-point.js";
import { codedErrorOf } from "./database-outage.js";
import type { EventBus, ReceivedEvent, RetryPolicy, Subscription } from "./event-bus.js";
import { EventContext } from "./event-context.js";
import type { Logger } from "./logger.js";
import { defineMetrics } from "./metrics.js";
import { TAKES_MANY } from "./on-event.js";
import { monotonicMs, systemClock } from "./system-clock.js";
import { recordFailure, runInSpan, startSpan } from "./tracing.js";

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
      handler: (event) => this.#handle([event]),
      ...(this.#takesBatches() ? { batchHandler: (events) => this.#handle(events) } : {}),
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

  #takesBatches(): boolean {
    return [...this.messageHandlers.values()].some(handlesMany);
  }

  /** Events of one topic; several only for a handler that takes many. */
  async #handle(events: readonly ReceivedEvent[]): Promise<void> {
    const [first] = events;
    const handler = first === undefined ? undefined : this.messageHandlers.get(first.topic);
    if (first === undefined || handler === undefined) return;
    if (events.length > 1 && !handlesMany(handler))
      throw new TypeError("this handler takes one event at a time");
    const { topic } = first;
    const startedAt = monotonicMs();
    for (const { occurredAtMs } of events)
      metrics.lag.record(Math.max(0, systemClock.now() - occurredAtMs), { topic });
    let outcome = "failed";
    try {
      await inSpans(events, () =>
        runAsCaller(undefined, async () => {
          crashPoint(`${this.#options.group}.event.before-handling`);
          await call(handler, events);
          crashPoint(`${this.#options.group}.event.after-handling`);
        }),
      );
      outcome = "ok";
    } catch (error) {
      const level = events.length > 1 || codedErrorOf(error).kind === "unavailable" ? "warn" : "error";
      const facts = {
        topic,
        eventId: first.id,
        key: first.key,
        attempt: first.attempt,
        events: events.length,
      };
      this.#options.logger[level]({ error, ...facts }, "an event could not be handled");
      throw error;
    } finally {
      metrics.handledDuration.record(monotonicMs() - startedAt, { topic, outcome });
    }
  }
}

async function call(handler: MessageHandler, events: readonly ReceivedEvent[]): Promise<void> {
  const decoded = events.map((event) => registered(event.topic).codec.decode(event.payload));
  const contexts = events.map(contextOf);
  const [payload, context] = handlesMany(handler) ? [decoded, contexts] : [decoded[0], contexts[0]];
  const result: unknown = await handler(payload, context as unknown as BaseRpcContext);
  if (isObservable(result)) await lastValueFrom(result.pipe(defaultIfEmpty(undefined)));
}

function handlesMany({ extras }: MessageHandler): boolean {
  return extras?.[TAKES_MANY] === true;
}

/** Each event goes on in the trace that wrote it; the work that several share is in the trace of the first. */
async function inSpans(events: readonly ReceivedEvent[], work: () => Promise<void>): Promise<void> {
  const [first, ...others] = events.map((event) =>
    startSpan(`handle ${event.topic}`, {
      kind: SpanKind.CONSUMER,
      parent: event.headers,
      attributes: {
        "messaging.system": "aios",
        "messaging.destination.name": event.topic,
        "messaging.batch.message_count": events.length,
        "messaging.message.id": event.id,
        "aios.event.attempt": event.attempt,
      },
    }),
  );
  if (first === undefined) return;
  try {
    await runInSpan(first, work);
  } catch (error) {
    for (const span of others) recordFailure(span, error);
    throw error;
  } finally {
    for (const span of others) span.end();
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
