import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { topics } from "@aios/proto/topics";
import { withConnection } from "@aios/service-kit/database";
import { createGrpcClient, type GrpcClient } from "@aios/service-kit/grpc-client";
import { PostgresEventLog } from "@aios/service-kit/postgres-event-log";
import { startTelemetry, type Telemetry } from "@aios/service-kit/telemetry";
import { inSpan } from "@aios/service-kit/tracing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../../src/eventually.js";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "../../src/otlp-receiver.js";
import type { ServiceProcess } from "../../src/service-process.js";
import { silentLogger } from "../../src/silent-logger.js";
import { SamplePlatform } from "./service-fixture.js";

let platform: SamplePlatform;
let receiver: OtlpReceiver;
let telemetry: Telemetry;
let storage: ServiceProcess;
let sample: ServiceProcess;
const disposables: Disposable[] = [];

beforeAll(async () => {
  platform = await SamplePlatform.start();
  receiver = await startOtlpReceiver();
  telemetry = await startTelemetry({
    service: "test",
    instanceId: "1",
    otlpEndpoint: receiver.url,
    samplePercent: 100,
  });
  const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url };
  // `sample` hears the events of `storage` only through the log, and asks `storage` back by gRPC.
  storage = await platform.service("storage", otlp);
  sample = await platform.service("sample", {
    ...otlp,
    STORAGE_GRPC_URL: `127.0.0.1:${storage.ports.grpcPort}`,
  });
});

afterAll(async () => {
  for (const disposable of disposables) disposable[Symbol.dispose]();
  await telemetry.shutdown();
  await platform.stop();
  await receiver.close();
});

async function clientOf(
  service: ServiceProcess,
  audience: string,
): Promise<GrpcClient<typeof ContentServiceService>> {
  const client = createGrpcClient(ContentServiceService, `127.0.0.1:${service.ports.grpcPort}`, {
    audience,
    identity: await platform.issuer("gateway"),
  });
  disposables.push(client);
  return client;
}

async function notes(service: string): Promise<readonly string[]> {
  const { rows } = await withConnection(platform.postgres.url(`aios_${service}`), (client) =>
    client.query<{ text: string }>("SELECT text FROM notes ORDER BY text"),
  );
  return rows.map(({ text }) => text);
}

describe("one trace", () => {
  it("goes from a call over the outbox and the event to the next call, in the database too", async () => {
    const client = await clientOf(storage, "storage");
    await inSpan("POST /v1/notes", {}, async () => client.statContent({ cid: "note:traced" }));
    const expected = [
      "test: POST /v1/notes",
      "test: aios.storage.v1.ContentService/StatContent",
      "storage: aios.storage.v1.ContentService/StatContent",
      "storage: publish prover.v1.key.ended",
      "sample: handle prover.v1.key.ended",
      "sample: aios.storage.v1.ContentKeyService/ListReleases",
      "storage: aios.storage.v1.ContentKeyService/ListReleases",
      "sample: postgres INSERT",
    ];
    const trace = await receiver.awaitTrace((spans) => {
      const names = new Set(spans.map((span) => `${span.service}: ${span.name}`));
      return expected.every((name) => names.has(name));
    });
    const byId = new Map(trace.map((span) => [span.spanId, span]));
    const asked = trace.find((span) => span.service === "storage" && span.name.endsWith("ListReleases"));
    expect(pathOf(asked, byId)).toEqual([
      "POST /v1/notes",
      "aios.storage.v1.ContentService/StatContent",
      "aios.storage.v1.ContentService/StatContent",
      "publish prover.v1.key.ended",
      "handle prover.v1.key.ended",
      "aios.storage.v1.ContentKeyService/ListReleases",
      "aios.storage.v1.ContentKeyService/ListReleases",
    ]);
    expect(new Set(trace.map((span) => span.traceId)).size).toBe(1);
    await eventually(async () => expect(await notes("sample")).toContain("heard traced"));
  });

  function pathOf(
    span: ReceivedSpan | undefined,
    byId: ReadonlyMap<string, ReceivedSpan>,
  ): readonly string[] {
    if (span === undefined) return [];
    return [...pathOf(byId.get(span.parentSpanId ?? ""), byId), span.name];
  }
});

