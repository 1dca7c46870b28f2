import type { MempoolJournal } from "@aios/consensus/domain/ports";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleTransfer } from "../support/sample-blocks.js";

export interface MempoolJournalUnderTest {
  readonly journal: MempoolJournal;
  /** Another journal on what was on disk at this moment, whatever the first has open. */
  crash(): Promise<MempoolJournal>;
  close(): Promise<void>;
}

const contentOf = (journal: MempoolJournal): Map<string, number> =>
  new Map(
    [...journal.entries()].map(({ raw, receivedAtMs }) => [Buffer.from(raw).toString("hex"), receivedAtMs]),
  );

/** What every `MempoolJournal` does. */
export function mempoolJournalConformance(name: string, open: () => Promise<MempoolJournalUnderTest>): void {
  describe(`${name} as MempoolJournal`, () => {
    let subject: MempoolJournalUnderTest;
    beforeEach(async () => {
      subject = await open();
    });
    afterEach(() => subject?.close());

    it("keeps every transaction that it took over a crash, with the time of its arrival", async () => {
      const transactions = await Promise.all([0, 1, 2, 3].map(sampleTransfer));
      await Promise.all(transactions.map((each, index) => subject.journal.add([each], 1_000 + index)));
      const expected = new Map(
        transactions.map(({ raw }, index) => [Buffer.from(raw).toString("hex"), 1_000 + index]),
      );
      expect(contentOf(subject.journal)).toEqual(expected);
      expect(contentOf(await subject.crash())).toEqual(expected);
    });

    it("of one that it takes again keeps the last entry alone, and nothing once that is removed", async () => {
      const [twice, beside] = [await sampleTransfer(0), await sampleTransfer(1)];
      await subject.journal.add([twice], 1);
      await subject.journal.add([twice, beside, twice], 2);
      expect([...subject.journal.entries()].map(({ receivedAtMs }) => receivedAtMs)).toEqual([2, 2]);
      await subject.journal.remove([twice.hash]);
      await subject.journal.remove([beside.hash]);
      expect([...subject.journal.entries()]).toEqual([]);
      expect([...(await subject.crash()).entries()]).toEqual([]);
    });

    it("has one entry a transaction, and forgets what is removed, also over a crash", async () => {
      const [kept, gone] = [await sampleTransfer(0), await sampleTransfer(1)];
      for (const each of [kept, gone, kept]) await subject.journal.add([each], 5);
      await subject.journal.remove([gone.hash, (await sampleTransfer(9)).hash]);
      const expected = new Map([[Buffer.from(kept.raw).toString("hex"), 5]]);
      expect(contentOf(subject.journal)).toEqual(expected);
      expect(contentOf(await subject.crash())).toEqual(expected);
    });
  });
}
