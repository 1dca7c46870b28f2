import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { protoRoot } from "./proto-root.js";
import { findTopic, topics } from "./topics.js";

const source = readFileSync(join(protoRoot, "aios/events/v1/events.proto"), "utf8");
const messages = [...source.matchAll(/^message (\w+)/gm)].map((match) => match[1]);
const documented = new Map(
  [...source.matchAll(/^\/\/ Topic ([\w.-]+),[\s\S]*?^message (\w+)/gm)].map((m) => [m[2], m[1]]),
);

describe("topic registry", () => {
  it("has exactly one topic for every message of events.proto", () => {
    expect(messages.length).toBeGreaterThan(0);
    expect(
      Object.values(topics)
        .map((topic) => topic.message)
        .sort(),
    ).toEqual([...messages].sort());
  });

  it("names each topic as its message's comment does", () => {
    for (const topic of Object.values(topics)) expect(topic.name).toBe(documented.get(topic.message));
  });

  it("has unique, well-formed names and sane bounds", () => {
    const names = Object.values(topics).map((topic) => topic.name);
    expect(new Set(names).size).toBe(names.length);
    for (const topic of Object.values(topics)) {
      expect(topic.name).toMatch(/^[a-z-]+\.v1\.[a-z-]+\.[a-z-]+$/);
      expect(topic.partitions).toBeGreaterThanOrEqual(1);
      expect(topic.partitions).toBeLessThanOrEqual(64);
      expect(topic.retentionMs).toBeGreaterThan(0);
    }
  });

  it("keys and round-trips an event", () => {
    const topic = topics.proverKeyEnded;
    const event = topic.codec.fromPartial({ modelCommitment: Uint8Array.of(0xab, 1), ready: true });
    expect(topic.key(event)).toBe("0xab01");
    expect(topic.codec.decode(topic.codec.encode(event).finish())).toEqual({
      ...event,
      modelCommitment: expect.anything(),
    });
    expect(findTopic("prover.v1.key.ended")?.message).toBe("KeySetUpEnded");
    expect(findTopic("no.v1.such.topic")).toBeUndefined();
  });
});
