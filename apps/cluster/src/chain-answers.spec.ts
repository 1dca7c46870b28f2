import { ManualClock } from "@aios/kernel/clock";
import { describe, expect, it } from "vitest";
import { chainAnswers } from "./chain-answers.js";

const URL = "http://aios-consensus:8545";

/** A node that is away for the first questions, on a clock that runs when somebody waits. */
function node(awayFor: number) {
  const clock = new ManualClock(0);
  let asked = 0;
  return {
    asked: () => asked,
    clock: {
      now: () => clock.now(),
      wait: async (ms: number) => void clock.advance(ms as never),
    },
    fetch: (async () => {
      asked += 1;
      if (asked > awayFor) return new Response("{}");
      throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
    }) as typeof fetch,
  };
}

describe("the Job that needs the chain", () => {
  it("waits for a node that starts beside it, and says so once", async () => {
    const said: string[] = [];
    const { clock, fetch, asked } = node(5);
    await chainAnswers({ url: URL, clock, fetch, withinMs: 10_000, say: (line) => said.push(line) });
    expect(asked()).toBe(6);
    expect(said).toEqual([`waiting for the chain's node at ${URL}`]);
  });

  it("gives up with the reason", async () => {
    const { clock, fetch } = node(1_000);
    const question = { url: URL, clock, fetch, withinMs: 10_000, say: () => undefined };
    await expect(chainAnswers(question)).rejects.toMatchObject({
      code: "chain-unavailable",
      message: expect.stringContaining("connect ECONNREFUSED"),
    });
  });
});
