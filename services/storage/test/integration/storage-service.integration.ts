import { access, readdir } from "node:fs/promises";
import { contentIdOf } from "@aios/core-content-id/content-id";
import { decryptContent } from "@aios/core-sealing/content-encryption";
import { generateSealingKeyPair, openKey, sealKey } from "@aios/core-sealing/sealed-key";
import { type Address, address, tenantOfAccount } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import type { PutContentRequest } from "@aios/proto/aios/storage/v1/storage";
import { actingFor } from "@aios/service-kit/caller-context";
import { withConnection } from "@aios/service-kit/database";
import type { ContentOwner } from "@aios/testkit/content-owner";
import { eventually } from "@aios/testkit/eventually";
import type { LiveLease } from "@aios/testkit/lease-book";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type StorageClients, StoragePlatform } from "../storage-platform.js";

const OWNER = `0x${"a1".repeat(20)}` as Address;
const OTHER = `0x${"b2".repeat(20)}` as Address;
const PROVIDER = `0x${"c3".repeat(20)}` as Address;
const JOB = `0x${"0d".repeat(32)}`;
const rng = new SeededRng(11);

let platform: StoragePlatform;
let gateway: StorageClients;
let owner: ContentOwner;
beforeAll(async () => {
  platform = await StoragePlatform.start({ STORAGE_ACCOUNT_QUOTA: "16MiB" });
  gateway = await platform.as("gateway");
  owner = await platform.owner(OWNER);
});
afterAll(() => platform?.stop());

const as = <T>(account: Address, work: () => Promise<T>): Promise<T> =>
  actingFor({ account, tenant: tenantOfAccount(account) }, work);

async function* upload(
  bytes: Uint8Array,
  category = "model",
  chunkBytes = 100_000,
): AsyncGenerator<PutContentRequest> {
  yield { metadata: { category, encrypted: true, mediaType: "" } };
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
    yield { chunk: bytes.subarray(offset, offset + chunkBytes) };
  }
}

async function download(clients: StorageClients, cid: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const { chunk } of clients.contents.getContent({ cid }))
    if (chunk !== undefined) parts.push(chunk);
  return Uint8Array.from(Buffer.concat(parts));
}

/** An encrypted content of the owner whose key lies with the service. */
async function deposited(
  leaseScopes: string[],
  servicePurposes: string[] = [],
): Promise<{ cid: string; plaintext: Uint8Array }> {
  const plaintext = rng.bytes(1_000);
  return { cid: await owner.deposit(plaintext, { leaseScopes, servicePurposes }), plaintext };
}

/** Gives the provider a live lease of the job. */
function lease(fencingToken: number, contentCids: readonly string[], change: Partial<LiveLease> = {}): void {
  const given = { jobId: JOB, fencingToken, provider: PROVIDER, contentCids, modelOwner: OWNER };
  platform.leases.give({ ...given, ...change });
}

