import { randomBytes, randomUUID } from "node:crypto";
import { topics } from "@aios/proto/topics";
import type { EventBus, OutgoingEvent } from "@aios/service-kit/event-bus";
import { KafkaEventBus } from "@aios/service-kit/kafka-event-bus";
import { KafkaHandover } from "@aios/service-kit/kafka-handover";
import type { UndeliveredEvent } from "@aios/service-kit/kafka-ranges";
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

      const options = () => ({ url: kafka.url, logger: silentLogger, groups: ["quick", "slow"] });
      const over = <T>(work: (handover: KafkaHandover) => Promise<T>): Promise<T> =>
        KafkaHandover.with(options(), work);
      async function undelivered(): Promise<readonly (readonly UndeliveredEvent[])[]> {
        const batches: (readonly UndeliveredEvent[])[] = [];
        for await (const batch of KafkaHandover.undelivered(options())) batches.push(batch);
        return batches;
      }

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
          const kept = (await undelivered()).flat();
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
          expect(await undelivered()).toEqual([]);
        } finally {
          await bus.close();
        }
      });

      it("are none of another group's, which may go on and keeps its place", async () => {
        const bus = await open();
        const foreign: string[] = [];
        try {
          await bus.ensureTopics([topic]);
          const handler = async ({ key }: { readonly key: string }) => void foreign.push(key);
          const subscription = await bus.subscribe({ group: "foreign", topics: [topic], handler });
          const seen = (key: string) => eventually(() => expect(foreign).toContain(key));
          await bus.publish([event("g")]);
          await seen("g");
          expect((await undelivered()).flat().map(({ key }) => key)).toEqual(["g"]);
          await subscription.close();
          await bus.publish([event("h")]);
          await over((handover) => handover.skipAll());
          await bus.subscribe({ group: "foreign", topics: [topic], handler });
          await seen("h");
          expect(await undelivered()).toEqual([]);
        } finally {
          await bus.close();
        }
      });

      it("come a bounded batch at a time, and no further than somebody takes them", async () => {
        const bus = await open();
        try {
          await bus.ensureTopics([topic]);
          const payload = randomBytes(256 * 1024);
          const waiting = Array.from({ length: 24 }, () => ({ ...event("one partition"), payload }));
          for (let at = 0; at < waiting.length; at += 3) await bus.publish(waiting.slice(at, at + 3));
          const batches = await undelivered();
          expect(batches.flat().map(({ id }) => id)).toEqual(waiting.map(({ id }) => id));
          expect(Math.max(...batches.map((events) => events.length))).toBeLessThanOrEqual(8);
          for await (const first of KafkaHandover.undelivered(options())) {
            expect(first[0]?.id).toBe(waiting[0]?.id);
            break;
          }
          await over((handover) => handover.skipAll());
        } finally {
          await bus.close();
        }
      });
    });
  },
);
