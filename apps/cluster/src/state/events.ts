import { type ArchivedEntry, bytesEntry, packArchive, readArchive } from "@aios/launcher/backup/archive";
import { bytesOf } from "@aios/launcher/backup/cluster-archive";
import { KafkaHandover, type UndeliveredEvent } from "@aios/service-kit/kafka-handover";
import { createLogger } from "@aios/service-kit/logger";

const EVENTS_AT_ONCE = 1_000;
const logger = createLogger({ service: "state", level: "silent" });

/** Events that no service had handled when all were stopped, as an archive. Throws what `undelivered` throws. */
export async function* packEvents(url: string, createdAt: string): AsyncGenerator<Buffer> {
  const events = await KafkaHandover.with(url, logger, (handover) => handover.undelivered());
  yield* packArchive(entriesOf(events), createdAt);
}

/**
 * Moves every service behind what is in Kafka, and appends those of the archive, for all of it: whatever is there now is of
 * another time. Safe to run again. Answers how many.
 */
export async function loadEvents(url: string, archive: AsyncIterable<Buffer>): Promise<number> {
  return KafkaHandover.with(url, logger, async (handover) => {
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

function* entriesOf(events: readonly UndeliveredEvent[]): Generator<ArchivedEntry> {
  for (let at = 0; at < events.length; at += EVENTS_AT_ONCE) {
    const written = events.slice(at, at + EVENTS_AT_ONCE).map(asText);
    yield bytesEntry(`${at / EVENTS_AT_ONCE}.json`, Buffer.from(JSON.stringify(written)));
  }
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
