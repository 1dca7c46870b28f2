import { randomUUID } from "node:crypto";
import { CodedError } from "@aios/kernel/coded-error";
import type { EventBus, OutgoingEvent, ReceivedEvent, TopicSettings } from "@aios/service-kit/event-bus";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "./eventually.js";

/** A backend that several buses share. */
export interface EventBusBackend {
  /** A bus as another process would open it. */
  open(): Promise<EventBus>;
  /** SIGKILL and start again; absent for what lives in the process. */
  crash?(): Promise<void>;
  close(): Promise<void>;
}

const FAST_RETRY = { maxAttempts: 3, maxUnavailableAttempts: 50, firstDelayMs: 1, maxDelayMs: 20 };

/** Every adapter of `EventBus` passes this. */
export function eventBusConformance(name: string, start: () => Promise<EventBusBackend>): void {
  describe(`${name} as EventBus`, () => {
    let backend: EventBusBackend;
    const opened: EventBus[] = [];
    const open = async (): Promise<EventBus> => {
      const bus = await backend.open();
      opened.push(bus);
      return bus;
    };
    beforeAll(async () => {
      backend = await start();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((bus) => bus.close()));
    });
    afterAll(async () => {
      await backend.close();
    });

    it("delivers every event to every group with its key, payload and headers", async () => {
      const bus = await open();
      const topic = newTopic();
      await bus.ensureTopics([topic]);
      const events = Array.from({ length: 20 }, (_, i) => event(topic, `key-${i}`, i));
      await bus.publish(events.slice(0, 10));
      const early = new Recorder();
      await bus.subscribe({ group: "early", topics: [topic], handler: early.handler });
      await bus.publish(events.slice(10));
      const late = new Recorder();
      await bus.subscribe({ group: "late", topics: [topic], handler: late.handler });
      for (const recorder of [early, late]) {
        await eventually(() => expect(recorder.received).toHaveLength(20));
        expect(recorder.received.map(({ id }) => id).sort()).toEqual(events.map(({ id }) => id).sort());
        const first = recorder.received.find(({ key }) => key === "key-3");
        expect(first).toMatchObject({ topic: topic.name, headers: { traceparent: "00-3" }, attempt: 1 });
        expect(Buffer.from(first?.payload ?? []).toString()).toBe("3");
        expect(first?.occurredAtMs).toBeGreaterThan(Date.now() - 60_000);
      }
    });

    it("keeps the order of each key under concurrent publishers", async () => {
      const [one, two] = [await open(), await open()];
      const topic = newTopic(4);
      await one.ensureTopics([topic]);
      const recorder = new Recorder();
      await two.subscribe({ group: "g", topics: [topic], handler: recorder.handler });
      await Promise.all(
        Array.from({ length: 12 }, async (_, key) => {
          for (let i = 0; i < 15; i++)
            await (key % 2 === 0 ? one : two).publish([event(topic, `key-${key}`, i)]);
        }),
      );
      await eventually(() => expect(recorder.received).toHaveLength(180));
      expectOrderPerKey(recorder.received, 12, 15);
    });

    it("keeps one event per id, also over buses", async () => {
      const [one, two] = [await open(), await open()];
      const topic = newTopic();
      await one.ensureTopics([topic]);
      const twice = event(topic, "k", 0);
      await one.publish([twice]);
      await two.publish([twice, event(topic, "k", 1)]);
      const recorder = new Recorder();
      await one.subscribe({ group: "g", topics: [topic], handler: recorder.handler });
      await eventually(() => expect(recorder.numbers()).toContain(1));
      expect(recorder.numbers()).toEqual([0, 1]);
    });

    it("refuses a topic that nobody created, naming it, and then publishes nothing of the batch", async () => {
      const bus = await open();
      const topic = newTopic();
      await bus.ensureTopics([topic]);
      await expect(bus.publish([event(topic, "k", 0), event(newTopic(), "k", 1)])).rejects.toMatchObject({
        code: "unknown-topic",
      });
      const recorder = new Recorder();
      await bus.subscribe({ group: "g", topics: [topic], handler: recorder.handler });
      await bus.publish([event(topic, "k", 2)]);
      await eventually(() => expect(recorder.numbers()).toContain(2));
      expect(recorder.numbers()).toEqual([2]);
    });

    it("tries a failing event again before anything later of its key", async () => {
      const bus = await open();
      const topic = newTopic();
      const recorder = new Recorder((received) => {
        if (numberOf(received) === 1 && received.attempt < 3) throw new Error("not yet");
      });
      await bus.subscribe({ group: "g", topics: [topic], handler: recorder.handler, retry: FAST_RETRY });
      await bus.publish([0, 1, 2].map((i) => event(topic, "k", i)));
      await eventually(() => expect(recorder.numbers()).toEqual([0, 1, 2]));
      expect(recorder.attempts).toEqual([0, 1, 1, 1, 2]);
    });

    it("dead-letters a poison event with its cause, goes on, and replays it to its own group only", async () => {
      const bus = await open();
      const topic = newTopic();
      let poisoned = true;
      const victim = new Recorder((received) => {
        if (poisoned && numberOf(received) === 1) {
          throw new CodedError({ code: "bad-shape", kind: "invalid", message: "the shape is wrong" });
        }
      });
      const bystander = new Recorder();
      await bus.subscribe({ group: "victim", topics: [topic], handler: victim.handler, retry: FAST_RETRY });
      await bus.subscribe({ group: "bystander", topics: [topic], handler: bystander.handler });
      await bus.publish([0, 1, 2].map((i) => event(topic, "k", i)));
      await eventually(() => expect(victim.numbers()).toEqual([0, 2]));
      expect(victim.attempts).toEqual([0, 1, 1, 1, 2]);
      const [letter, ...others] = await bus.listDeadLetters({ topic: topic.name, limit: 10 });
      expect(others).toHaveLength(0);
      expect(letter).toMatchObject({ group: "victim", key: "k", attempts: 3, errorCode: "bad-shape" });
      expect(letter?.errorMessage).toContain("the shape is wrong");
      poisoned = false;
      expect(await bus.replayDeadLetters([letter?.id ?? 0n])).toBe(1);
      await eventually(() => expect(victim.numbers()).toEqual([0, 2, 1]));
      await bus.publish([event(topic, "k", 3)]);
      await eventually(() => expect(bystander.numbers()).toEqual([0, 1, 2, 3]));
      expect(await bus.listDeadLetters({ topic: topic.name, limit: 10 })).toHaveLength(0);
    });

    it("gives several events of a partition together, in their order, to a handler that takes many", async () => {
      const bus = await open();
      const topic = newTopic(2);
      await bus.ensureTopics([topic]);
      await bus.publish(
        Array.from({ length: 60 }, (_, i) => event(topic, `key-${i % 4}`, Math.floor(i / 4))),
      );
      const recorder = new Recorder();
      const sizes: number[] = [];
      await bus.subscribe({
        group: "g",
        topics: [topic],
        handler: recorder.handler,
        async batchHandler(events) {
          sizes.push(events.length);
          for (const one of events) await recorder.handler(one);
        },
      });
      await eventually(() => expect(recorder.received).toHaveLength(60));
      expect(Math.max(...sizes)).toBeGreaterThan(1);
      expectOrderPerKey(recorder.received, 4, 15);
    });

    it("gives what waits in several partitions together while that is little, and never two topics", async () => {
      const bus = await open();
      const topics = [newTopic(4), newTopic(4)];
      await bus.ensureTopics(topics);
      const keys = Array.from({ length: 8 }, (_, i) => `key-${i}`);
      await bus.publish(topics.flatMap((topic) => keys.map((key) => event(topic, key, 0))));
      const recorder = new Recorder();
      const deliveries: (readonly ReceivedEvent[])[] = [];
      await bus.subscribe({
        group: "g",
        topics,
        handler: recorder.handler,
        async batchHandler(events) {
          deliveries.push(events);
          for (const one of events) await recorder.handler(one);
        },
      });
      await eventually(() => expect(recorder.received).toHaveLength(16));
      const different = (of: (one: ReceivedEvent) => unknown): number[] =>
        deliveries.map((events) => new Set(events.map(of)).size);
      expect(Math.max(...different(({ partition }) => partition))).toBeGreaterThan(1);
      expect(Math.max(...different(({ topic }) => topic))).toBe(1);
    });

    it("lets a bad event among several partitions concern its own alone", async () => {
      const bus = await open();
      const topic = newTopic(4);
      await bus.ensureTopics([topic]);
      const isBad = (one: ReceivedEvent): boolean => one.key === "key-0" && numberOf(one) === 1;
      await bus.publish([0, 1, 2].flatMap((i) => [0, 1, 2, 3].map((key) => event(topic, `key-${key}`, i))));
      const recorder = new Recorder((one) => {
        if (isBad(one)) throw new Error("the shape is wrong");
      });
      const together = new Set<string>();
      await bus.subscribe({
        group: "g",
        topics: [topic],
        handler: recorder.handler,
        retry: FAST_RETRY,
        async batchHandler(events) {
          if (events.some(isBad)) throw new Error("one of them is wrong");
          for (const one of events) together.add(one.key);
          for (const one of events) await recorder.handler(one);
        },
      });
      await eventually(() => expect(recorder.received).toHaveLength(11));
      await eventually(async () =>
        expect(await bus.listDeadLetters({ topic: topic.name, limit: 10 })).toMatchObject([
          { key: "key-0", attempts: FAST_RETRY.maxAttempts },
        ]),
      );
      expect(together.size, "the other partitions' events came together").toBeGreaterThan(0);
      for (const key of [1, 2, 3].map((i) => `key-${i}`))
        expect(recorder.received.filter((one) => one.key === key).map(numberOf)).toEqual([0, 1, 2]);
      expect(recorder.received.filter(({ key }) => key === "key-0").map(numberOf)).toEqual([0, 2]);
    });

    it("finds the poison event of a batch that fails, and only that becomes a dead letter", async () => {
      const bus = await open();
      const topic = newTopic(1);
      await bus.ensureTopics([topic]);
      await bus.publish([0, 1, 2, 3].map((i) => event(topic, "k", i)));
      const recorder = new Recorder((received) => {
        if (numberOf(received) === 2) throw new Error("the shape is wrong");
      });
      await bus.subscribe({
        group: "g",
        topics: [topic],
        handler: recorder.handler,
        retry: FAST_RETRY,
        async batchHandler(events) {
          if (events.some((one) => numberOf(one) === 2)) throw new Error("one of them is wrong");
          for (const one of events) await recorder.handler(one);
        },
      });
      await eventually(async () =>
        expect(await bus.listDeadLetters({ topic: topic.name, limit: 10 })).toMatchObject([
          { attempts: FAST_RETRY.maxAttempts, errorMessage: "the shape is wrong" },
        ]),
      );
      await bus.publish([event(topic, "k", 4)]);
      await eventually(() => expect(recorder.numbers()).toEqual([0, 1, 3, 4]));
    });

    it("is patient with a dependency that is away", async () => {
      const bus = await open();
      const topic = newTopic();
      const recorder = new Recorder((received) => {
        if (received.attempt <= FAST_RETRY.maxAttempts + 2) {
          throw new CodedError({ code: "peer-unavailable", kind: "unavailable", message: "away" });
        }
      });
      await bus.subscribe({ group: "g", topics: [topic], handler: recorder.handler, retry: FAST_RETRY });
      await bus.publish([event(topic, "k", 0)]);
      await eventually(() => expect(recorder.numbers()).toEqual([0]));
      expect(await bus.listDeadLetters({ topic: topic.name, limit: 1 })).toHaveLength(0);
    });

    it("shares partitions among members and hands them on when one leaves", async () => {
      const [one, two] = [await open(), await open()];
      const topic = newTopic(6);
      const recorder = new Recorder();
      const first = await one.subscribe({ group: "g", topics: [topic], handler: recorder.handler });
      await two.subscribe({ group: "g", topics: [topic], handler: recorder.handler });
      const keys = Array.from({ length: 12 }, (_, i) => `key-${i}`);
      for (let i = 0; i < 5; i++) await one.publish(keys.map((key) => event(topic, key, i)));
      await first.close();
      for (let i = 5; i < 10; i++) await one.publish(keys.map((key) => event(topic, key, i)));
      await eventually(() => expect(new Set(recorder.received.map(({ id }) => id)).size).toBe(120));
      expectOrderPerKey(recorder.received, 12, 10);
    });

    it("finishes the event in work before a subscription closes", async () => {
      const bus = await open();
      const topic = newTopic();
      const gate = gateOf<void>();
      const started = gateOf<AbortSignal>();
      let finished = false;
      const subscription = await bus.subscribe({
        group: "g",
        topics: [topic],
        handler: async (received) => {
          started.resolve(received.signal);
          await gate.promise;
          finished = true;
        },
      });
      await bus.publish([event(topic, "k", 0)]);
      const signal = await started.promise;
      const closed = subscription.close();
      await eventually(() => expect(signal.aborted).toBe(true));
      expect(finished).toBe(false);
      gate.resolve();
      await closed;
      expect(finished).toBe(true);
      const recorder = new Recorder();
      await bus.subscribe({ group: "g", topics: [topic], handler: recorder.handler });
      await bus.publish([event(topic, "k", 1)]);
      await eventually(() => expect(recorder.numbers()).toContain(1));
      expect(recorder.numbers()).toEqual([1]);
    });

    it("replays a group from the start, from an offset and from a time", async () => {
      const bus = await open();
      const topic = newTopic(1);
      const recorder = new Recorder();
      await bus.subscribe({ group: "g", topics: [topic], handler: recorder.handler });
      await bus.publish([0, 1, 2, 3].map((i) => event(topic, "k", i)));
      await eventually(() => expect(recorder.numbers()).toEqual([0, 1, 2, 3]));
      const offsetOfTwo = recorder.received.find((received) => numberOf(received) === 2)?.offset ?? -1n;
      recorder.clear();
      await bus.replay("g", topic.name, { kind: "earliest" });
      await eventually(() => expect(recorder.numbers()).toEqual([0, 1, 2, 3]));
      recorder.clear();
      await bus.replay("g", topic.name, { kind: "offset", partition: 0, offset: offsetOfTwo });
      await eventually(() => expect(recorder.numbers()).toEqual([2, 3]));
      recorder.clear();
      await bus.replay("g", topic.name, { kind: "time", fromMs: Date.now() - 3_600_000 });
      await eventually(() => expect(recorder.numbers()).toEqual([0, 1, 2, 3]));
    });

    it("loses nothing and keeps the order of keys when the backend is killed mid-stream", async ({
      skip,
    }) => {
      const crash = backend.crash?.bind(backend);
      if (crash === undefined) return skip("this backend lives in the process");
      const [publisher, consumer] = [await open(), await open()];
      const topic = newTopic(4);
      await publisher.ensureTopics([topic]);
      const recorder = new Recorder();
      await consumer.subscribe({ group: "g", topics: [topic], handler: recorder.handler });
      const halfway = gateOf<void>();
      const publishing = Promise.all(
        Array.from({ length: 6 }, async (_, key) => {
          for (let i = 0; i < 40; i++) {
            if (i === 20 && key === 0) halfway.resolve();
            // What was refused is published again under the same id, as the outbox does.
            const next = event(topic, `key-${key}`, i);
            await eventually(() => publisher.publish([next]), 30_000);
          }
        }),
      );
      await halfway.promise;
      await crash();
      await publishing;
      await eventually(() => expect(new Set(recorder.received.map(({ id }) => id)).size).toBe(240), 30_000);
      expectOrderPerKey(recorder.received, 6, 40);
      await eventually(() => publisher.ping());
    });
  });
}