describe("contents", () => {
  it("come back as they went in, under the platform's CID, with who put them", async () => {
    const bytes = rng.bytes(2_500_000);
    const put = await as(OWNER, () => gateway.contents.putContent(upload(bytes)));
    expect(put).toEqual({ cid: contentIdOf(bytes), sizeBytes: bytes.length, deduplicated: false });
    expect(await download(gateway, put.cid)).toEqual(bytes);
    const again = await as(OTHER, () => gateway.contents.putContent(upload(bytes, "data-set")));
    expect(again).toEqual({ ...put, deduplicated: true });
    expect(await gateway.contents.statContent({ cid: put.cid })).toMatchObject({
      cid: put.cid,
      sizeBytes: bytes.length,
      ownerTenant: tenantOfAccount(OWNER),
      metadata: { category: "model", encrypted: true, mediaType: "application/octet-stream" },
    });
  });

  it("are refused with a named error when unknown, malformed, empty, too large or without metadata", async () => {
    const unknown = contentIdOf(Uint8Array.of(1, 2, 3, 4));
    await expect(gateway.contents.statContent({ cid: unknown })).rejects.toMatchObject({
      code: "content-not-found",
      kind: "not-found",
    });
    await expect(download(gateway, unknown)).rejects.toMatchObject({ code: "content-not-found" });
    await expect(gateway.contents.statContent({ cid: "Qm…" })).rejects.toMatchObject({ code: "invalid-cid" });
    await expect(gateway.contents.putContent(upload(new Uint8Array()))).rejects.toMatchObject({
      code: "content-empty",
    });
    await expect(gateway.contents.putContent(upload(Uint8Array.of(1), "poem"))).rejects.toMatchObject({
      field: "category",
    });
    const large = new Uint8Array(8 * 1024 * 1024 + 1);
    await expect(gateway.contents.putContent(upload(large, "model", 500_000))).rejects.toMatchObject({
      code: "content-too-large",
      kind: "too-large",
    });
    async function* headless(): AsyncGenerator<PutContentRequest> {
      yield { chunk: Uint8Array.of(1) };
    }
    await expect(gateway.contents.putContent(headless())).rejects.toMatchObject({ code: "invalid-upload" });
  });

  it("of one account have at most its quota together, however they come, and no other account's room", async () => {
    const account = address(`0x${"d4".repeat(20)}`);
    const put = (who: Address, bytes: Uint8Array) =>
      as(who, () => gateway.contents.putContent(upload(bytes)));
    const size = 4 * 1024 * 1024;
    const contents = Array.from({ length: 6 }, () => rng.bytes(size));
    const outcomes = await Promise.allSettled(contents.map((bytes) => put(account, bytes)));
    const refusals = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(refusals).toHaveLength(2);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ code: "storage-quota-exceeded", kind: "too-large" });
      expect(refusal.details).toMatchObject({ quotaBytes: 4 * size });
    }
    const refused = contents.filter((_, index) => outcomes[index]?.status === "rejected");
    const kept = contents.filter((_, index) => outcomes[index]?.status === "fulfilled");
    for (const bytes of refused)
      await expect(download(gateway, contentIdOf(bytes))).rejects.toMatchObject({
        code: "content-not-found",
      });
    for (const bytes of kept) expect((await put(account, bytes)).deduplicated).toBe(true);
    const [first = new Uint8Array()] = refused;
    expect((await put(OTHER, first)).deduplicated).toBe(false);
    expect(await download(gateway, contentIdOf(first))).toEqual(first);
  });

  it("are closed to strangers", async () => {
    const scoring = await platform.as("scoring");
    await expect(scoring.contents.statContent({ cid: "x" })).rejects.toMatchObject({
      code: "caller-not-allowed",
    });
    await expect(platform.clients().keys.getWrappingKey({})).rejects.toMatchObject({
      code: "unauthenticated",
    });
    await expect(
      platform.clients({ issue: async () => "forged" }).keys.getWrappingKey({}),
    ).rejects.toMatchObject({
      code: "invalid-token",
    });
  });
});

