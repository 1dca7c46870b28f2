import { eventually } from "@aios/testkit/eventually";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Anchor } from "../../src/domain/ports.js";
import type { ReceiptDomain } from "../../src/domain/receipt-record.js";

export interface AnchorUnderTest {
  /** Opens the adapter as a process does that has just started. */
  open(): Anchor;
  readonly peer: Peer;
  readonly domain: ReceiptDomain;
  /** Roots of the batches that are on chain, in order. */
  anchored(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const root = (digit: string): string => `0x${digit.repeat(64)}`;

/** What every `Anchor` does; the tests follow one chain. */
export function anchorConformance(name: string, start: () => Promise<AnchorUnderTest>): void {
  describe(`${name} as Anchor`, () => {
    let subject: AnchorUnderTest;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject?.close());

    it("knows where receipts are anchored, and keeps knowing it while economy is away", async () => {
      const anchor = subject.open();
      expect(await anchor.domain()).toEqual(subject.domain);
      await subject.peer.kill();
      expect(await anchor.domain()).toEqual(subject.domain);
      await expect(subject.open().domain()).rejects.toMatchObject({ code: "peer-unavailable" });
      await subject.peer.restart();
      expect(await eventually(() => subject.open().domain())).toEqual(subject.domain);
    });

    it("anchors a root once, however often it is submitted under its key", async () => {
      await Promise.all([1, 2, 3].map(() => subject.open().submit("batch-1:1", 1n, root("a"), 3)));
      await eventually(async () => expect(await subject.anchored()).toEqual([root("a")]), 30_000);
      await subject.open().submit("batch-1:1", 1n, root("a"), 3);
      await expect(subject.open().submit("batch-1:1", 1n, root("b"), 3)).rejects.toMatchObject({
        code: "idempotency-key-reused",
      });
    });

    it("loses no submission that was taken when economy is killed", async () => {
      await subject.open().submit("batch-2:1", 2n, root("c"), 1);
      await expectOutageSurvived(subject.peer, () => subject.open().submit("batch-2:1", 2n, root("c"), 1));
      await eventually(async () => expect(await subject.anchored()).toEqual([root("a"), root("c")]), 30_000);
    });
  });
}
