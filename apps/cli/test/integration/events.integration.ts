import { randomUUID } from "node:crypto";
import type { EventBus } from "@aios/service-kit/event-bus";
import { openEventBus } from "@aios/service-kit/open-event-bus";
import { eventually } from "@aios/testkit/eventually";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { silentLogger } from "@aios/testkit/silent-logger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../src/cli.js";

const topic = { name: "test.v1.thing.changed", partitions: 1, retentionMs: 86_400_000 };
const once = { maxAttempts: 1, maxUnavailableAttempts: 1, firstDelayMs: 1, maxDelayMs: 1 };

describe("aios events", () => {
  let postgres: TestPostgres;
  let bus: EventBus;
  let url: string;
  let broken = true;
  const handled: string[] = [];

  beforeAll(async () => {
    postgres = await startPostgres();
    url = postgres.url("events");
    bus = await openEventBus({ url, applicationName: "test", logger: silentLogger });
    await bus.subscribe({
      group: "scoring",
      topics: [topic],
      retry: once,
      handler: async ({ key }) => {
        if (broken && key === "b") throw new Error("the shape is wrong");
        handled.push(key);
      },
    });
    const events = ["a", "b", "c"].map((key) => ({
      id: randomUUID(),
      key,
      topic: topic.name,
      payload: Buffer.from(key),
      headers: {},
    }));
    await bus.publish(events);
    await eventually(() => expect(handled).toEqual(["a", "c"]));
  });

  afterAll(async () => {
    await bus.close();
    await postgres.stop();
  });

  async function aios(...argv: string[]): Promise<{ code: number; text: string }> {
    let text = "";
    const take = (piece: string): void => {
      text += piece;
    };
    const code = await runCli(["events", ...argv], {
      env: { EVENT_BUS_URL: url },
      write: take,
      writeError: take,
    });
    return { code, text };
  }

  it("shows what a service gave up on and why, and gives it back once", async () => {
    const { text } = await aios("list", "--group", "scoring");
    expect(text).toContain(`scoring  ${topic.name}  key b`);
    expect(text).toContain("the shape is wrong");
    broken = false;
    const { deadLetters } = JSON.parse((await aios("list", "--json")).text);
    expect(await aios("retry", deadLetters[0].id)).toEqual({
      code: 0,
      text: "1 of 1 events went back to their services.\n",
    });
    await eventually(() => expect(handled).toEqual(["a", "c", "b"]));
    expect(await aios("retry", deadLetters[0].id)).toMatchObject({
      code: 1,
      text: expect.stringContaining("0 of 1"),
    });
    expect((await aios("list")).text).toContain("No event waits");
  });

  it("lets a working service read a topic again", async () => {
    handled.length = 0;
    expect((await aios("replay", "scoring", topic.name, "--from", "earliest")).code).toBe(0);
    // The dead letter was given back as a copy of its own, so it comes twice.
    await eventually(() => expect(handled).toEqual(["a", "b", "c", "b"]));
    handled.length = 0;
    expect((await aios("replay", "scoring", topic.name, "--from", "0:2")).code).toBe(0);
    await eventually(() => expect(handled).toEqual(["c", "b"]));
  });

  it("says what is wrong with the call", async () => {
    expect(await aios("replay", "scoring", topic.name, "--from", "yesterday")).toMatchObject({
      code: 2,
      text: expect.stringContaining("--from takes"),
    });
    expect(await aios("retry")).toMatchObject({ code: 2, text: expect.stringContaining("--all") });
    expect(await aios("retry", "1", "--all")).toMatchObject({ code: 2 });
    expect(await aios("list", "x")).toMatchObject({ code: 2 });
  });
});
