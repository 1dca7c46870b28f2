import { jobId } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { eventually } from "@aios/testkit/eventually";
import { expectOutageSurvived, type Peer } from "@aios/testkit/peer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContentStore } from "../../src/domain/ports.js";

export interface ContentStoreUnderTest {
  readonly store: ContentStore;
  readonly peer: Peer;
  /** An owner encrypts and stores a content, and allows its key these purposes. Answers its CID. */
  deposit(plaintext: Uint8Array, purposes: readonly string[]): Promise<string>;
  /** The log of releases that the owner of the content sees. */
  releases(cid: string): Promise<readonly { readonly purpose: string; readonly jobId: string }[]>;
  close(): Promise<void>;
}

const JOB = jobId(`0x${"0a".repeat(32)}`);
const UNKNOWN = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
const never = new AbortController().signal;

/** What every `ContentStore` of the prover does. */
export function contentStoreConformance(name: string, open: () => Promise<ContentStoreUnderTest>): void {
  describe(`${name} as ContentStore`, () => {
    let subject: ContentStoreUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("gives the bytes back, from none to several messages, under one CID", async () => {
      const all = new SeededRng(6).bytes(2_500_000);
      for (const length of [1, 1_000, all.length]) {
        const bytes = all.subarray(0, length);
        const cid = await subject.store.write(bytes, "proof", false, never);
        expect(await subject.store.write(bytes, "proof", false, never)).toBe(cid);
        expect(Buffer.compare(await subject.store.read(cid, never), bytes)).toBe(0);
      }
    });

    it("opens a secret for the purpose that its owner allows, and no other, each release in the owner's log", async () => {
      const secret = new SeededRng(7).bytes(100_000);
      const cid = await subject.deposit(secret, ["proof"]);
      expect(Buffer.compare(await subject.store.readSecret(cid, "proof", JOB, never), secret)).toBe(0);
      await expect(
        subject.store.readSecret(cid, "proving-key-setup", undefined, never),
      ).rejects.toMatchObject({ code: "not-allowed-by-owner", kind: "forbidden" });
      expect(await subject.releases(cid)).toEqual([{ purpose: "proof", jobId: JOB }]);
      expect(Buffer.compare(await subject.store.read(cid, never), secret)).not.toBe(0);
    });

    it("says what is not there", async () => {
      const missing = { code: "content-not-found", kind: "not-found" };
      await expect(subject.store.read(UNKNOWN, never)).rejects.toMatchObject(missing);
      await expect(subject.store.readSecret(UNKNOWN, "proof", JOB, never)).rejects.toMatchObject(missing);
    });

    it("stops when it is told to", async () => {
      const cid = await subject.store.write(new Uint8Array(100), "proof", false, never);
      const stopped = AbortSignal.abort(new Error("enough"));
      await expect(subject.store.read(cid, stopped)).rejects.toThrow();
      await expect(subject.store.write(new Uint8Array(9), "proof", false, stopped)).rejects.toThrow();
    });

    it("loses nothing that it stored when storage is killed, and says so while storage is away", async () => {
      const bytes = new SeededRng(8).bytes(70_000);
      const cid = await subject.store.write(bytes, "proving-key", true, never);
      const secret = await subject.deposit(bytes, ["proof"]);
      await expectOutageSurvived(subject.peer, async () => [
        Buffer.from(await subject.store.read(cid, never)),
        Buffer.from(await subject.store.readSecret(secret, "proof", JOB, never)),
      ]);
      await subject.peer.kill();
      await expect(subject.store.write(bytes, "proof", false, never)).rejects.toMatchObject({
        code: "peer-unavailable",
        kind: "unavailable",
      });
      await subject.peer.restart();
      expect(await eventually(() => subject.store.write(bytes, "proving-key", true, never))).toBe(cid);
    });
  });
}
