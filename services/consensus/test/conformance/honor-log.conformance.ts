import type { HonorLog } from "@aios/consensus/domain/honor-ports";
import { blockId } from "@aios/core-honor-node/dag-block";
import type { LogEntry } from "@aios/core-honor-node/node-protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { baseOf, decisionOf, entriesOfBatch, transactionOf } from "../support/honor-log-batches.js";

export interface HonorLogUnderTest {
  /** Opens the log as a process does that has just started. */
  open(options?: { readonly archive: boolean }): HonorLog & { close(): Promise<void> };
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

    async function loaded(): Promise<LogEntry[]> {
      const log = subject.open();
      const entries = [...log.load()];
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

    it("gives up what a base makes needless, and reads the base first", async () => {
      const log = subject.open();
      for (const batch of [1, 2, 3]) await log.append(entriesOfBatch(batch));
      const blocks = [1, 2, 3].flatMap(entriesOfBatch).filter((entry) => entry.kind === "block");
      const ids = blocks.map(({ block }) => blockId(block));
      const decisions = [1, 2, 3, 4].map(decisionOf);
      await log.append(decisions);
      await log.append(
        [1, 2, 3].map((height) => ({ kind: "order", height, blocks: [ids[height] as string] })),
      );
      await log.append([{ kind: "transactions", transactions: [] }]);
      const base = baseOf(ids[3] as string, 2, 3);
      const accepted = [transactionOf(7)];
      await log.append([
        { kind: "base", base, gone: ids.slice(0, 3), accepted },
        entriesOfBatch(4)[0] as LogEntry,
      ]);
      expect(ids.map((id) => log.hasBlock(id))).toEqual(ids.map((id) => log.block(id) !== undefined));
      expect([log.block(ids[0] as string), log.decision(1), log.order(2)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(log.block(ids[4] as string)).toEqual(blocks[4]?.block);
      expect(log.decision(2)).toEqual((decisions[1] as Extract<LogEntry, { kind: "decision" }>).decision);
      await log.close();
      const left = await loaded();
      expect(left).toEqual([
        { kind: "base", base, gone: [], accepted: [] },
        ...decisions.slice(2),
        { kind: "order", height: 3, blocks: [ids[3]] },
        ...blocks.slice(3),
        entriesOfBatch(4)[0],
        { kind: "transactions", transactions: accepted },
        entriesOfBatch(3)[1],
      ]);
    });

    it("gives nothing up where it is an archive, and starts from the base all the same", async () => {
      const log = subject.open({ archive: true });
      for (const batch of [1, 2]) await log.append(entriesOfBatch(batch));
      const blocks = [1, 2].flatMap(entriesOfBatch).filter((entry) => entry.kind === "block");
      const ids = blocks.map(({ block }) => blockId(block));
      await log.append([decisionOf(1), decisionOf(2), { kind: "order", height: 1, blocks: ids.slice(0, 2) }]);
      await log.append([
        { kind: "base", base: baseOf(ids[2] as string, 1, 2), gone: ids.slice(0, 2), accepted: [] },
      ]);
      expect(log.block(ids[0] as string)).toEqual(blocks[0]?.block);
      expect(ids.map((id) => log.hasBlock(id))).toEqual([true, true, true, true]);
      expect([log.decision(1) !== undefined, log.order(1)]).toEqual([true, ids.slice(0, 2)]);
      expect(log.sizes).toMatchObject({ blocks: 2, archivedBlocks: 2, decisions: 2 });
      await log.close();
      expect((await loaded()).map(({ kind }) => kind)).toEqual([
        "base",
        "decision",
        "block",
        "block",
        "safety",
      ]);
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
