import { type Address, tenantOfAccount } from "@aios/kernel/identifiers";
import { SeededRng } from "@aios/kernel/random";
import type { PutContentRequest } from "@aios/proto/aios/storage/v1/storage";
import { actingFor } from "@aios/service-kit/caller-context";
import { afterAll, beforeAll, expect, it } from "vitest";
import { KuboReplay } from "../kubo-replay.js";
import { type StorageClients, StoragePlatform } from "../storage-platform.js";

const OWNER = `0x${"a1".repeat(20)}` as Address;

let kubo: KuboReplay;
let platform: StoragePlatform;
let gateway: StorageClients;
beforeAll(async () => {
  kubo = new KuboReplay();
  await kubo.start();
  platform = await StoragePlatform.start({ KUBO_RPC_URL: kubo.url, KUBO_TIMEOUT: "2s" });
  gateway = await platform.as("gateway");
});
afterAll(async () => {
  await platform?.stop();
  await kubo?.stop();
});

async function* upload(bytes: Uint8Array): AsyncGenerator<PutContentRequest> {
  yield { metadata: { category: "model", encrypted: true, mediaType: "" } };
  yield { chunk: bytes.subarray(0, 900_000) };
  yield { chunk: bytes.subarray(900_000) };
}

const put = (bytes: Uint8Array) =>
  actingFor({ account: OWNER, tenant: tenantOfAccount(OWNER) }, () =>
    gateway.contents.putContent(upload(bytes)),
  );

async function download(cid: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const { chunk } of gateway.contents.getContent({ cid }, { idempotent: false }))
    if (chunk !== undefined) parts.push(chunk);
  return Uint8Array.from(Buffer.concat(parts));
}

it("keeps contents on the Kubo node that KUBO_RPC_URL names, and says 503 while it is away", async () => {
  const bytes = new SeededRng(31).bytes(1_800_000);
  const { cid } = await put(bytes);
  expect([...kubo.pins]).toEqual([cid]);
  expect(await download(cid)).toEqual(bytes);

  for (const command of ["pin/ls", "repo/stat", "version"]) {
    kubo.instead.set(command, { status: 502, body: "bad gateway" });
  }
  const away = { code: "content-backend-unavailable", kind: "unavailable", retryAfterMs: 2_000 };
  await expect(download(cid)).rejects.toMatchObject(away);
  await expect(put(bytes.subarray(1))).rejects.toMatchObject(away);
  const health = `http://127.0.0.1:${platform.service.ports.healthPort}/health`;
  const unhealthy = await fetch(health);
  expect(unhealthy.status).toBe(503);
  expect(await unhealthy.text()).toContain("kubo");
  expect((await fetch(`${health}/ready`)).status).toBe(200);

  kubo.instead.clear();
  expect(await download(cid)).toEqual(bytes);
});
