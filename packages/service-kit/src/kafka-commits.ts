import type { EachBatchPayload, PartitionOffset } from "kafkajs";
import { TurnBatch } from "./turn-batch.js";

interface Commit {
  readonly payload: EachBatchPayload;
  readonly next: bigint;
}

/** Commits a consumer's offsets, in one request for all partitions that ask in the same turn of the event loop. */
export class KafkaCommits {
  readonly #turn = new TurnBatch<Commit, void>((commits) => {
    const committed = commitAll(commits);
    return () => committed;
  });

  /** The group reads on from `next` in the batch's partition. */
  commit(payload: EachBatchPayload, next: bigint): Promise<void> {
    return this.#turn.hand({ payload, next });
  }
}

async function commitAll(commits: readonly Commit[]): Promise<void> {
  const byTopic = new Map<string, PartitionOffset[]>();
  for (const { payload, next } of commits) {
    const { topic, partition } = payload.batch;
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), { partition, offset: String(next) }]);
  }
  const topics = [...byTopic].map(([topic, partitions]) => ({ topic, partitions }));
  // Not `consumer.commitOffsets`, which does nothing while the consumer is closing.
  await commits[0]?.payload.commitOffsetsIfNecessary({ topics });
}
