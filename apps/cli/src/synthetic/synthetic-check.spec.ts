import { ManualClock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { expect, it } from "vitest";
import { SyntheticCheck, type SyntheticOutcome } from "./synthetic-check.js";

function check(act: () => Promise<string>, clock = new ManualClock()) {
  const outcomes: SyntheticOutcome[] = [];
  const options = {
    everyMs: 300_000,
    withinMs: 120_000,
    onOutcome: (each: SyntheticOutcome) => void outcomes.push(each),
  };
  return { check: new SyntheticCheck({ act, clock, ...options }), outcomes, clock };
}

it("tells the job of a run that succeeded", async () => {
  expect(await check(async () => "0x01").check.once()).toMatchObject({ ok: true, detail: "0x01" });
});

it("tells the stable code of a run that failed, and goes on living", async () => {
  const error = new CodedError({ code: "no-model", kind: "not-found", message: "None." });
  expect(await check(() => Promise.reject(error)).check.once()).toMatchObject({
    ok: false,
    errorCode: "no-model",
  });
  expect(await check(() => Promise.reject(new Error("odd"))).check.once()).toMatchObject({
    errorCode: "unexpected",
  });
});

it("gives up on a run that does not end", async () => {
  const { check: slow, clock } = check(() => new Promise<string>(() => undefined));
  const outcome = slow.once();
  clock.advance(120_000);
  expect(await outcome).toMatchObject({ ok: false, errorCode: "unexpected", tookMs: 120_000 });
});

it("runs once in each interval, and ends with its signal", async () => {
  const { check: steady, outcomes, clock } = check(async () => "0x01");
  const end = new AbortController();
  const running = steady.run(end.signal);
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  for (let round = 0; round < 2; round++) {
    await settled();
    clock.advance(300_000);
  }
  await settled();
  end.abort();
  await running;
  expect(outcomes).toHaveLength(3);
});
