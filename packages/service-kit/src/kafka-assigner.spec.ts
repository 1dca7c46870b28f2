import fc from "fast-check";
import { AssignerProtocol, type Cluster, type GroupMember, type MemberMetadata } from "kafkajs";
import { describe, expect, it } from "vitest";
import { subscribedRoundRobin } from "./kafka-assigner.js";

const TOPICS = ["a", "b", "c"];
const PARTITIONS: Readonly<Record<string, number>> = { a: 1, b: 4, c: 7 };

const cluster = {
  addMultipleTargetTopics: async () => undefined,
  findTopicPartitionMetadata: (topic: string) =>
    Array.from({ length: PARTITIONS[topic] ?? 0 }, (_, partitionId) => ({ partitionId })),
} as unknown as Cluster;

function member(id: number, topics: readonly string[], exclusive: boolean): GroupMember {
  const assigner = subscribedRoundRobin(exclusive)({ cluster, groupId: "g", logger: undefined as never });
  return { memberId: `m${id}`, memberMetadata: assigner.protocol({ topics: [...topics] }).metadata };
}

async function assigned(members: readonly GroupMember[]) {
  const assigner = subscribedRoundRobin()({ cluster, groupId: "g", logger: undefined as never });
  const assignments = await assigner.assign({ members: [...members], topics: [] });
  return assignments.flatMap(({ memberId, memberAssignment }) =>
    Object.entries(AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {}).flatMap(
      ([topic, partitions]) => partitions.map((partition) => ({ memberId, topic, partition })),
    ),
  );
}

const subscriptions = fc.array(fc.subarray(TOPICS, { minLength: 1 }), { minLength: 1, maxLength: 6 });

describe("subscribedRoundRobin", () => {
  it("gives every partition of a subscribed topic to exactly one member that subscribes to it", async () => {
    await fc.assert(
      fc.asyncProperty(subscriptions, async (wishes) => {
        const result = await assigned(wishes.map((topics, id) => member(id, topics, false)));
        const expected = [...new Set(wishes.flat())].reduce(
          (sum, topic) => sum + (PARTITIONS[topic] ?? 0),
          0,
        );
        expect(new Set(result.map(({ topic, partition }) => `${topic}/${partition}`)).size).toBe(expected);
        expect(result).toHaveLength(expected);
        for (const { memberId, topic } of result) expect(wishes[Number(memberId.slice(1))]).toContain(topic);
      }),
    );
  });

  it("gives a topic whole to a member that asks for it alone, and leaves other topics with the rest", async () => {
    await fc.assert(
      fc.asyncProperty(subscriptions, fc.constantFrom(...TOPICS), async (wishes, moved) => {
        const members = [...wishes.map((topics, id) => member(id, topics, false)), member(9, [moved], true)];
        const result = await assigned(members);
        const owners = (topic: string) =>
          new Set(result.filter((one) => one.topic === topic).map((one) => one.memberId));
        expect([...owners(moved)]).toEqual(["m9"]);
        for (const topic of TOPICS.filter((one) => one !== moved)) expect(owners(topic)).not.toContain("m9");
      }),
    );
  });

  it("keeps what a member says when it is encoded", () => {
    const { memberMetadata } = member(1, ["a", "c"], true);
    const decoded = AssignerProtocol.MemberMetadata.decode(memberMetadata) as MemberMetadata;
    expect(decoded.topics).toEqual(["a", "c"]);
  });
});
