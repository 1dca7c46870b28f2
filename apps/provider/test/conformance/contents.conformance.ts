import { decryptContent } from "@aios/core-sealing/content-encryption";
import { type ContentId, jobId } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { eventually } from "@aios/testkit/eventually";
import type { Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Contents, LeaseRef } from "../../src/domain/ports.js";

export interface ContentsUnderTest {
  readonly contents: Contents;
  readonly peer: Peer;
  /** An owner stores a content whose key goes to leases of its own model. Answers its CID. */
  deposit(plaintext: Uint8Array): Promise<ContentId>;
  /** The lease is live, and its job reads these. */
  giveLease(lease: LeaseRef, cids: readonly ContentId[]): void;
  /** Ends a wait of the adapter's. */
  pass(): void;
  close(): Promise<void>;
}

const UNKNOWN = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy" as ContentId;
const LEASE: LeaseRef = { jobId: jobId(`0x${"0d".repeat(32)}`), fencingToken: 7 };
const never = new AbortController().signal;

/** What every `Contents` does. */
export function contentsConformance(name: string, open: () => Promise<ContentsUnderTest>): void {
  describe(`${name} as Contents`, () => {
    let subject: ContentsUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    /** Answers what the work does, however long the adapter waits in between. */
    async function patiently<T>(work: Promise<T>): Promise<T> {
      let isOver = false;
      const over = work.finally(() => {
        isOver = true;
      });
      over.catch(() => undefined);
      while (!isOver) {
        subject.pass();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return over;
    }

    it("gives a stored content back under its CID", async () => {
      const bytes = new SeededRng(1).bytes(1_300_000);
      const cid = await subject.contents.store("training-output", bytes, never);
      expect(Buffer.compare(await subject.contents.fetch(cid, never), bytes)).toBe(0);
      expect(await subject.contents.store("training-output", bytes, never)).toBe(cid);
    });

    it("opens a content with the key that a live lease gets", async () => {
      const plaintext = new SeededRng(2).bytes(40_000);
      const cid = await subject.deposit(plaintext);
      subject.giveLease(LEASE, [cid]);
      const ciphertext = await subject.contents.fetch(cid, never);
      const key = await subject.contents.fetchKey(cid, LEASE, never);
      expect(Buffer.compare(decryptContent(key, ciphertext), plaintext)).toBe(0);
    });

    it("gets no key for another lease, or for what the lease does not read", async () => {
      const [own, other] = [await subject.deposit(Uint8Array.of(1)), await subject.deposit(Uint8Array.of(2))];
      subject.giveLease(LEASE, [own]);
      const stale = { ...LEASE, fencingToken: 6 };
      await expect(subject.contents.fetchKey(own, stale, never)).rejects.toMatchObject({
        code: "lease-not-live",
      });
      await expect(subject.contents.fetchKey(other, LEASE, never)).rejects.toMatchObject({
        code: "content-not-in-lease",
      });
    });

    it("says what is not there", async () => {
      const missing = { code: "content-not-found" };
      await expect(subject.contents.fetch(UNKNOWN, never)).rejects.toMatchObject(missing);
      await expect(subject.contents.fetchKey(UNKNOWN, LEASE, never)).rejects.toMatchObject(missing);
    });

    it("says so when storage stays away, stops waiting when told to, and finds everything when it is back", async () => {
      const { contents, peer } = subject;
      const bytes = new SeededRng(3).bytes(5_000);
      const cid = await contents.store("training-output", bytes, never);
      await peer.kill();
      const away = { code: "peer-unavailable", kind: "unavailable" };
      await expect(patiently(contents.fetch(cid, never))).rejects.toMatchObject(away);
      await expect(patiently(contents.store("training-output", bytes, never))).rejects.toMatchObject(away);
      const stop = new AbortController();
      const stopped = contents.fetch(cid, stop.signal);
      stop.abort(new Error("enough"));
      await expect(stopped).rejects.toThrow("enough");
      await peer.restart();
      const found = await eventually(() => patiently(contents.fetch(cid, never)));
      expect(Buffer.compare(found, bytes)).toBe(0);
    });
  });
}