describe("crashes", () => {
  for (const point of [
    "storage.outbox.before-publish",
    "storage.outbox.after-publish",
    "sample.event.before-handling",
    "sample.event.after-handling",
  ]) {
    it(`delivers once when ${point} kills the process`, async () => {
      const victim = point.startsWith("storage") ? storage : sample;
      const marker = join(platform.directory.path, `${point}.crashed`);
      await victim.restart({ AIOS_CRASH_AT: `${point}=${marker}` });
      const client = await clientOf(storage, "storage");
      const text = `over ${point}`;
      await client.statContent({ cid: `note:${text}` }, { idempotent: false }).catch((error: unknown) => {
        // The process may die before it answers; the row is committed by then.
        expect(error).toMatchObject({ kind: "unavailable" });
      });
      expect(await victim.ended()).toMatchObject({ signal: "SIGKILL" });
      await victim.restart();
      await eventually(async () => expect(await notes("sample")).toContain(`heard ${text}`));
      expect((await notes("sample")).filter((note) => note === `heard ${text}`)).toHaveLength(1);
    });
  }

  it("stays in service while the database is away, says so, refuses what needs it, and goes on when it is back", async () => {
    const health = async (path = ""): Promise<{ status: number; body: string }> => {
      const response = await fetch(`http://127.0.0.1:${storage.ports.healthPort}/health${path}`);
      return { status: response.status, body: await response.text() };
    };
    await platform.postgres.kill();
    await eventually(async () => expect((await health()).status).toBe(503));
    expect(JSON.parse((await health()).body)).toMatchObject({
      status: "unhealthy",
      checks: expect.arrayContaining([expect.objectContaining({ name: "database", ok: false })]),
    });
    expect((await health("/live")).status).toBe(200);
    expect((await health("/ready")).status).toBe(200);
    const refused = { code: "database-unavailable", kind: "unavailable", retryAfterMs: 1_000 };
    await expect(
      (await clientOf(storage, "storage")).statContent({ cid: "note:during the outage" }),
    ).rejects.toMatchObject(refused);
    await platform.postgres.restart();
    await eventually(async () => expect((await health()).status).toBe(200));
    await (await clientOf(storage, "storage")).statContent({ cid: "note:after the crash" });
    await eventually(async () => expect(await notes("sample")).toContain("heard after the crash"), 20_000);
  });
});

describe("poison", () => {
  it("goes to the dead letters with its cause and does not hold up others", async () => {
    const client = await clientOf(storage, "storage");
    await client.statContent({ cid: "note:poison pill" });
    await client.statContent({ cid: "note:healthy" });
    await eventually(async () => expect(await notes("sample")).toContain("heard healthy"));
    const log = await PostgresEventLog.open({
      url: platform.postgres.url("aios_events"),
      applicationName: "test",
      logger: silentLogger,
    });
    try {
      const [letter] = await eventually(async () => {
        const letters = await log.listDeadLetters({ group: "sample", limit: 10 });
        expect(letters).toHaveLength(1);
        return letters;
      }, 30_000);
      expect(letter).toMatchObject({
        topic: topics.proverKeyEnded.name,
        attempts: 8,
        errorMessage: "this event cannot be handled",
      });
    } finally {
      await log.close();
    }
  });
});

describe("shutdown and start", () => {
  it("finishes running calls, answers new ones with unavailable, and ends with code 0", async () => {
    const client = await clientOf(sample, "sample");
    const slow = client.statContent({ cid: "slow" });
    await eventually(async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${sample.ports.healthPort}/metrics`)).text();
      expect(metrics).toMatch(/aios_grpc_server_calls_running\{[^}]*StatContent[^}]*\} 1/);
    });
    const end = sample.stop();
    expect((await slow).cid).toBe("slow");
    expect(await end).toEqual({ code: 0, signal: null });
    await expect(client.statContent({ cid: "x" }, { deadlineMs: 1_000 })).rejects.toMatchObject({
      kind: "unavailable",
    });
  });

  it("prints its settings for --help and ends with 0", () => {
    const result = spawnSync(process.execPath, [platform.main, "--help"], { encoding: "utf8" });
    expect(result.status).toBe(0);
    expect(result.stdout).toContain("AIOS_DRAIN_TIMEOUT (default: 4s)");
  });

  it("names every bad setting, shows no secret, and ends with 78", () => {
    const result = spawnSync(process.execPath, [platform.main], {
      encoding: "utf8",
      env: { ...platform.environment("storage"), DATABASE_URL: "mysql://u:hunter2@h/d", LOG_LEVEL: "loud" },
    });
    expect(result.status).toBe(78);
    expect(result.stderr).toMatch(/DATABASE_URL .*postgres:\/\/user:password@host/);
    expect(result.stderr).toMatch(/LOG_LEVEL is 'loud'/);
    expect(result.stderr).not.toContain("hunter2");
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });
});