describe("content keys", () => {
  it("are deposited by the owner only, sealed to this service for this content", async () => {
    const { cid } = await deposited(["licensed-jobs"]);
    const { publicKey, keyId } = await gateway.keys.getWrappingKey({});
    const deposit = (account: Address, context: string, id = keyId): Promise<unknown> =>
      as(account, () =>
        gateway.keys.depositKey({
          cid,
          keyId: id,
          sealedKey: sealKey(rng.bytes(32), publicKey, context, rng),
          leaseScopes: [],
          servicePurposes: [],
        }),
      );
    await expect(deposit(OTHER, `deposit:${cid}`)).rejects.toMatchObject({
      code: "not-content-owner",
      kind: "forbidden",
    });
    await expect(deposit(OWNER, "deposit:another")).rejects.toMatchObject({ code: "seal-not-opened" });
    await expect(deposit(OWNER, `deposit:${cid}`, "0000")).rejects.toMatchObject({
      code: "wrong-wrapping-key",
    });
    await expect(
      as(OWNER, () =>
        gateway.keys.depositKey({
          cid,
          keyId,
          sealedKey: undefined,
          leaseScopes: ["all"],
          servicePurposes: [],
        }),
      ),
    ).rejects.toMatchObject({ code: "invalid-grant" });
  });

  it("go to the provider of a live lease that needs the content, and the owner sees it", async () => {
    const { cid, plaintext } = await deposited(["licensed-jobs"]);
    const provider = await platform.asProvider(PROVIDER);
    lease(7, [cid]);
    const pair = generateSealingKeyPair(rng);
    const request = { cid, recipientPublicKey: pair.publicKey, lease: { jobId: JOB, fencingToken: 7 } };
    const { sealedKey, releaseId } = await provider.keys.releaseKey(request);
    const key = openKey(sealedKey ?? expect.fail("no key"), pair.privateKey, `release:${cid}`);
    expect(decryptContent(key, await download(provider, cid))).toEqual(plaintext);

    const { releases } = await as(OWNER, () => gateway.keys.listReleases({ cid }));
    expect(releases).toMatchObject([
      { releaseId, cid, recipient: PROVIDER, purpose: "lease", jobId: JOB, fencingToken: 7 },
    ]);
    await expect(as(OTHER, () => gateway.keys.listReleases({ cid }))).rejects.toMatchObject({
      code: "not-content-owner",
    });
  });

  it("do not go to a dead lease, for another content, outside the owner's scopes, or to low-order points", async () => {
    const { cid } = await deposited([`job:${JOB}`], ["proof"]);
    const provider = await platform.asProvider(PROVIDER);
    const ask = (jobId = JOB, recipientPublicKey = generateSealingKeyPair(rng).publicKey) =>
      provider.keys.releaseKey({ cid, recipientPublicKey, lease: { jobId, fencingToken: 1 } });
    lease(2, [cid]);
    await expect(ask()).rejects.toMatchObject({
      code: "lease-not-live",
      message: expect.stringContaining("There is no such live lease."),
    });
    lease(1, ["bafyother"]);
    await expect(ask()).rejects.toMatchObject({ code: "content-not-in-lease" });
    lease(1, [cid]);
    lease(1, [cid], { jobId: `0x${"0e".repeat(32)}` });
    await expect(ask(`0x${"0e".repeat(32)}`)).rejects.toMatchObject({ code: "not-allowed-by-owner" });
    await expect(ask(JOB, new Uint8Array(32))).rejects.toMatchObject({ code: "invalid-sealing" });
    await expect(
      provider.keys.releaseKey({
        cid,
        recipientPublicKey: new Uint8Array(32),
        service: { purpose: "proof", jobId: JOB },
      }),
    ).rejects.toMatchObject({ code: "invalid-grant" });
    const { releases } = await as(OWNER, () => gateway.keys.listReleases({ cid }));
    expect(releases).toEqual([]);
  });

  it("do not go to jobs of a model that somebody else published over the same content", async () => {
    const { cid } = await deposited(["licensed-jobs"]);
    const provider = await platform.asProvider(PROVIDER);
    const { publicKey: recipientPublicKey } = generateSealingKeyPair(rng);
    lease(1, [cid], { modelOwner: OTHER });
    await expect(
      provider.keys.releaseKey({ cid, recipientPublicKey, lease: { jobId: JOB, fencingToken: 1 } }),
    ).rejects.toMatchObject({ code: "not-allowed-by-owner" });
    const { releases } = await as(OWNER, () => gateway.keys.listReleases({ cid }));
    expect(releases).toEqual([]);
  });

  it("go to a service for a purpose that the owner allowed", async () => {
    const { cid } = await deposited([], ["proof"]);
    const prover = await platform.as("zk-prover");
    const pair = generateSealingKeyPair(rng);
    const ask = (purpose: string) =>
      prover.keys.releaseKey({ cid, recipientPublicKey: pair.publicKey, service: { purpose, jobId: JOB } });
    expect((await ask("proof")).sealedKey).toBeDefined();
    await expect(ask("proving-key-setup")).rejects.toMatchObject({ code: "not-allowed-by-owner" });
    const compute = await platform.as("compute");
    await expect(
      compute.keys.releaseKey({
        cid,
        recipientPublicKey: pair.publicKey,
        service: { purpose: "proof", jobId: "" },
      }),
    ).rejects.toMatchObject({ code: "caller-not-allowed" });
    await expect(
      prover.keys.releaseKey({
        cid: contentIdOf(rng.bytes(9)),
        recipientPublicKey: pair.publicKey,
        service: { purpose: "proof", jobId: "" },
      }),
    ).rejects.toMatchObject({ code: "content-not-found" });
  });

  it("leave a log that nobody can change", async () => {
    await withConnection(platform.postgres.url("aios_storage"), async (client) => {
      for (const statement of [
        "UPDATE key_release SET recipient = 'x'",
        "DELETE FROM key_release",
        "TRUNCATE key_release",
      ]) {
        await expect(client.query(statement)).rejects.toThrow(/never changed or deleted/);
      }
    });
  });
});

