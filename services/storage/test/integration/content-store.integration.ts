import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentIdOf } from "@aios/core-content-id/content-id";
import { CodedError } from "@aios/kernel/coded-error";
import type { ContentId } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { canMountDisks, SmallDisk } from "@aios/testkit/small-disk";
import { CID } from "multiformats/cid";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sweepBlocks } from "../../src/adapters/ipfs/block-sweep.js";
import { HeliaContentStore } from "../../src/adapters/ipfs/helia-content-store.js";
import { type HeliaNode, startHeliaNode } from "../../src/adapters/ipfs/helia-node.js";
import { UploadBlocks } from "../../src/adapters/ipfs/upload-blocks.js";
import { contentStoreConformance } from "../conformance/content-store.conformance.js";
import { MemoryContentStore } from "../memory-content-store.js";

const accepted = async (): Promise<void> => undefined;
const plenty = { freeBytes: async () => 2 ** 40 };
const startNode = (directory: string): Promise<HeliaNode> =>
  startHeliaNode({ directory, listen: "/ip4/127.0.0.1/tcp/0" });

contentStoreConformance("memory", async () => {
  const contents = new Map<string, Uint8Array>();
  return {
    store: new MemoryContentStore(contents),
    restart: async () => new MemoryContentStore(contents),
    close: async () => undefined,
  };
});

contentStoreConformance("Helia", async () => {
  const directory = await mkdtemp(join(tmpdir(), "aios-helia-"));
  let node = await startNode(directory);
  return {
    store: new HeliaContentStore(node, plenty, 0),
    restart: async () => {
      await node.stop();
      node = await startNode(directory);
      return new HeliaContentStore(node, plenty, 0);
    },
    close: async () => {
      await node.stop();
      await rm(directory, { recursive: true });
    },
  };
});

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function drain(source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const part of source) expect(part.length).toBeGreaterThan(0);
}

