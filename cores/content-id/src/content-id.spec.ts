import { SeededRng } from "@aios/kernel/random";
import { BlackHoleBlockstore } from "blockstore-core";
import fc from "fast-check";
import { importBytes } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import { describe, expect, it } from "vitest";
import { base32, fromBase32 } from "./base32.js";
import { assertContentId, ContentIdHasher, contentId, contentIdOf } from "./content-id.js";

/** The IPFS project's own importer. */
async function importerCid(bytes: Uint8Array, chunkBytes: number, maxChildren: number): Promise<string> {
  const { cid } = await importBytes(bytes, new BlackHoleBlockstore(), {
    cidVersion: 1,
    rawLeaves: true,
    reduceSingleLeafToSelf: true,
    chunker: fixedSize({ chunkSize: chunkBytes }),
    layout: balanced({ maxChildrenPerNode: maxChildren }),
  });
  return cid.toString();
}

describe("content id", () => {
  it("is the IPFS importer's, for trees of every height", async () => {
    const sizes = fc.record({
      chunkBytes: fc.integer({ min: 1, max: 8 }),
      maxChildren: fc.integer({ min: 2, max: 4 }),
      bytes: fc.uint8Array({ maxLength: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ chunkBytes, maxChildren, bytes }) => {
        const actual = new ContentIdHasher({ chunkBytes, maxChildren }).update(bytes).finish();
        expect(actual).toBe(await importerCid(bytes, chunkBytes, maxChildren));
      }),
      { numRuns: 300 },
    );
  });

  it("is the IPFS importer's at the platform's own chunk size", async () => {
    const bytes = new SeededRng(1).bytes(3 * 1024 * 1024 + 17);
    for (const length of [0, 1, 1024 * 1024, 1024 * 1024 + 1, bytes.length]) {
      const part = bytes.subarray(0, length);
      expect(contentIdOf(part)).toBe(await importerCid(part, 1024 * 1024, 1024));
    }
  });

  it("does not depend on how the bytes were cut", () => {
    const shape = { chunkBytes: 5, maxChildren: 3 };
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (parts) => {
        const pieces = new ContentIdHasher(shape);
        for (const part of parts) pieces.update(part);
        expect(pieces.finish()).toBe(new ContentIdHasher(shape).update(Buffer.concat(parts)).finish());
      }),
    );
  });

  it("agrees with the well-known CID of the empty file", () => {
    expect(contentIdOf(new Uint8Array())).toBe("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
  });

  it("parses its own and refuses the rest", () => {
    const cid = contentIdOf(Uint8Array.of(1));
    expect(contentId(cid)).toBe(cid);
    for (const bad of [
      "",
      "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
      `${cid}a`,
      cid.slice(0, -1),
      cid.toUpperCase(),
      7,
      undefined,
    ]) {
      expect(() => contentId(bad)).toThrow(expect.objectContaining({ code: "invalid-cid" }));
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => contentId(text)).toThrow(/CID/);
      }),
    );
  });

  it("names bytes that are not what was asked for", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    assertContentId(bytes, contentIdOf(bytes));
    expect(() => assertContentId(bytes.subarray(1), contentIdOf(bytes))).toThrow(
      expect.objectContaining({ code: "content-hash-mismatch" }),
    );
  });
});

describe("base32", () => {
  it("round-trips and has one text per value", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        expect(fromBase32(base32(bytes))).toEqual(bytes);
      }),
    );
    expect(fromBase32("ab")).toBeUndefined();
    expect(fromBase32("a")).toBeUndefined();
    expect(fromBase32("1")).toBeUndefined();
  });
});
