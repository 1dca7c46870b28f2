import { expect, it } from "vitest";
import { createMissingTopics } from "./kafka-topics.js";

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