let topics = 0;

interface Gate<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function gateOf<T>(): Gate<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((open) => {
    resolve = open;
  });
  return { promise, resolve };
}

function newTopic(partitions = 3): TopicSettings {
  topics += 1;
  return {
    name: `test.v1.topic-${topics}-${randomUUID().slice(0, 8)}.changed`,
    partitions,
    retentionMs: 86_400_000,
  };
}

function event(topic: TopicSettings, key: string, number: number): OutgoingEvent {
  const payload = Buffer.from(String(number));
  return { id: randomUUID(), topic: topic.name, key, payload, headers: { traceparent: `00-${number}` } };
}

function numberOf(received: OutgoingEvent): number {
  return Number(Buffer.from(received.payload).toString());
}

/** First deliveries of each key come in the order of publishing; redeliveries may repeat. */
function expectOrderPerKey(received: readonly ReceivedEvent[], keys: number, perKey: number): void {
  for (let key = 0; key < keys; key++) {
    const numbers = received.filter((one) => one.key === `key-${key}`).map(numberOf);
    expect([...new Set(numbers)]).toEqual(Array.from({ length: perKey }, (_, i) => i));
  }
}

class Recorder {
  readonly received: ReceivedEvent[] = [];
  readonly attempts: number[] = [];
  readonly handler: (event: ReceivedEvent) => Promise<void>;

  constructor(before: (event: ReceivedEvent) => void = () => undefined) {
    this.handler = async (received) => {
      this.attempts.push(numberOf(received));
      before(received);
      this.received.push(received);
    };
  }

  numbers(): number[] {
    return this.received.map(numberOf);
  }

  clear(): void {
    this.received.length = 0;
  }
}
