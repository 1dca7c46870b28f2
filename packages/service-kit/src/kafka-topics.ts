import type { Clock } from "@aios/kernel/clock";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import type { Admin, ITopicConfig } from "kafkajs";
import type { TopicSettings } from "./event-bus.js";
import { typeOf } from "./kafka-client.js";

const ELECTED_WITHIN_MS = 30_000;
const ASK_AGAIN = durationMs(250);

type TopicAdmin = Pick<Admin, "listTopics" | "createTopics">;

/** As its event declares it, with the cluster's own number of replicas. */
export function topicConfig({ name, partitions, retentionMs }: TopicSettings): ITopicConfig {
  return {
    topic: name,
    numPartitions: partitions,
    replicationFactor: -1,
    configEntries: [
      { name: "cleanup.policy", value: "delete" },
      { name: "retention.ms", value: String(retentionMs) },
    ],
  };
}

/**
 * Creates those of the topics that the role does not see. Where all are there it asks for no right to create, so that an
 * operator may make them beforehand. Throws `event-bus-refused` with the topics that it may not create.
 */
export async function createMissingTopics(admin: TopicAdmin, wanted: readonly ITopicConfig[]): Promise<void> {
  const seen = new Set(await admin.listTopics());
  const missing = wanted.filter(({ topic }) => !seen.has(topic));
  if (missing.length === 0) return;
  try {
    await admin.createTopics({ waitForLeaders: true, topics: [...missing] });
  } catch (error) {
    const kafkaError = typeOf(error);
    if (kafkaError?.endsWith("AUTHORIZATION_FAILED") !== true) throw error;
    const topics = missing.map(({ topic }) => topic);
    throw new CodedError({
      code: "event-bus-refused",
      kind: "forbidden",
      message:
        `Kafka lets this role neither see nor create the topics ${topics.join(", ")}. Create them with ` +
        "DESCRIBE for the role, as docs/operators/kafka.md lists them, or give it CREATE.",
      details: { kafkaError, topics },
      cause: error,
    });
  }
}

/**
 * Repeats what is asked about topics until their leaders are elected and the broker that answers knows of them: those of a new
 * installation are made by services that start at the same time, and the client's own tries are over within two seconds.
 */
export async function onceElected<T>(ask: () => Promise<T>, clock: Pick<Clock, "now" | "wait">): Promise<T> {
  const endsAt = clock.now() + ELECTED_WITHIN_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isBeingMade(error) || clock.now() >= endsAt) throw error;
      await clock.wait(ASK_AGAIN);
    }
  }
}

function isBeingMade(error: unknown): boolean {
  return typeOf(error) === "LEADER_NOT_AVAILABLE" || (isCodedError(error) && error.code === "unknown-topic");
}
