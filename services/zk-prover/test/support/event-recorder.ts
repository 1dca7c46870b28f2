import { randomUUID } from "node:crypto";
import type { Topic } from "@aios/proto/topics";
import { createLogger } from "@aios/service-kit/logger";
import { PostgresEventLog } from "@aios/service-kit/postgres-event-log";

/**
 * Everything of a topic from the start on, in the order of arrival; the array grows until `close`. `onEvent` hears of
 * each.
 */
export async function recordEvents<T>(
  url: string,
  topic: Topic<T>,
  onEvent: (event: T) => void = () => undefined,
): Promise<{ readonly events: readonly T[]; close(): Promise<void> }> {
  const bus = await PostgresEventLog.open({
    url,
    applicationName: "test",
    logger: createLogger({ service: "test", level: "silent" }),
  });
  const events: T[] = [];
  await bus.subscribe({
    group: `recorder-${randomUUID()}`,
    topics: [topic],
    handler: async (event) => {
      const decoded = topic.codec.decode(event.payload);
      events.push(decoded);
      onEvent(decoded);
    },
  });
  return { events, close: () => bus.close() };
}
