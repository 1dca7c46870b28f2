import { type ContentId, jobId } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { eventually } from "@aios/testkit/eventually";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { InputVault } from "../../src/domain/ports.js";

export interface InputVaultUnderTest {
  readonly vault: InputVault;
  readonly peer: Peer;
  /** Runs as compute does for a buyer. */
  acting<T>(work: () => Promise<T>): Promise<T>;
  /** What lies in storage under the CID. */
  stored(cid: ContentId): Promise<Uint8Array>;
  /** The content's key as the prover gets it. */
  keyForProving(cid: ContentId): Promise<Uint8Array>;
  close(): Promise<void>;
}

const JOB = jobId(`0x${"0a".repeat(32)}`);
const rng = new SeededRng(5);

/** What every `InputVault` does. */
export function inputVaultConformance(name: string, open: () => Promise<InputVaultUnderTest>): void {
  describe(`${name} as InputVault`, () => {
    let subject: InputVaultUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    const put = (bytes: Uint8Array): Promise<ContentId> => subject.acting(() => subject.vault.put(bytes));

    it("stores a ciphertext of any length under one CID", async () => {
      for (const length of [1, 1_300_000]) {
        const bytes = rng.bytes(length);
        const cid = await put(bytes);
        expect(await put(bytes)).toBe(cid);
        expect(Buffer.compare(await subject.stored(cid), bytes)).toBe(0);
      }
    });

    it("hands a content's key over so that the prover can have it", async () => {
      const cid = await put(rng.bytes(100));
      const key = rng.bytes(32);
      await subject.acting(() => subject.vault.depositKey(cid, key, JOB));
      expect(Buffer.compare(await subject.keyForProving(cid), key)).toBe(0);
    });

    it("says when storage is away, and loses nothing that it took", async () => {
      const bytes = rng.bytes(3_000);
      const key = rng.bytes(32);
      const cid = await put(bytes);
      await expectOutageSurvived(subject.peer, () =>
        subject.acting(() => subject.vault.depositKey(cid, key, JOB)),
      );
      expect(Buffer.compare(await subject.keyForProving(cid), key)).toBe(0);
      expect(Buffer.compare(await subject.stored(cid), bytes)).toBe(0);
      await subject.peer.kill();
      await expect(put(bytes)).rejects.toMatchObject({ code: "peer-unavailable", kind: "unavailable" });
      await subject.peer.restart();
      expect(await eventually(() => put(bytes))).toBe(cid);
    });
  });
}
