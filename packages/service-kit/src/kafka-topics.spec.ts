import type { TimestampMs } from "@aios/kernel/units";
import { KafkaJSNumberOfRetriesExceeded } from "kafkajs";
import { expect, it } from "vitest";
import { createMissingTopics, onceElected } from "./kafka-topics.js";

const WANTED = ["a", "b"].map((topic) => ({ topic, numPartitions: 8 }));

function adminThatSees(topics: readonly string[], refusal?: Error) {
  const created: string[] = [];
  return {
    created,
    listTopics: async () => [...topics],
    async createTopics(options: { topics: { topic: string }[] }) {
      if (refusal !== undefined) throw refusal;
      created.push(...options.topics.map(({ topic }) => topic));
      return true;
    },
  };
}

it("creates what is missing, and asks for no right where nothing is", async () => {
  const some = adminThatSees(["a", "other"]);
  await createMissingTopics(some, WANTED);
  expect(some.created).toEqual(["b"]);
  await createMissingTopics(adminThatSees(["a", "b"], new Error("may not create")), WANTED);
});

it("names the topics that the role may not create", async () => {
  // As kafkajs throws it: one error for each topic.
  const inner = Object.assign(new Error("no"), { type: "TOPIC_AUTHORIZATION_FAILED" });
  const refusal = Object.assign(new Error("Topic creation errors"), { errors: [inner] });
  await expect(createMissingTopics(adminThatSees(["a"], refusal), WANTED)).rejects.toMatchObject({
    code: "event-bus-refused",
    kind: "forbidden",
    details: { kafkaError: "TOPIC_AUTHORIZATION_FAILED", topics: ["b"] },
  });
});

const electing = Object.assign(new Error("no leader"), { type: "LEADER_NOT_AVAILABLE" });

/** Time that passes while somebody waits. */
function idleClock() {
  let nowMs = 0;
  const wait = async (ms: number): Promise<void> => {
    nowMs += ms;
  };
  return { now: () => nowMs as TimestampMs, wait };
}

it("waits for the leaders of topics that are just being made", async () => {
  let asked = 0;
  const ask = async (): Promise<string> => {
    asked += 1;
    if (asked < 20) throw new KafkaJSNumberOfRetriesExceeded(electing, { retryCount: 4, retryTime: 400 });
    return "elected";
  };
  expect(await onceElected(ask, idleClock())).toBe("elected");
});

it("gives up on leaders that are never elected, and at once on everything else", async () => {
  const clock = idleClock();
  await expect(onceElected(() => Promise.reject(electing), clock)).rejects.toBe(electing);
  expect(clock.now()).toBeGreaterThanOrEqual(30_000);
  const other = new Error("refused");
  const before = clock.now();
  await expect(onceElected(() => Promise.reject(other), clock)).rejects.toBe(other);
  expect(clock.now()).toBe(before);
});
