import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentIdOf } from "@aios/core-content-id/content-id";
import { CodedError } from "@aios/kernel/coded-error";
import type { ContentId } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import { CID } from "multiformats/cid";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KuboContentStore } from "../../src/adapters/ipfs/kubo-content-store.js";
import { KuboNode } from "../../src/adapters/ipfs/kubo-node.js";
import { UploadJournal } from "../../src/adapters/ipfs/upload-journal.js";
import { contentStoreConformance } from "../conformance/content-store.conformance.js";
import { ANSWERS, KuboReplay, type RecordedAnswer } from "../kubo-replay.js";

const REAL_URL = process.env["KUBO_RPC_URL"];
const accepted = async (): Promise<void> => undefined;

async function storeOn(url: string, directory: string, timeoutMs = 10_000): Promise<KuboContentStore> {
  const journal = new UploadJournal(directory);
  await journal.open();
  return new KuboContentStore(new KuboNode({ url, timeoutMs }), journal, {
    minFreeBytes: 1_000,
    collectsGarbage: true,
    collectTimeoutMs: 60_000,
  });
}

contentStoreConformance("Kubo, by recorded answers", async () => {
  const directory = await mkdtemp(join(tmpdir(), "aios-kubo-"));
  const kubo = new KuboReplay();
  await kubo.start();
  return {
    store: await storeOn(kubo.url, directory),
    restart: () => storeOn(kubo.url, directory),
    close: async () => {
      await kubo.stop();
      await rm(directory, { recursive: true });
    },
  };
});

describe.skipIf(REAL_URL === undefined)("a real Kubo (skipped where KUBO_RPC_URL names none)", () => {
  contentStoreConformance("Kubo", async () => {
    const directory = await mkdtemp(join(tmpdir(), "aios-kubo-"));
    const url = REAL_URL ?? "";
    return {
      store: await storeOn(url, directory),
      restart: () => storeOn(url, directory),
      close: () => rm(directory, { recursive: true }),
    };
  });
});

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function drain(source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const part of source) expect(part.length).toBeGreaterThan(0);
}

async function* nobody(): AsyncGenerator<ContentId> {}

