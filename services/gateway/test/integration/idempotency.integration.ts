import { CodedError } from "@aios/kernel/coded-error";
import { tenantOfAccount } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { PrismaPg } from "@prisma/adapter-pg";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaIdempotencyStore } from "../../src/adapters/prisma/prisma-idempotency.repository.js";
import { jobMessage } from "../support/fake-peers.js";
import { answerProtocol, type GatewayHarness, OTHER_KEY, startGateway } from "../support/gateway-harness.js";

let gateway: GatewayHarness;
let token: string;
const body = {
  inference: { modelId: 1, input: `0x${"00".repeat(784)}` },
  verification: "proof",
  priceCapWei: "1000",
};

beforeAll(async () => {
  gateway = await startGateway();
});
beforeEach(async () => {
  gateway.peers.reset();
  answerProtocol(gateway.peers);
  token = await gateway.token();
});
afterAll(() => gateway?.close());

function prepare(key: string, json: unknown = body, accessToken = token): Promise<Response> {
  return fetch(`${gateway.baseUrl}/v1/jobs`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${accessToken}`,
      "content-type": "application/json",
      "idempotency-key": key,
    },
    body: JSON.stringify(json),
  });
}

function answerPrepare(): void {
  gateway.peers.answer("PrepareJob", () => ({
    job: jobMessage(),
    toSign: [],
    inputSalt: new Uint8Array(32),
  }));
}

it("replays the stored outcome for the same key and body, whatever the order of its keys", async () => {
  answerPrepare();
  const first = await prepare("same");
  const again = await prepare("same", {
    priceCapWei: "1000",
    verification: "proof",
    inference: body.inference,
  });
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(await again.text()).toBe(await first.text());
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect(gateway.peers.callsOf("PrepareJob")).toHaveLength(1);
});

it("answers 409 for another body under the same key", async () => {
  answerPrepare();
  await prepare("other");
  const conflict = await prepare("other", { ...body, priceCapWei: "2000" });
  expect(conflict.status).toBe(409);
  expect(await conflict.json()).toMatchObject({ code: "idempotency-key-reused", field: "Idempotency-Key" });
});

it("keeps the keys of accounts apart", async () => {
  answerPrepare();
  await prepare("shared");
  expect(
    (await prepare("shared", { ...body, priceCapWei: "7" }, await gateway.token(OTHER_KEY))).status,
  ).toBe(201);
});

it("hands the key down, told apart by account", async () => {
  answerPrepare();
  await prepare("down");
  const account = gateway.client().account;
  expect(gateway.peers.callsOf("PrepareJob")[0]?.request).toMatchObject({
    idempotencyKey: `${tenantOfAccount(account as never)}:down`,
  });
});

it("answers 409 with Retry-After while the first one runs", async () => {
  let finish = (): void => undefined;
  const running = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let entered = (): void => undefined;
  const started = new Promise<void>((resolve) => {
    entered = resolve;
  });
  gateway.peers.answer("PrepareJob", async () => {
    entered();
    await running;
    return { job: jobMessage(), toSign: [], inputSalt: new Uint8Array(32) };
  });
  const first = prepare("twice");
  await started;
  const second = await prepare("twice");
  expect(second.status).toBe(409);
  expect(await second.json()).toMatchObject({ code: "request-in-flight" });
  expect(second.headers.get("retry-after")).toBe("1");
  finish();
  expect((await first).status).toBe(201);
});

it("stores lasting refusals, and forgets passing ones", async () => {
  gateway.peers.answer("PrepareJob", () => {
    throw new CodedError({ code: "cap-too-low", kind: "conflict", message: "Raise the cap." });
  });
  expect((await prepare("refused")).status).toBe(409);
  answerPrepare();
  expect(await (await prepare("refused")).json()).toMatchObject({ code: "cap-too-low" });
  gateway.peers.answer("PrepareJob", () => {
    throw new CodedError({ code: "starting", kind: "unavailable", message: "Later.", retryAfterMs: 100 });
  });
  expect((await prepare("passing")).status).toBe(503);
  answerPrepare();
  expect((await prepare("passing")).status).toBe(201);
});

it("lets a claim that ran out be taken over, and the old one write nothing", async () => {
  const prisma = new PrismaClient({
    adapter: new PrismaPg({ connectionString: gateway.postgres.url("aios_gateway") }),
  });
  const store = new PrismaIdempotencyStore(prisma, { claimMs: 1_000, keepMs: 60_000 });
  const key = { tenant: tenantOfAccount(`0x${"aa".repeat(20)}` as never), key: "crashed" };
  const at = (ms: number): TimestampMs => ms as TimestampMs;
  const dead = await store.claim(key, "hash", at(1_000_000));
  expect(dead.kind).toBe("claimed");
  expect((await store.claim(key, "hash", at(1_000_500))).kind).toBe("running");
  expect((await store.claim(key, "other", at(1_002_000))).kind).toBe("other-request");
  const alive = await store.claim(key, "hash", at(1_002_000));
  expect(alive.kind).toBe("claimed");
  const outcome = { status: 201, contentType: "application/json", body: "{}" };
  if (dead.kind !== "claimed" || alive.kind !== "claimed") throw new Error("both were claimed above");
  await store.complete(key, dead.claim, { ...outcome, body: '"old"' });
  expect((await store.claim(key, "hash", at(1_002_100))).kind).toBe("running");
  await store.complete(key, alive.claim, outcome);
  expect(await store.claim(key, "hash", at(1_002_200))).toEqual({ kind: "done", outcome });
  expect(await store.removeExpired(at(1_002_000 + 60_001))).toBeGreaterThan(0);
  expect((await store.claim(key, "other", at(2_000_000))).kind).toBe("claimed");
  await prisma.$disconnect();
});