describe("the service", () => {
  it("keeps contents, deposited keys and its wrapping key over kill -9", async () => {
    const { cid } = await deposited(["licensed-jobs"]);
    const before = await gateway.keys.getWrappingKey({});
    await platform.service.kill();
    await platform.service.restart();
    await eventually(async () => expect(await gateway.keys.getWrappingKey({})).toEqual(before));
    lease(1, [cid]);
    const provider = await platform.asProvider(PROVIDER);
    const { publicKey } = generateSealingKeyPair(rng);
    const { releaseId } = await provider.keys.releaseKey({
      cid,
      recipientPublicKey: publicKey,
      lease: { jobId: JOB, fencingToken: 1 },
    });
    expect(releaseId).not.toBe("");
    expect((await download(provider, cid)).length).toBeGreaterThan(1_000);
  });

  it.each(["storage.put.before-claim", "storage.put.after-claim"])(
    "killed at %s takes the same upload again, once",
    async (point) => {
      const marker = `${platform.directory.path}/${point}`;
      await platform.service.restart({ AIOS_CRASH_AT: `${point}=${marker}` });
      const bytes = rng.bytes(300_000);
      await expect(as(OWNER, () => gateway.contents.putContent(upload(bytes)))).rejects.toMatchObject({
        kind: "unavailable",
      });
      await platform.service.restart({ AIOS_CRASH_AT: `${point}=${marker}` });
      const { cid } = await eventually(() => as(OWNER, () => gateway.contents.putContent(upload(bytes))));
      expect(await download(gateway, cid)).toEqual(bytes);
      const rows = await withConnection(platform.postgres.url("aios_storage"), (client) =>
        client.query("SELECT 1 FROM content WHERE cid = $1", [cid]),
      );
      expect(rows.rowCount).toBe(1);
    },
  );

  it("killed between blocks and claim, and again while it sweeps, it ends with what is claimed and nothing else", async () => {
    const blocks = async (): Promise<string[]> =>
      (await readdir(`${platform.directory.path}/storage/ipfs/blocks`, { recursive: true })).filter((name) =>
        name.includes("/"),
      );
    const claimed = rng.bytes(2_500_000);
    const left = rng.bytes(3_500_000);
    const { cid } = await eventually(() => as(OWNER, () => gateway.contents.putContent(upload(claimed))));
    const before = await blocks();
    const marker = `${platform.directory.path}/sweep`;
    await platform.service.restart({ AIOS_CRASH_AT: `storage.put.before-claim=${marker}.put` });
    let end: Awaited<ReturnType<typeof platform.service.ended>> | undefined;
    void platform.service.ended().then((ended) => {
      end = ended;
    });
    await eventually(async () => {
      await as(OWNER, () => gateway.contents.putContent(upload(left))).catch(() => undefined);
      expect(end?.signal).toBe("SIGKILL");
    }, 30_000);
    expect((await blocks()).length).toBe(before.length + 5);
    const sweeping = { STORAGE_SWEEP_AGE: "1ms", STORAGE_SWEEP_INTERVAL: "200ms" };
    const crash = { AIOS_CRASH_AT: `storage.sweep.after-delete=${marker}.sweep` };
    // It may die before it is ready.
    await platform.service.restart({ ...sweeping, ...crash }).catch(() => undefined);
    await eventually(() => access(`${marker}.sweep`));
    await platform.service.restart(sweeping);
    await eventually(async () => expect((await blocks()).sort()).toEqual(before.sort()));
    await eventually(async () => expect(await download(gateway, cid)).toEqual(claimed), 40_000);
    const gone = download(gateway, contentIdOf(left));
    await expect(gone).rejects.toMatchObject({ code: "content-not-found" });
    await platform.service.restart();
  }, 150_000);

  it.each(["storage.release-key.before-log", "storage.release-key.after-log"])(
    "killed at %s lets no key out that is not in the log",
    async (point) => {
      const { cid } = await deposited(["licensed-jobs"]);
      lease(2, [cid]);
      const marker = `${platform.directory.path}/${point}`;
      await platform.service.restart({ AIOS_CRASH_AT: `${point}=${marker}` });
      const provider = await platform.asProvider(PROVIDER);
      const { publicKey } = generateSealingKeyPair(rng);
      const ask = () =>
        provider.keys.releaseKey({
          cid,
          recipientPublicKey: publicKey,
          lease: { jobId: JOB, fencingToken: 2 },
        });
      await expect(ask()).rejects.toMatchObject({ kind: "unavailable" });
      await platform.service.restart({ AIOS_CRASH_AT: `${point}=${marker}` });
      const { releaseId } = await eventually(ask);
      const { releases } = await as(OWNER, () => gateway.keys.listReleases({ cid }));
      expect(releases[0]?.releaseId).toBe(releaseId);
      expect(releases).toHaveLength(point.endsWith("before-log") ? 1 : 2);
    },
  );
});