describe("Helia", () => {
  let directory: string;
  let node: HeliaNode;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "aios-helia-"));
    node = await startNode(join(directory, "first"));
  });
  afterEach(async () => {
    await node.stop();
    await rm(directory, { recursive: true });
  });

  it("hands out nothing of a block that the disk changed, and takes the content again", async () => {
    const store = new HeliaContentStore(node, plenty, 0);
    const bytes = new SeededRng(8).bytes(2_000);
    const { cid } = await store.put(one(bytes), accepted);
    const blocks = join(directory, "first", "blocks");
    const [shard = ""] = await readdir(blocks);
    const [name = ""] = await readdir(join(blocks, shard));
    const file = join(blocks, shard, name);
    const altered = await readFile(file);
    altered[1_000] = (altered[1_000] ?? 0) ^ 1;
    await writeFile(file, altered);

    await expect(drain(store.read(cid))).rejects.toMatchObject({ code: "content-damaged" });
    await store.put(one(bytes), accepted);
    await drain(store.read(cid));
  });

  it("leaves no block on disk of an upload that was refused or broke off", async () => {
    const store = new HeliaContentStore(node, plenty, 0);
    const blocks = async (): Promise<number> =>
      (await readdir(join(directory, "first"), { recursive: true, withFileTypes: true })).filter(
        (entry) => entry.isFile() && !entry.parentPath.includes("identity"),
      ).length;
    const kept = new SeededRng(10).bytes(3 * 1024 * 1024);
    await store.put(one(kept), accepted);
    const before = await blocks();
    expect(before).toBe(4);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield kept.subarray(0, 2 * 1024 * 1024);
      yield new SeededRng(11).bytes(5 * 1024 * 1024);
      throw new Error("the sender went away");
    }
    await expect(store.put(broken(), accepted)).rejects.toThrow(/went away/);
    expect(await blocks()).toBe(before);
    const refusal = new CodedError({ code: "no-room", kind: "too-large", message: "No room." });
    const refused = store.put(one(new SeededRng(12).bytes(4_000_000)), () => Promise.reject(refusal));
    await expect(refused).rejects.toBe(refusal);
    expect(await blocks()).toBe(before);
    await drain(store.read(contentIdOf(kept)));
  });

  it("keeps what is stored again and claimed while a sweep goes through the claims", async () => {
    const store = new HeliaContentStore(node, plenty, 0);
    const bytes = new SeededRng(13).bytes(2 * 1024 * 1024 + 1);
    const outage = new CodedError({ code: "database-unavailable", kind: "unavailable", message: "Away." });
    await expect(store.put(one(bytes), () => Promise.reject(outage))).rejects.toBe(outage);
    const anHourAgo = new Date(Date.now() - 3_600_000);
    const files = await readdir(join(directory, "first", "blocks"), { recursive: true, withFileTypes: true });
    for (const file of files)
      if (file.isFile()) await utimes(join(file.parentPath, file.name), anHourAgo, anHourAgo);
    async function* claims(): AsyncGenerator<ContentId> {
      await store.put(one(bytes), accepted);
      yield* [];
    }
    expect(await store.sweep(claims, Date.now() - 1_800_000)).toEqual({
      looked: 4,
      deleted: 0,
      deletedBytes: 0,
    });
    await drain(store.read(contentIdOf(bytes)));
  });

  it("sweeps nothing while a claimed content cannot be walked: nobody knows which blocks are its own", async () => {
    const store = new HeliaContentStore(node, plenty, 0);
    const { cid } = await store.put(one(new SeededRng(14).bytes(2 * 1024 * 1024)), accepted);
    const outage = new CodedError({ code: "database-unavailable", kind: "unavailable", message: "Away." });
    await expect(store.put(one(Uint8Array.of(1, 2)), () => Promise.reject(outage))).rejects.toBe(outage);
    await node.localBlocks.delete(CID.parse(cid));
    async function* claims(): AsyncGenerator<ContentId> {
      yield cid;
    }
    await expect(store.sweep(claims, Date.now() + 60_000)).rejects.toThrow();
    await drain(store.read(contentIdOf(Uint8Array.of(1, 2))));
  });

  it("goes through more old blocks than it holds at a time", async () => {
    const store = new HeliaContentStore(node, plenty, 0);
    const outage = new CodedError({ code: "database-unavailable", kind: "unavailable", message: "Away." });
    const contents = Array.from({ length: 7 }, (_, at) => Uint8Array.of(at, 99));
    for (const bytes of contents) {
      const put = store.put(one(bytes), () => Promise.reject(outage));
      await expect(put).rejects.toBe(outage);
    }
    const uploads = new UploadBlocks(node.localBlocks);
    async function* claims(): AsyncGenerator<ContentId> {
      yield contentIdOf(contents[3] ?? Uint8Array.of());
    }
    const report = await sweepBlocks(node.localBlocks, uploads, claims, Date.now() + 60_000, 2);
    expect(report).toEqual({ looked: 7, deleted: 6, deletedBytes: 12 });
  });

  it("takes nothing more when the disk is nearly full", async () => {
    const store = new HeliaContentStore(node, { freeBytes: async () => 999 }, 1_000);
    await expect(store.put(one(Uint8Array.of(1)), accepted)).rejects.toMatchObject({ code: "storage-full" });
    await expect(drain(store.read(contentIdOf(Uint8Array.of(1))))).rejects.toMatchObject({
      code: "content-not-found",
    });
  });

  it("serves its blocks to an IPFS peer by bitswap", async () => {
    const bytes = new SeededRng(9).bytes(100_000);
    const { cid } = await new HeliaContentStore(node, plenty, 0).put(one(bytes), accepted);
    const peer = await startNode(join(directory, "second"));
    try {
      await peer.libp2p.dial(node.libp2p.getMultiaddrs());
      const parts: Uint8Array[] = [];
      const signal = AbortSignal.timeout(20_000);
      for await (const part of peer.blockstore.get(CID.parse(cid), { signal })) parts.push(part);
      expect(Uint8Array.from(Buffer.concat(parts))).toEqual(bytes);
    } finally {
      await peer.stop();
    }
  });

  it("keeps its identity over a restart", async () => {
    const before = node.libp2p.peerId.toString();
    await node.stop();
    node = await startNode(join(directory, "first"));
    expect(node.libp2p.peerId.toString()).toBe(before);
  });
});

/** Needs a file system of its own: runs as root on Linux. */
describe.skipIf(!canMountDisks())("Helia on a disk that fills up while it writes", () => {
  it("says so, keeps what it acknowledged, and takes contents again when there is space", async () => {
    const disk = SmallDisk.mount(32 * 1024 ** 2);
    let node = await startNode(disk.path);
    try {
      const store = new HeliaContentStore(node, plenty, 0);
      const rng = new SeededRng(21);
      const kept = rng.bytes(3 * 1024 ** 2);
      await store.put(one(kept), accepted);
      const large = rng.bytes(40 * 1024 ** 2);
      await expect(store.put(one(large), accepted)).rejects.toMatchObject({
        code: "storage-full",
        kind: "unavailable",
      });
      disk.fill();
      await expect(store.put(one(rng.bytes(100_000)), accepted)).rejects.toMatchObject({
        code: "storage-full",
      });
      await drain(store.read(contentIdOf(kept)));

      disk.free();
      const small = rng.bytes(100_000);
      await store.put(one(small), accepted);
      await node.stop();
      node = await startNode(disk.path);
      const again = new HeliaContentStore(node, plenty, 0);
      await drain(again.read(contentIdOf(kept)));
      await drain(again.read(contentIdOf(small)));
    } finally {
      await node.stop();
      disk.unmount();
    }
  }, 60_000);
});
