import { describe, expect, it } from "vitest";
import type { Operation } from "./operation.js";
import type { ReleaseShape } from "./release.js";
import { type CheckedBackup, targetOf } from "./restore-plan.js";

const EVENTS = { service: "events", secret: "events", key: "url" };

/** A namespace with one Secret, which names where events go. */
const withEventsAt = (url: string): Operation =>
  ({
    kubectl: {
      list: async (kind: string) =>
        kind === "secrets"
          ? [
              {
                kind: "Secret",
                metadata: { name: "events" },
                data: { url: Buffer.from(url).toString("base64") },
              },
            ]
          : [],
    },
  }) as unknown as Operation;

const target = (hasEvents: boolean, events: ReleaseShape["events"]) =>
  targetOf(
    withEventsAt("kafka://broker:9092"),
    { about: { volumes: [], databases: [], hasEvents } } as unknown as CheckedBackup,
    { claims: [], databases: [], events } as unknown as ReleaseShape,
  );

describe("the place of waiting events", () => {
  it("is a Kafka outside, where they were in one", async () => {
    expect(await target(true, EVENTS)).toMatchObject({ servers: { kafka: EVENTS } });
    await expect(target(true, undefined)).rejects.toMatchObject({ code: "state-differs" });
  });

  it("is the release's own server, where they were there: nobody would read them any more", async () => {
    expect(await target(false, undefined)).toMatchObject({ servers: { kafka: undefined } });
    await expect(target(false, EVENTS)).rejects.toMatchObject({ code: "state-differs" });
  });
});
