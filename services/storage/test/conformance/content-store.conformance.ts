import { contentIdOf } from "@aios/core-content-id/content-id";
import { CodedError } from "@aios/kernel/coded-error";
import type { ContentId } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ContentStore } from "../../src/domain/ports.js";

export interface StoreUnderTest {
  readonly store: ContentStore;
  /** Ends the store as a crash would, and opens another one on the same data. */
  restart(): Promise<ContentStore>;
  close(): Promise<void>;
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Uint8Array.from(Buffer.concat(parts));
}

async function* nobody(): AsyncGenerator<ContentId> {}

const accepted = async (): Promise<void> => undefined;

/** What every `ContentStore` does, fakes included. */
export function contentStoreConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`content store: ${name}`, () => {
    let subject: StoreUnderTest;
    beforeEach(async () => {
      subject = await open();
    });
    afterEach(() => subject.close());

    it("gives the platform's CID and the same bytes back, from one byte to several blocks", async () => {
      const all = new SeededRng(3).bytes(5 * 1024 * 1024 + 5);
      for (const length of [1, 1000, 1024 * 1024, all.length]) {
        const bytes = all.subarray(0, length);
        const stored = await subject.store.put(pieces(bytes, 70_001), accepted);
        expect(stored).toEqual({ cid: contentIdOf(bytes), sizeBytes: length });
        expect(await collect(subject.store.read(stored.cid))).toEqual(bytes);
      }
    });

    it("stores the same bytes twice under one CID", async () => {
      const bytes = new SeededRng(4).bytes(5_000);
      const first = await subject.store.put(pieces(bytes, 100), accepted);
      expect(await subject.store.put(pieces(bytes, 5_000), accepted)).toEqual(first);
    });

    it("takes many uploads at once", async () => {
      const rng = new SeededRng(5);
      const contents = Array.from({ length: 8 }, () => rng.bytes(50_000));
      const stored = await Promise.all(
        contents.map((bytes) => subject.store.put(pieces(bytes, 9_999), accepted)),
      );
      for (const [index, { cid }] of stored.entries()) {
        expect(await collect(subject.store.read(cid))).toEqual(contents[index]);
      }
    });

    it("answers content-not-found for what it never had", async () => {
      const unknown = contentIdOf(Uint8Array.of(9, 9, 9));
      await expect(collect(subject.store.read(unknown))).rejects.toMatchObject({ code: "content-not-found" });
    });

    it("keeps nothing readable of an upload whose source fails", async () => {
      const bytes = new SeededRng(6).bytes(3_000);
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield bytes;
        throw new Error("the sender went away");
      }
      await expect(subject.store.put(failing(), accepted)).rejects.toThrow(/went away/);
      await expect(collect(subject.store.read(contentIdOf(bytes)))).rejects.toMatchObject({
        code: "content-not-found",
      });
    });

    it("asks about what came, and keeps nothing readable of what is refused", async () => {
      const bytes = new SeededRng(8).bytes(3_000_000);
      const refusal = new CodedError({ code: "no-room", kind: "too-large", message: "No room." });
      const asked: object[] = [];
      const refused = subject.store.put(pieces(bytes, 60_000), async (stored) => {
        asked.push(stored);
        throw refusal;
      });
      await expect(refused).rejects.toBe(refusal);
      expect(asked).toEqual([{ cid: contentIdOf(bytes), sizeBytes: bytes.length }]);
      await expect(collect(subject.store.read(contentIdOf(bytes)))).rejects.toMatchObject({
        code: "content-not-found",
      });
    });

    it("keeps a content whole although uploads that share all or part of it are refused meanwhile and later", async () => {
      const rng = new SeededRng(9);
      const block = rng.bytes(1024 * 1024);
      const kept = Buffer.concat([block, rng.bytes(1024 * 1024), rng.bytes(10)]);
      const shares = Buffer.concat([block, rng.bytes(500)]);
      const refuse = async (): Promise<void> => {
        throw new CodedError({ code: "no-room", kind: "too-large", message: "No room." });
      };
      const upload = (bytes: Uint8Array, accept: () => Promise<void>) =>
        subject.store.put(pieces(bytes, 100_000), accept).catch(() => undefined);
      await Promise.all([
        upload(kept, refuse),
        upload(shares, refuse),
        upload(kept, accepted),
        upload(kept, refuse),
        upload(shares, refuse),
      ]);
      await upload(shares, refuse);
      await upload(kept, refuse);
      expect(await collect(subject.store.read(contentIdOf(kept)))).toEqual(Uint8Array.from(kept));
    });

    it("sweeps what nobody claimed once it is old, and nothing that a claim or an upload needs", async () => {
      const rng = new SeededRng(11);
      const block = rng.bytes(1024 * 1024);
      const claimed = Buffer.concat([block, rng.bytes(2 * 1024 * 1024), rng.bytes(5)]);
      const left = Buffer.concat([block, rng.bytes(1024 * 1024), rng.bytes(7)]);
      const outage = new CodedError({ code: "database-unavailable", kind: "unavailable", message: "Away." });
      const unclaimed = subject.store.put(pieces(left, 100_000), () => Promise.reject(outage));
      await expect(unclaimed).rejects.toBe(outage);
      const { cid } = await subject.store.put(pieces(claimed, 100_000), accepted);
      async function* claims(): AsyncGenerator<ContentId> {
        yield cid;
      }

      expect(await subject.store.sweep(claims, 0)).toEqual({ looked: 0, deleted: 0, deletedBytes: 0 });
      await collect(subject.store.read(contentIdOf(left)));

      const later = Date.now() + 60_000;
      const report = await subject.store.sweep(claims, later);
      expect(report.deleted).toBeGreaterThan(0);
      expect(report.deletedBytes).toBeGreaterThan(1024 * 1024);
      await expect(collect(subject.store.read(contentIdOf(left)))).rejects.toMatchObject({
        code: "content-not-found",
      });
      expect(await collect(subject.store.read(cid))).toEqual(Uint8Array.from(claimed));
      expect((await subject.store.sweep(claims, later)).deleted).toBe(0);
    });

    it("leaves an upload that is under way alone, however old it finds its parts", async () => {
      const bytes = new SeededRng(12).bytes(4 * 1024 * 1024);
      async function* interrupted(): AsyncGenerator<Uint8Array> {
        yield bytes.subarray(0, 3 * 1024 * 1024);
        await subject.store.sweep(nobody, Date.now() + 60_000);
        yield bytes.subarray(3 * 1024 * 1024);
      }
      const { cid } = await subject.store.put(interrupted(), async () => {
        await subject.store.sweep(nobody, Date.now() + 60_000);
      });
      expect(await collect(subject.store.read(cid))).toEqual(bytes);
    });

    it("still has everything after a restart", async () => {
      const bytes = new SeededRng(7).bytes(1024 * 1024 + 1);
      const { cid } = await subject.store.put(pieces(bytes, 4_096), accepted);
      const again = await subject.restart();
      expect(await collect(again.read(cid))).toEqual(bytes);
      await expect(
        collect(again.read("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy" as ContentId)),
      ).rejects.toMatchObject({
        code: "content-not-found",
      });
    });
  });
}
