import { type ArchivedEntry, bytesEntry, packArchive, readArchive } from "@aios/launcher/backup/archive";
import { bytesOf } from "@aios/launcher/backup/cluster-archive";
import { type HandoverOptions, KafkaHandover } from "@aios/service-kit/kafka-handover";
import type { UndeliveredEvent } from "@aios/service-kit/kafka-ranges";
import { SERVICES } from "@aios/service-kit/local-instance";
import { createLogger } from "@aios/service-kit/logger";

const logger = createLogger({ service: "state", level: "silent" });
/** A service's group has its name. */
const at = (url: string): HandoverOptions => ({ url, logger, groups: SERVICES });

/** Events that no service had handled when all were stopped, as an archive. Throws what `undelivered` throws. */
export function packEvents(url: string, createdAt: string): AsyncGenerator<Buffer> {
  return packArchive(entriesOf(KafkaHandover.undelivered(at(url))), createdAt);
}

/**
 * Moves every service behind what is in Kafka, and appends those of the archive, for all of it: whatever is there now is of
 * another time. Safe to run again. Answers how many.
 */
export async function loadEvents(url: string, archive: AsyncIterable<Buffer>): Promise<number> {
  return KafkaHandover.with(at(url), async (handover) => {
    await handover.skipAll();
    let count = 0;
    for await (const entry of readArchive(archive)) {
      const written = JSON.parse((await bytesOf(entry)).toString()) as readonly WrittenEvent[];
      await handover.publish(written.map(fromText));
      count += written.length;
    }
    return count;
  });
}

type WrittenEvent = Omit<UndeliveredEvent, "payload"> & { readonly payload: string };

async function* entriesOf(
  batches: AsyncIterable<readonly UndeliveredEvent[]>,
): AsyncGenerator<ArchivedEntry> {
  let count = 0;
  for await (const events of batches)
    yield bytesEntry(`${count++}.json`, Buffer.from(JSON.stringify(events.map(asText))));
}

const asText = (event: UndeliveredEvent): WrittenEvent => ({
  ...event,
  payload: Buffer.from(event.payload).toString("base64"),
});

const fromText = (event: WrittenEvent): UndeliveredEvent => ({
  ...event,
  replayFor: event.replayFor,
  payload: Buffer.from(event.payload, "base64"),
});
