import { AssignerProtocol, type PartitionAssigner } from "kafkajs";

const NAME = "aios-subscribed-round-robin";
const VERSION = 1;
const EXCLUSIVE = Buffer.from("exclusive");

/**
 * Deals partitions out in turn, each only to members that subscribe to its topic (kafkajs's own assigner expects
 * every member to subscribe to the same, which does not hold during an upgrade). A member that asks for it gets all
 * partitions of its topics alone: that is how a group is moved to other offsets while it works.
 */
export function subscribedRoundRobin(exclusive = false): PartitionAssigner {
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: exclusive ? EXCLUSIVE : Buffer.alloc(0),
      }),
    }),
    async assign({ members }) {
      const wishes = members
        .map(({ memberId, memberMetadata }) => ({
          memberId,
          wish: AssignerProtocol.MemberMetadata.decode(memberMetadata),
        }))
        .sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
      const topics = [...new Set(wishes.flatMap(({ wish }) => wish?.topics ?? []))].sort();
      await cluster.addMultipleTargetTopics(topics);
      const assignments = new Map<string, Record<string, number[]>>(
        wishes.map(({ memberId }) => [memberId, {}]),
      );
      let turn = 0;
      for (const topic of topics) {
        const subscribed = wishes.filter(({ wish }) => wish?.topics.includes(topic) === true);
        const alone = subscribed.filter(({ wish }) => wish?.userData.equals(EXCLUSIVE) === true);
        const owners = alone.length > 0 ? alone.slice(0, 1) : subscribed;
        for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
          const owner = owners[turn++ % owners.length]?.memberId ?? "";
          const assignment = assignments.get(owner);
          if (assignment !== undefined) assignment[topic] = [...(assignment[topic] ?? []), partitionId];
        }
      }
      return [...assignments].map(([memberId, assignment]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: VERSION,
          assignment,
          userData: Buffer.alloc(0),
        }),
      }));
    },
  });
}
