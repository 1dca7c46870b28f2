import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ATTENTIVE_FOR_MS, LONGEST_REST_MS, LOOK_EVERY_MS, RelayPace } from "./relay-pace.js";

interface Write {
  readonly insertedAtMs: number;
  readonly committedAtMs: number;
}

/** When each write is found by a relay whose looks take no time, and how many looks it took. */
function relay(writes: readonly Write[], untilMs: number): { foundAtMs: number[]; looks: number[] } {
  const pace = new RelayPace();
  const foundAtMs = writes.map(() => Number.POSITIVE_INFINITY);
  const notifies = writes.map(() => false);
  const looks: number[] = [];
  let lookAtMs = 0;
  let woken = false;
  for (let nowMs = 0; nowMs < untilMs; nowMs++) {
    writes.forEach(({ insertedAtMs, committedAtMs }, index) => {
      if (insertedAtMs === nowMs) notifies[index] = !pace.attentive;
      if (committedAtMs === nowMs && notifies[index] === true) woken = true;
    });
    if (!woken && nowMs < lookAtMs) continue;
    const found = writes.flatMap(({ committedAtMs }, index) =>
      committedAtMs <= nowMs && foundAtMs[index] === Number.POSITIVE_INFINITY ? [index] : [],
    );
    for (const index of found) foundAtMs[index] = nowMs;
    const look = { moved: found.length, full: false, woken: woken && found.length > 1, tookMs: 0, nowMs };
    woken = false;
    looks.push(nowMs);
    const wanted = pace.wants(look);
    if (wanted && !pace.attentive) pace.attend();
    if (!wanted) pace.relax();
    lookAtMs = nowMs + Math.max(1, pace.restMs(look));
  }
  return { foundAtMs, looks };
}

const write = fc
  .record({ at: fc.integer({ min: 0, max: 2_000 }), took: fc.integer({ min: 0, max: 600 }) })
  .map(({ at, took }) => ({ insertedAtMs: at, committedAtMs: at + took }));

describe("the pace of a relay", () => {
  it("finds every write at once where it was notified, and else within about what its transaction took", () => {
    fc.assert(
      fc.property(fc.array(write, { minLength: 1, maxLength: 40 }), (writes) => {
        const { foundAtMs } = relay(writes, 6_000);
        writes.forEach(({ insertedAtMs, committedAtMs }, index) => {
          const took = committedAtMs - insertedAtMs;
          const waited = (foundAtMs[index] ?? Number.POSITIVE_INFINITY) - committedAtMs;
          expect(waited).toBeLessThanOrEqual(Math.min(LONGEST_REST_MS, took + 2 * LOOK_EVERY_MS));
        });
      }),
    );
  });

  it("takes two looks for each write that comes alone, the second to remove it, and seldom looks when nothing comes", () => {
    const writes = [500, 1_700, 2_900].map((at) => ({ insertedAtMs: at, committedAtMs: at + 5 }));
    expect(relay(writes, 10_000).looks.length).toBeLessThan(20);
  });

  it("lets writers be silent under load, and asks them to notify again after it", () => {
    const pace = new RelayPace();
    const look = { moved: 3, full: false, woken: true, tookMs: 0, nowMs: 10 };
    expect(pace.wants({ ...look, woken: false })).toBe(false);
    expect(pace.restMs(look), "what was moved is removed by the next look").toBe(0);
    expect(pace.wants({ ...look, woken: false, full: true })).toBe(true);
    expect(pace.wants(look)).toBe(true);
    pace.attend();
    expect(pace.restMs(look)).toBe(LOOK_EVERY_MS);
    expect(pace.restMs({ ...look, tookMs: 3 })).toBe(LOOK_EVERY_MS - 3);
    expect(pace.restMs({ ...look, tookMs: 30 })).toBe(0);
    const nothing = { moved: 0, full: false, woken: false, tookMs: 0 };
    expect(pace.wants({ ...nothing, nowMs: 9 + ATTENTIVE_FOR_MS })).toBe(true);
    const late = { ...nothing, nowMs: 10 + ATTENTIVE_FOR_MS };
    expect(pace.wants(late)).toBe(false);
    pace.relax();
    const rests = Array.from({ length: 11 }, () => pace.restMs(late));
    expect(rests).toEqual([0, 4, 8, 16, 32, 64, 128, 256, 512, 1_000, 1_000]);
  });
});
