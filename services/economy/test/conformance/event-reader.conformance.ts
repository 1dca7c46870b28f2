import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChainBlock } from "../../src/domain/chain-block.js";
import type { EventReader } from "../../src/domain/ports.js";

export interface EventReaderUnderTest {
  readonly reader: EventReader;
  /** A block in which transactions anchored batches, and the batches' subjects in order. */
  readonly eventful: { readonly block: ChainBlock; readonly subjects: readonly string[] };
  /** A block in which nothing happened to the protocol. */
  readonly quiet: ChainBlock;
  close(): Promise<void>;
}

/** What every `EventReader` does. */
export function eventReaderConformance(name: string, open: () => Promise<EventReaderUnderTest>): void {
  describe(`${name} as EventReader`, () => {
    let subject: EventReaderUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("reads every event of the protocol, in order, each in its place on the chain", () => {
      const { block, subjects } = subject.eventful;
      const events = subject.reader.eventsOf(block);
      expect(events.map((event) => event.subject)).toEqual(subjects);
      const indexes = events.map(({ logIndex }) => logIndex);
      expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
      for (const event of events) {
        expect(event).toMatchObject({
          contract: "ReceiptRegistry",
          name: "ReceiptsAnchored",
          blockHash: block.hash,
          blockNumber: block.number,
          timestampSeconds: block.timestampSeconds,
        });
        expect(block.receipts.map((each) => each.transactionHash)).toContain(event.transactionHash);
        expect(event.args).toMatchObject({ receiptCount: expect.stringMatching(/^[0-9]+$/) as string });
      }
    });

    it("reads nothing in a block without events, and the same in the same block", () => {
      expect(subject.reader.eventsOf(subject.quiet)).toEqual([]);
      const { block } = subject.eventful;
      expect(subject.reader.eventsOf(block)).toEqual(subject.reader.eventsOf(block));
    });
  });
}
