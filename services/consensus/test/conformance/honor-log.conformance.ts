import type { HonorLog } from "@aios/consensus/domain/honor-ports";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { entriesOfBatch } from "../support/honor-log-batches.js";

export interface HonorLogUnderTest {
  /** Opens the log as a process does that has just started. */
  open(): HonorLog & { close(): Promise<void> };
  /**
   * Another process appends batches from this one on, and is killed a moment after so many are acknowledged. Answers the
   * last acknowledged.
   */
  writeUntilKilled(from: number, count: number): Promise<number>;
  close(): Promise<void>;
}

const ROUNDS = Number(process.env["DURABILITY_ROUNDS"] ?? 6);

/** What every `HonorLog` does. */
export function honorLogConformance(name: string, start: () => Promise<HonorLogUnderTest>): void {
  describe(`${name} as HonorLog`, () => {
    let subject: HonorLogUnderTest;
    beforeEach(async () => {
      subject = await start();
    });
    afterEach(() => subject?.close());

    async function loaded(): Promise<ReturnType<HonorLog["load"]>> {
      const log = subject.open();
      const entries = log.load();
      await log.close();
      return entries;
    }

    it("keeps entries in order, and the last safety record alone, at the end", async () => {
      expect(await loaded()).toEqual([]);
      const log = subject.open();
      await log.append(entriesOfBatch(0));
      await Promise.all([log.append(entriesOfBatch(1)), log.append(entriesOfBatch(2))]);
      await log.close();
      const written = [0, 1, 2].flatMap(entriesOfBatch);
      const safety = written.filter(({ kind }) => kind === "safety");
      expect(await loaded()).toEqual([...written.filter(({ kind }) => kind !== "safety"), safety.at(-1)]);
    });

    it("holds every batch that was acknowledged, whole and in order, after it is killed again and again", async () => {
      let next = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const acknowledged = await subject.writeUntilKilled(next, 7 + 5 * round);
        const entries = await loaded();
        const blocks = entries.filter(({ kind }) => kind === "block");
        const batches = blocks.length / 2;
        expect(batches).toBeGreaterThan(acknowledged);
        const expected = Array.from({ length: batches }, (_, batch) => entriesOfBatch(batch)).flat();
        expect(blocks).toEqual(expected.filter(({ kind }) => kind === "block"));
        expect(entries.at(-1)).toEqual(entriesOfBatch(batches - 1)[1]);
        next = batches;
      }
    });
  });
}
