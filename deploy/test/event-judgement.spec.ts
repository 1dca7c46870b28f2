import { describe, expect, it } from "vitest";
import { type EventCounts, eventProblems } from "../src/event-judgement.js";

const CHAIN = { "0xa": ["0x1:0", "0x2:3", "0x3:1"] };
const SOUND: EventCounts = {
  topics: { "economy.v1.job.changed": { events: 4, ids: 4 } },
  waiting: [{ group: "compute", topic: "economy.v1.job.changed", events: 0 }],
  jobChanges: { "0xa": ["0x1:0 seen", "0x2:3 seen", "0x3:1 seen", "0x3:1 final"] },
};

describe("what the events of a load are judged by", () => {
  it("finds nothing where each change of state was published once and each end as final", () => {
    expect(eventProblems(SOUND, CHAIN)).toEqual([]);
    const atOnce = { "0xa": ["0x1:0 final", "0x2:3 final", "0x3:1 final"] };
    expect(eventProblems({ ...SOUND, jobChanges: atOnce }, CHAIN)).toEqual([]);
  });

  it.each<[string, Partial<EventCounts>, string]>([
    ["an event that a topic holds twice", { topics: { t: { events: 5, ids: 4 } } }, "t holds 1 events twice"],
    [
      "events that nobody handled",
      { waiting: [{ group: "scoring", topic: "t", events: 2 }] },
      "scoring has not handled 2 events of t",
    ],
    [
      "a change that was not published",
      { jobChanges: { "0xa": ["0x1:0 seen", "0x3:1 final"] } },
      "0xa: nothing was published of 0x2:3",
    ],
    [
      "a change that was published twice under two ids",
      { jobChanges: { "0xa": [...(SOUND.jobChanges["0xa"] ?? []), "0x2:3 seen"] } },
      "0xa: published 2 times: 0x2:3 seen",
    ],
    [
      "an end that nobody heard of as final",
      { jobChanges: { "0xa": ["0x1:0 seen", "0x2:3 seen", "0x3:1 seen"] } },
      "0xa: its end was not published as final",
    ],
    [
      "an event of a block that the chain does not have",
      { jobChanges: { "0xa": [...(SOUND.jobChanges["0xa"] ?? []), "0x9:0 seen"] } },
      "0xa: published, and not on chain: 0x9:0 seen",
    ],
  ])("finds %s", (_what, changed, problem) => {
    expect(eventProblems({ ...SOUND, ...changed }, CHAIN)).toEqual([problem]);
  });

  it("misses a job of which nothing was published", () => {
    expect(eventProblems({ ...SOUND, jobChanges: {} }, CHAIN)).toHaveLength(4);
  });
});