describe("Kubo", () => {
  const bytes = new SeededRng(21).bytes(3_000_000);
  let directory: string;
  let kubo: KuboReplay;
  let store: KuboContentStore;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "aios-kubo-"));
    kubo = new KuboReplay();
    await kubo.start();
    store = await storeOn(kubo.url, directory);
  });
  afterEach(async () => {
    await kubo.stop();
    await rm(directory, { recursive: true });
  });

  it("pins what is accepted and nothing else, and keeps no note of it", async () => {
    const { cid } = await store.put(one(bytes), accepted);
    expect([...kubo.pins]).toEqual([cid]);
    const refusal = new CodedError({ code: "no-room", kind: "too-large", message: "No room." });
    await expect(store.put(one(bytes.subarray(1)), () => Promise.reject(refusal))).rejects.toBe(refusal);
    expect([...kubo.pins]).toEqual([cid]);
    expect(await readdir(directory)).toEqual([]);
  });

  it("lets the node collect what was refused, and nothing that is accepted", async () => {
    const { cid } = await store.put(one(bytes), accepted);
    const refused = new SeededRng(22).bytes(2_000_000);
    const refusal = new CodedError({ code: "no-room", kind: "too-large", message: "No room." });
    await expect(store.put(one(refused), () => Promise.reject(refusal))).rejects.toBe(refusal);
    expect(await kubo.blocks.has(CID.parse(contentIdOf(refused)))).toBe(true);
    await store.sweep(nobody, 0);
    expect(await kubo.blocks.has(CID.parse(contentIdOf(refused)))).toBe(false);
    await drain(store.read(cid));
  });

  it("never unpins what it did not pin itself", async () => {
    const others = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
    kubo.pins.add(others);
    await store.sweep(nobody, Date.now() + 60_000);
    expect([...kubo.pins]).toEqual([others]);
  });

  it("hands out nothing of a block that the node changed", async () => {
    const { cid } = await store.put(one(bytes), accepted);
    kubo.instead.set("block/get", ANSWERS.block(Uint8Array.of(1, 2, 3)));
    await expect(drain(store.read(cid))).rejects.toMatchObject({ code: "content-damaged" });
  });

  it("asks for the node's own blocks only", async () => {
    const { cid } = await store.put(one(bytes), accepted);
    await drain(store.read(cid));
    const fetching = kubo.calls.filter(({ pathname }) => /add|block/.test(pathname));
    expect(fetching.length).toBeGreaterThan(4);
    expect(fetching.every(({ searchParams }) => searchParams.get("offline") === "true")).toBe(true);
  });

  it("refuses uploads while less is free than must be, and says that the disk is full when it is", async () => {
    kubo.storageMaxBytes = 999;
    await expect(store.put(one(bytes), accepted)).rejects.toMatchObject({ code: "storage-full" });
    kubo.storageMaxBytes = 2 ** 40;
    kubo.instead.set("add", ANSWERS.diskFull);
    await expect(store.put(one(bytes), accepted)).rejects.toMatchObject({ code: "storage-full" });
  });

  it("asks to come again when the node collected an upload before it was pinned", async () => {
    kubo.instead.set("pin/add", ANSWERS.notHere(contentIdOf(bytes)));
    await expect(store.put(one(bytes), accepted)).rejects.toMatchObject({ kind: "unavailable" });
    kubo.instead.clear();
    await drain(store.read((await store.put(one(bytes), accepted)).cid));
  });

  it("refuses a node that computes other CIDs, or is too old to be told how", async () => {
    kubo.instead.set("add", ANSWERS.added(contentIdOf(Uint8Array.of(1)), 1));
    await expect(store.put(one(bytes), accepted)).rejects.toMatchObject({ code: "content-backend-unfit" });
    const node = new KuboNode({ url: kubo.url, timeoutMs: 5_000 });
    await node.check();
    kubo.instead.set("version", { ...ANSWERS.version, body: '{"Version":"0.29.0"}\n' });
    await expect(node.check()).rejects.toMatchObject({ code: "content-backend-unfit" });
  });

  it("sends the user and password of its address, and not in the address", async () => {
    const url = kubo.url.replace("http://", "http://aios:s%40crt@");
    await new KuboNode({ url, timeoutMs: 5_000 }).check();
    expect(kubo.authorizations).toEqual([`Basic ${Buffer.from("aios:s@crt").toString("base64")}`]);
    kubo.instead.set("version", ANSWERS.forbidden);
    await expect(new KuboNode({ url, timeoutMs: 5_000 }).check()).rejects.toMatchObject({
      kind: "unavailable",
    });
  });

  describe("that is away", () => {
    const answeringAll = (answer: RecordedAnswer | undefined): void => {
      for (const command of ["repo/stat", "pin/ls", "version"]) kubo.instead.set(command, answer);
    };
    it.each([
      ["stopped", async () => kubo.stop()],
      ["silent", async () => answeringAll(undefined)],
      ["no Kubo", async () => answeringAll({ status: 200, body: "<html>" })],
    ])("is 503 with Retry-After, not content that nobody has: %s", async (_how, goAway) => {
      const hasty = await storeOn(kubo.url, directory, 300);
      await goAway();
      const unavailable = { code: "content-backend-unavailable", kind: "unavailable", retryAfterMs: 2_000 };
      await expect(hasty.put(one(bytes), accepted)).rejects.toMatchObject(unavailable);
      await expect(drain(hasty.read(contentIdOf(bytes)))).rejects.toMatchObject(unavailable);
      await expect(new KuboNode({ url: kubo.url, timeoutMs: 300 }).check()).rejects.toMatchObject(
        unavailable,
      );
    });

    it("ends an upload that it takes no more of", async () => {
      const hasty = await storeOn(kubo.url, directory, 300);
      kubo.instead.set("add", undefined);
      await expect(hasty.put(one(bytes), accepted)).rejects.toMatchObject({
        code: "content-backend-unavailable",
      });
    });

    it("leaves a note of what may be pinned, and the sweep decides by the claims", async () => {
      const outage = new CodedError({ code: "database-unavailable", kind: "unavailable", message: "Away." });
      await expect(store.put(one(bytes), () => Promise.reject(outage))).rejects.toBe(outage);
      const cid = contentIdOf(bytes);
      expect(await readdir(directory)).toEqual([cid]);
      async function* claims(): AsyncGenerator<ContentId> {
        yield cid;
      }
      expect(await store.sweep(claims, Date.now() + 60_000)).toEqual({
        looked: 1,
        deleted: 0,
        deletedBytes: 0,
      });
      expect(await readdir(directory)).toEqual([]);
      await drain(store.read(cid));
    });
  });
});
