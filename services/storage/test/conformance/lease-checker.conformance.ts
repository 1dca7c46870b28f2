import { type Address, address, jobId } from "@aios/kernel/identifiers";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LeaseClaim } from "../../src/domain/content-key.js";
import type { LeaseChecker } from "../../src/domain/ports.js";

export interface LeaseCheckerUnderTest {
  readonly checker: LeaseChecker;
  readonly peer: Peer;
  /** A lease that is live as long as the test runs. */
  readonly live: LeaseClaim;
  /** What the job of that lease reads. */
  readonly contentCids: readonly string[];
  /** Who published its model. */
  readonly modelOwner: Address;
  close(): Promise<void>;
}

/** What every `LeaseChecker` does. */
export function leaseCheckerConformance(name: string, open: () => Promise<LeaseCheckerUnderTest>): void {
  describe(`${name} as LeaseChecker`, () => {
    let subject: LeaseCheckerUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("knows a live lease, what it reads and whose model it runs", async () => {
      const { checker, live, contentCids, modelOwner } = subject;
      expect(await checker.check(live)).toMatchObject({ live: true, contentCids, modelOwner });
    });

    it("says of every other lease that it is not live, and why", async () => {
      const { checker, live } = subject;
      const others: LeaseClaim[] = [
        { ...live, jobId: jobId(`0x${"fe".repeat(32)}`) },
        { ...live, fencingToken: live.fencingToken + 1 },
        { ...live, provider: address(`0x${"fe".repeat(20)}`) },
      ];
      for (const claim of others) {
        const standing = await checker.check(claim);
        expect(standing).toMatchObject({ live: false, contentCids: [], modelOwner: undefined });
        expect(standing.reason).not.toBe("");
      }
    });

    it("lets nothing pass while compute is away, and finds the lease again when it is back", async () => {
      await expectOutageSurvived(subject.peer, () => subject.checker.check(subject.live));
    });
  });
}
