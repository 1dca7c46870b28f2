import { ProofEnded } from "@aios/proto/aios/events/v1/events";
import { topics } from "@aios/proto/topics";
import { CallerGuard } from "@aios/service-kit/caller-guard";
import { EventBusTransport } from "@aios/service-kit/event-bus-transport";
import type { EventContext } from "@aios/service-kit/event-context";
import { OnEvent, OnEvents } from "@aios/service-kit/on-event";
import { startTelemetry } from "@aios/service-kit/telemetry";
import { Controller, Module, type Type } from "@nestjs/common";
import { APP_GUARD, NestFactory } from "@nestjs/core";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../../src/eventually.js";
import { MemoryEventBus } from "../../src/memory-event-bus.js";
import { silentLogger } from "../../src/silent-logger.js";

const topic = topics.proverProofEnded;
const calls: { readonly jobs: readonly string[]; readonly ids: readonly string[] }[] = [];

@Controller()
class TakesMany {
  @OnEvents(topic)
  async proofsEnded(events: readonly ProofEnded[], contexts: readonly EventContext[]): Promise<void> {
    if (events.some(({ jobId }) => jobId === "poison")) throw new Error("this one cannot be handled");
    calls.push({ jobs: events.map(({ jobId }) => jobId), ids: contexts.map(({ id }) => id) });
  }
}

@Controller()
class TakesOne {
  @OnEvent(topic)
  async proofEnded(event: ProofEnded, context: EventContext): Promise<void> {
    calls.push({ jobs: [event.jobId], ids: [context.id] });
  }
}

const guarded = { provide: APP_GUARD, useClass: CallerGuard };

@Module({ controllers: [TakesMany], providers: [guarded] })
class ManyModule {}

@Module({ controllers: [TakesOne], providers: [guarded] })
class OneModule {}

describe("handlers of events", () => {
  let bus = new MemoryEventBus();
  let stop: () => Promise<void> = async () => undefined;

  afterEach(async () => {
    await stop();
    calls.length = 0;
  });

  const listen = async (module: Type, group: string): Promise<void> => {
    const retry = { maxAttempts: 2, firstDelayMs: 1, maxDelayMs: 1 };
    const app = await NestFactory.createMicroservice(module, {
      strategy: new EventBusTransport({ bus, group, logger: silentLogger, retry }),
      logger: false,
    });
    await app.listen();
    stop = () => app.close();
  };

  const publish = (jobs: readonly string[], headers: readonly Record<string, string>[] = []): Promise<void> =>
    bus.publish(
      jobs.map((jobId, index) => ({
        id: crypto.randomUUID(),
        topic: topic.name,
        key: "one key",
        payload: topic.codec.encode(ProofEnded.fromPartial({ jobId })).finish(),
        headers: headers[index] ?? {},
      })),
    );

  it("get what waits together, where they take many, and the poison event alone; no caller is asked for", async () => {
    await bus.ensureTopics([topic]);
    await publish(["a", "b", "c"]);
    await listen(ManyModule, "many");
    await eventually(() => expect(calls.flatMap(({ jobs }) => jobs)).toEqual(["a", "b", "c"]));
    expect(calls.some(({ jobs }) => jobs.length > 1)).toBe(true);
    expect(new Set(calls.flatMap(({ ids }) => ids)).size).toBe(3);
    await publish(["d", "poison", "e"]);
    await eventually(() => expect(calls.flatMap(({ jobs }) => jobs)).toEqual(["a", "b", "c", "d", "e"]));
    const letters = await bus.listDeadLetters({ group: "many", limit: 10 });
    expect(letters).toMatchObject([{ key: "one key", attempts: 2 }]);
  });

  it("get one at a time otherwise", async () => {
    await listen(OneModule, "one");
    await eventually(() =>
      expect(calls.map(({ jobs }) => jobs)).toEqual([["a"], ["b"], ["c"], ["d"], ["poison"], ["e"]]),
    );
  });

  it("go on in the trace of each event, also where several come together", async () => {
    const telemetry = await startTelemetry({
      service: "test",
      instanceId: "1",
      otlpEndpoint: undefined,
      samplePercent: 100,
    });
    const traces = ["1", "2", "3"].map((digit) => ({ traceId: digit.repeat(32), spanId: digit.repeat(16) }));
    bus = new MemoryEventBus();
    await bus.ensureTopics([topic]);
    await publish(
      ["x", "y", "z"],
      traces.map(({ traceId, spanId }) => ({ traceparent: `00-${traceId}-${spanId}-01` })),
    );
    await listen(ManyModule, "traced");
    await eventually(() => expect(calls.map(({ jobs }) => jobs)).toEqual([["x", "y", "z"]]));
    for (const { traceId, spanId } of traces)
      await eventually(() =>
        expect(telemetry.spans.trace(traceId).spans).toMatchObject([
          {
            name: `handle ${topic.name}`,
            parentSpanId: spanId,
            failed: false,
          },
        ]),
      );
    await telemetry.shutdown();
  });
});
