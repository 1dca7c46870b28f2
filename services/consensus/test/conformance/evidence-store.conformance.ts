import type { EvidenceRecord, EvidenceStore } from "@aios/consensus/domain/honor-ports";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleEvidence } from "../support/sample-evidence.js";

export interface EvidenceStoreUnderTest {
  readonly store: EvidenceStore;
  /** What a power loss leaves, opened again. */
  crash(): Promise<EvidenceStore>;
  close(): Promise<void>;
}

/** What every `EvidenceStore` does. */
export function evidenceStoreConformance(name: string, start: () => Promise<EvidenceStoreUnderTest>): void {
  describe(`${name} as EvidenceStore`, () => {
    let subject: EvidenceStoreUnderTest;
    beforeEach(async () => {
      subject = await start();
    });
    afterEach(() => subject?.close());

    it("keeps the last record of each key over a crash, oldest first", async () => {
      expect([...subject.store.records()]).toEqual([]);
      const sent = { ...sampleEvidence(1, 9), transaction: `0x${"aa".repeat(32)}` as Bytes32 };
      for (const record of [sampleEvidence(1, 9), sampleEvidence(2, 4), sent] satisfies EvidenceRecord[])
        await subject.store.put(record);
      const expected = [sampleEvidence(2, 4), sent];
      expect([...subject.store.records()]).toEqual(expected);
      expect([...(await subject.crash()).records()]).toEqual(expected);
    });
  });
}
