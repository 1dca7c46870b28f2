import { jobId } from "@aios/kernel/identifiers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LeaseJournal } from "../../src/domain/ports.js";
import { crashBytes, crashLease } from "../support/crash-entries.js";

export interface LeaseJournalUnderTest {
  /** Opens the journal as a process does that has just started, on the same data each time. */
  open(): Promise<LeaseJournal>;
  /**
   * Another process writes the entries of `crash-entries.ts` in order, and is killed in the middle. Answers how many it
   * knew to be written.
   */
  crashWhileWriting(): Promise<number>;
  close(): Promise<void>;
}

const JOB = jobId(`0x${"0a".repeat(32)}`);
const OTHER = jobId(`0x${"0b".repeat(32)}`);
const bytes = (...values: number[]): Uint8Array => Uint8Array.of(...values);

/** What every `LeaseJournal` does. */
export function leaseJournalConformance(name: string, start: () => Promise<LeaseJournalUnderTest>): void {
  describe(`${name} as LeaseJournal`, () => {
    let subject: LeaseJournalUnderTest;
    beforeEach(async () => {
      subject = await start();
    });
    afterEach(() => subject?.close());

    it("keeps grant and outcome of each lease over a restart", async () => {
      const journal = await subject.open();
      expect(await journal.all()).toEqual([]);
      await journal.putGrant({ jobId: JOB, fencingToken: 1 }, bytes(1));
      await journal.putGrant({ jobId: JOB, fencingToken: 2 }, bytes(2));
      await journal.putOutcome({ jobId: JOB, fencingToken: 2 }, bytes(3));
      await journal.putGrant({ jobId: OTHER, fencingToken: 1 }, bytes(4));
      expect(await (await subject.open()).all()).toEqual([
        { jobId: JOB, fencingToken: 1, grant: bytes(1), outcome: undefined },
        { jobId: JOB, fencingToken: 2, grant: bytes(2), outcome: bytes(3) },
        { jobId: OTHER, fencingToken: 1, grant: bytes(4), outcome: undefined },
      ]);
    });

    it("has one entry a lease, whatever comes again, and the newest of it", async () => {
      const journal = await subject.open();
      const lease = { jobId: JOB, fencingToken: 5 };
      for (const value of [1, 2]) {
        await journal.putGrant(lease, bytes(value));
        await journal.putOutcome(lease, bytes(value + 10));
      }
      expect(await journal.all()).toEqual([{ ...lease, grant: bytes(2), outcome: bytes(12) }]);
    });

    it("keeps what was agreed over a restart, granted or not, until its lease is removed", async () => {
      const journal = await subject.open();
      const [first, second] = [
        { jobId: JOB, fencingToken: 1 },
        { jobId: OTHER, fencingToken: 1 },
      ];
      const terms = { kind: "inference", priceWei: "7", acceptByMs: 1, deliverByMs: 2 } as const;
      await journal.putTerms(first, terms);
      await journal.putTerms(second, { ...terms, kind: "training" });
      await journal.putGrant(second, bytes(1));
      expect(await (await subject.open()).agreed()).toEqual([
        { ...first, terms },
        { ...second, terms: { ...terms, kind: "training" } },
      ]);
      expect((await journal.all()).map(({ jobId: id }) => id)).toEqual([OTHER]);
      await journal.remove(second);
      expect(await journal.agreed()).toEqual([{ ...first, terms }]);
    });

    it("forgets what is removed, and nothing else", async () => {
      const journal = await subject.open();
      const [gone, kept] = [
        { jobId: JOB, fencingToken: 1 },
        { jobId: JOB, fencingToken: 11 },
      ];
      for (const lease of [gone, kept]) {
        await journal.putGrant(lease, bytes(lease.fencingToken));
        await journal.putOutcome(lease, bytes(9));
      }
      await journal.remove(gone);
      await journal.remove({ jobId: OTHER, fencingToken: 3 });
      const left = [{ ...kept, grant: bytes(11), outcome: bytes(9) }];
      expect(await (await subject.open()).all()).toEqual(left);
      await journal.putGrant(gone, bytes(7));
      expect(await journal.all()).toEqual([{ ...gone, grant: bytes(7), outcome: undefined }, ...left]);
    });

    it("has everything that was written when its process is killed, and nothing in halves", async () => {
      const written = await subject.crashWhileWriting();
      expect(written).toBeGreaterThan(0);
      const found = new Map((await (await subject.open()).all()).map((each) => [each.fencingToken, each]));
      for (let number = 1; number <= written; number++) {
        const expected = crashBytes(number);
        expect(found.get(number)).toEqual({ ...crashLease(number), grant: expected, outcome: expected });
      }
      // The one in work when the process died may be there, whole.
      for (const [number, { grant, outcome }] of found) {
        expect(number).toBeLessThanOrEqual(written + 1);
        expect(grant).toEqual(crashBytes(number));
        if (outcome !== undefined) expect(outcome).toEqual(crashBytes(number));
      }
    });
  });
}
