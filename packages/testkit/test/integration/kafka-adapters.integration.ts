import { randomUUID } from "node:crypto";
import { topics } from "@aios/proto/topics";
import type { EventBus, OutgoingEvent } from "@aios/service-kit/event-bus";
import { KafkaEventBus } from "@aios/service-kit/kafka-event-bus";
import { KafkaHandover } from "@aios/service-kit/kafka-handover";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventBusConformance } from "../../src/event-bus-conformance.js";
import { eventually } from "../../src/eventually.js";
import { kafkaIsAvailable, startKafka, type TestKafka } from "../../src/kafka.js";
import { silentLogger } from "../../src/silent-logger.js";

describe.skipIf(!kafkaIsAvailable())(
  "on a real Kafka (skipped where Java or Kafka's jars are missing)",
  () => {
    let kafka: TestKafka;
    beforeAll(async () => {
      kafka = await startKafka();
    });
    afterAll(() => kafka?.stop());
    const open = () => KafkaEventBus.open({ url: kafka.url, applicationName: "test", logger: silentLogger });

    eventBusConformance("KafkaEventBus", async () => ({
      open,
      crash: () => kafka.crash(),
      close: async () => undefined,
    }));

    describe("events that are handed over from one time to another", () => {
      const { name, partitions, retentionMs } = topics.computeReceiptIssued;
      const topic = { name, partitions, retentionMs };

      function event(key: string): OutgoingEvent {
        return {
          id: randomUUID(),
          topic: name,
          key,
          payload: Buffer.from(key),
          headers: { traceparent: key },
        };
      }

      /** What a service handles until it has seen so many. */
      async function handled(bus: EventBus, group: string, count: number): Promise<readonly string[]> {
        const seen: string[] = [];
        const subscription = await bus.subscribe({
          group,
          topics: [topic],
          handler: async ({ key }) => void seen.push(key),
        });
        await eventually(() => expect(seen).toHaveLength(count));
        await subscription.close();
        return [...seen].sort();
      }

      const over = <T>(work: (handover: KafkaHandover) => Promise<T>): Promise<T> =>
        KafkaHandover.with(kafka.url, silentLogger, work);

      it("are those that a reader had not handled; what came later is skipped, and each reader gets them once", async () => {
        const bus = await open();
        try {
          await bus.ensureTopics([topic]);
          await bus.publish([event("a"), event("b")]);
          await handled(bus, "quick", 2);
          await handled(bus, "slow", 2);
          const waiting = [event("c"), event("d"), event("e")];
          await bus.publish(waiting);
          await handled(bus, "quick", 3);
          const kept = await over((handover) => handover.undelivered());
          const byKey = [...kept].sort((one, other) => (one.key < other.key ? -1 : 1));
          expect(byKey).toEqual(waiting.map((each) => ({ ...each, replayFor: undefined })));
          await bus.publish([event("of a time that is taken back")]);
          // Twice, as by a restore that was cut off.
          for (let run = 0; run < 2; run++)
            await over(async (handover) => {
              await handover.skipAll();
              await handover.publish(kept);
            });
          for (const group of ["quick", "slow"])
            expect(await handled(bus, group, 3)).toEqual(["c", "d", "e"]);
          expect(await over((handover) => handover.undelivered())).toEqual([]);
        } finally {
          await bus.close();
        }
      });
    });
  },
);
