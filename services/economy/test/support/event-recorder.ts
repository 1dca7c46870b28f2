import { randomUUID } from "node:crypto";
import type { Topic } from "@aios/proto/topics";
import type { EventBus } from "@aios/service-kit/event-bus";
import { createLogger } from "@aios/service-kit/logger";
import { PostgresEventLog } from "@aios/service-kit/postgres-event-log";

/** A client of the event log for tests: records what is published, publishes in another service's place. */
export class EventRecorder {
  private constructor(private readonly bus: EventBus) {}

  static async open(url: string): Promise<EventRecorder> {
    const logger = createLogger({ service: "test", level: "silent" });
    return new EventRecorder(await PostgresEventLog.open({ url, applicationName: "test", logger }));
  }

  /** Everything of the topic from the start on, in the order of arrival; the array grows. */
  async record<T>(topic: Topic<T>): Promise<readonly T[]> {
    const received: T[] = [];
    await this.bus.subscribe({
      group: `recorder-${randomUUID()}`,
      topics: [topic],
      handler: async (event) => {
        received.push(topic.codec.decode(event.payload));
      },
    });
    return received;
  }

  async publish<T>(topic: Topic<T>, message: T): Promise<void> {
    await this.bus.ensureTopics([topic]);
    const payload = topic.codec.encode(message).finish();
    await this.bus.publish([
      { id: randomUUID(), topic: topic.name, key: topic.key(message), payload, headers: {} },
    ]);
  }

  close(): Promise<void> {
    return this.bus.close();
  }
}
