import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { ManualClock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { address, type TenantId } from "@aios/kernel/identifiers";
import { ConnectRequest, ProviderLinkServiceService } from "@aios/proto/aios/compute/v1/compute";
import {
  ContentKeyServiceService,
  ContentServiceService,
  type PutContentRequest,
} from "@aios/proto/aios/storage/v1/storage";
import { TelemetryServiceService } from "@aios/proto/aios/telemetry/v1/telemetry";
import { actingFor } from "@aios/service-kit/caller-context";
import {
  type CallCredentials,
  createGrpcClient,
  type GrpcClient,
  type GrpcClientOptions,
} from "@aios/service-kit/grpc-client";
import { createTokenIssuer } from "@aios/service-kit/service-token";
import { status } from "@grpc/grpc-js";
import { generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../../src/eventually.js";
import type { ServiceProcess } from "../../src/service-process.js";
import { bearer, SamplePlatform } from "./service-fixture.js";

const ALICE = address(`0x${"a1".repeat(20)}`);

let platform: SamplePlatform;
let storage: ServiceProcess;
let gateway: GrpcClient<typeof ContentServiceService>;
const disposables: Disposable[] = [];

beforeAll(async () => {
  platform = await SamplePlatform.start();
  storage = await platform.service("storage");
  gateway = content(await platform.issuer("gateway"));
});

afterAll(async () => {
  for (const disposable of disposables) disposable[Symbol.dispose]();
  await platform.stop();
});

function url(): string {
  return `127.0.0.1:${storage.ports.grpcPort}`;
}

function content(
  identity?: CallCredentials,
  options: Pick<GrpcClientOptions, "clock"> = {},
): GrpcClient<typeof ContentServiceService> {
  const client = createGrpcClient(ContentServiceService, url(), {
    ...options,
    audience: "storage",
    ...(identity === undefined ? {} : { identity }),
  });
  disposables.push(client);
  return client;
}

describe("what a process knows of itself", () => {
  const telemetry = async (caller: string): Promise<GrpcClient<typeof TelemetryServiceService>> => {
    const client = createGrpcClient(TelemetryServiceService, url(), {
      audience: "storage",
      identity: await platform.issuer(caller),
    });
    disposables.push(client);
    return client;
  };

  it("is told to the gateway: version, health, schema, backlogs, the metrics it asks for", async () => {
    await gateway.statContent({ cid: "x" });
    const series = ["aios_grpc_server_duration_count", "aios_process_resident_memory"];
    const report = await (await telemetry("gateway")).getProcess({ series });
    expect(report).toMatchObject({ service: "storage", version: "0.1.0", outbox: { events: 0 } });
    expect(report.deadLetters).toEqual({ events: 0, limit: 100 });
    expect(report.checks.map(({ name, ok }) => [name, ok])).toContainEqual(["database", true]);
    expect(report.schema?.missing).toEqual([]);
    expect(new Set(report.samples.map((sample) => sample.series))).toEqual(new Set(series));
    expect(report.startedAtMs).toBeLessThanOrEqual(report.nowMs);
  });

  it("is refused to every other service", async () => {
    const stranger = await telemetry("compute");
    await expect(stranger.getProcess({ series: [] })).rejects.toMatchObject({ code: "caller-not-allowed" });
    await expect(stranger.getTrace({ traceId: "a" })).rejects.toMatchObject({ code: "caller-not-allowed" });
  });

  it("has bounds", async () => {
    const client = await telemetry("gateway");
    const series = Array.from({ length: 65 }, (_, index) => `s${index}`);
    await expect(client.getProcess({ series })).rejects.toMatchObject({ code: "too-many-series" });
    await expect(client.listTraces({ attribute: "a", limit: 101 })).rejects.toMatchObject({
      code: "too-many-traces",
    });
  });
});

describe("who may call", () => {
  it("lets a named service in and tells it who called, for whom", async () => {
    expect((await gateway.statContent({ cid: "x" })).ownerTenant).toBe("service:gateway::");
    const onBehalf = { account: ALICE, tenant: `account:${ALICE}` as TenantId };
    const stat = await actingFor(onBehalf, () => gateway.statContent({ cid: "x" }));
    expect(stat.ownerTenant).toBe(`service:gateway:${ALICE}:account:${ALICE}`);
    expect(stat.sizeBytes).toBe(2 ** 40);
  });

  it("refuses a call without a token", async () => {
    await expect(content().statContent({ cid: "x" })).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("refuses a known service that the method does not name", async () => {
    const stranger = content(await platform.issuer("stranger"));
    await expect(stranger.statContent({ cid: "x" })).rejects.toMatchObject({
      code: "caller-not-allowed",
      details: { caller: "stranger" },
    });
  });

  it("refuses everybody at a method that names no callers", async () => {
    const keys = createGrpcClient(ContentKeyServiceService, url(), {
      audience: "storage",
      identity: await platform.issuer("gateway"),
    });
    disposables.push(keys);
    await expect(keys.getWrappingKey({})).rejects.toMatchObject({ code: "caller-not-allowed" });
  });

  it("refuses tokens for another service, expired ones, foreign signatures and made-up roles", async () => {
    const issuer = await platform.issuer("gateway");
    const past = createTokenIssuer(
      "gateway",
      await platform.privateKey("gateway"),
      new ManualClock(Date.now() - 3_600_000),
    );
    const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    const impostor = createTokenIssuer("gateway", privateKey);
    const unknown = createTokenIssuer("nobody", privateKey);
    const selfMadeProvider = issuer.issueProviderSession(ALICE, "storage", 60_000);
    for (const token of [
      issuer.issue("compute"),
      past.issue("storage"),
      impostor.issue("storage"),
      unknown.issue("storage"),
      selfMadeProvider,
      "not-a-token",
    ]) {
      await expect(content(bearer(token)).statContent({ cid: "x" })).rejects.toMatchObject({
        code: "invalid-token",
      });
    }
  });

  it("accepts a provider's session from compute as that provider only", async () => {
    const session = (await platform.issuer("compute")).issueProviderSession(ALICE, "storage", 600_000);
    const stat = await content(bearer(session)).statContent({ cid: "x" });
    expect(stat.ownerTenant).toBe(`provider:compute:${ALICE}:`);
  });
});

describe("errors", () => {
  it("carries code, details and field of a CodedError over the wire", async () => {
    const error = await gateway.statContent({ cid: "unknown" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CodedError);
    expect(error).toMatchObject({
      code: "content-not-found",
      kind: "not-found",
      message: "There is no such content.",
      field: "cid",
      details: { cid: "unknown", sizeWei: "100000000000000000000" },
    });
  });

  it("tells nothing about an unexpected error, and logs it with its stack", async () => {
    const error = await gateway.statContent({ cid: "broken" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "internal", kind: "internal" });
    expect(JSON.stringify(error) + String(error)).not.toContain("secret internals");
    // The line travels through a pipe.
    await eventually(() => expect(storage.text()).toContain("secret internals"));
  });

  it("ends at its deadline and when its caller gives up", async () => {
    await expect(gateway.statContent({ cid: "slow" }, { deadlineMs: 50 })).rejects.toMatchObject({
      code: "deadline-exceeded",
      kind: "unavailable",
    });
    const controller = new AbortController();
    const call = gateway.statContent({ cid: "slow" }, { signal: controller.signal });
    controller.abort(new Error("changed my mind"));
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
  });

  it("answers for a peer that is away, without asking it after a few failures", async () => {
    const nobody = createGrpcClient(ContentServiceService, "127.0.0.1:9", {
      audience: "storage",
      circuit: { failureThreshold: 3, firstOpenMs: 60_000, maxOpenMs: 60_000 },
    });
    disposables.push(nobody);
    const failure = (): Promise<unknown> =>
      nobody.statContent({ cid: "x" }, { idempotent: false }).catch((thrown: unknown) => thrown);
    const away = { code: "peer-unavailable", kind: "unavailable", retryAfterMs: expect.any(Number) };
    for (let i = 0; i < 3; i++) {
      const asked = await failure();
      expect(asked).toMatchObject({ ...away, cause: { code: status.UNAVAILABLE } });
    }
    const refused = (await failure()) as CodedError;
    expect(refused).toMatchObject(away);
    expect(refused.cause).toBeUndefined();
  });
});

describe("a peer that takes connections and says nothing", () => {
  it("is not waited for by everyone: after a few silent calls the next are refused at once", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const client = createGrpcClient(ContentServiceService, `127.0.0.1:${port}`, { audience: "storage" });
    disposables.push(client, { [Symbol.dispose]: () => silent.close() });
    const call = (): Promise<unknown> => client.statContent({ cid: "x" }, { deadlineMs: 1_200 });
    const unanswered = await Promise.allSettled(Array.from({ length: 5 }, call));
    for (const outcome of unanswered) {
      expect(outcome).toMatchObject({ reason: { code: "deadline-exceeded", kind: "unavailable" } });
    }
    await expect(client.statContent({ cid: "x" }, { deadlineMs: 100 })).rejects.toMatchObject({
      code: "peer-unavailable",
      retryAfterMs: expect.any(Number),
    });
  });
});

describe("a peer that says when to come back", () => {
  const busyFor = (retryAfterMs: number): string => `busy:${retryAfterMs}:${crypto.randomUUID()}`;

  it("is not asked again earlier, and then it is", async () => {
    const waitsMs: number[] = [];
    const clock = { wait: async (duration: number): Promise<void> => void waitsMs.push(duration) };
    const patient = content(await platform.issuer("gateway"), { clock });
    await patient.statContent({ cid: busyFor(300) });
    expect(waitsMs).toEqual([expect.any(Number)]);
    expect(waitsMs[0]).toBeGreaterThanOrEqual(300);
  });

  it("is not asked again where that is after the deadline: its own error is the answer", async () => {
    const call = gateway.statContent({ cid: busyFor(60_000) }, { deadlineMs: 5_000 });
    await expect(call).rejects.toMatchObject({
      code: "busy-just-now",
      kind: "unavailable",
      retryAfterMs: 60_000,
      details: { times: 1 },
    });
  });

  it("is not asked again about what may have been done already", async () => {
    const call = gateway.statContent({ cid: busyFor(1) }, { idempotent: false });
    await expect(call).rejects.toMatchObject({ code: "busy-just-now", details: { times: 1 } });
  });
});

describe("streams", () => {
  it("sends more than a channel holds, both ways", async () => {
    const chunk = Buffer.alloc(256 * 1024, 7);
    async function* parts(): AsyncGenerator<PutContentRequest> {
      yield { metadata: { category: "model", encrypted: false, mediaType: "" } };
      for (let i = 0; i < 64; i++) yield { chunk };
    }
    expect((await gateway.putContent(parts())).sizeBytes).toBe(64 * chunk.length);
    let received = 0;
    for await (const message of gateway.getContent({ cid: "200" })) {
      expect(message.chunk?.[0]).toBe(received % 256);
      received += 1;
    }
    expect(received).toBe(200);
  });

  it("maps errors of streams in both directions", async () => {
    async function* refused(): AsyncGenerator<PutContentRequest> {
      yield { metadata: { category: "refuse", encrypted: false, mediaType: "" } };
    }
    await expect(gateway.putContent(refused())).rejects.toMatchObject({
      code: "refused",
      kind: "unprocessable",
    });
    await expect(collect(gateway.getContent({ cid: "0" }))).rejects.toMatchObject({
      code: "empty",
      kind: "gone",
    });
    const noToken = content();
    await expect(collect(noToken.getContent({ cid: "1" }))).rejects.toMatchObject({
      code: "unauthenticated",
    });
    async function* failing(): AsyncGenerator<PutContentRequest> {
      yield { chunk: Buffer.alloc(1) };
      throw new Error("the disk broke");
    }
    await expect(gateway.putContent(failing())).rejects.toThrow("the disk broke");
  });

  it("lets a reader stop early", async () => {
    for await (const message of gateway.getContent({ cid: "100000" })) {
      expect(message.chunk).toBeDefined();
      break;
    }
    expect((await gateway.statContent({ cid: "x" })).cid).toBe("x");
  });

  it("talks in both directions without a token where a method allows it", async () => {
    const link = createGrpcClient(ProviderLinkServiceService, url(), { audience: "compute" });
    disposables.push(link);
    async function* requests(last: string): AsyncGenerator<ConnectRequest> {
      for (const correlationId of ["a", "b", last]) yield ConnectRequest.fromPartial({ correlationId });
    }
    const answers = await collect(link.connect(requests("end")));
    expect(answers.map(({ correlationId }) => correlationId)).toEqual(["a", "b"]);
    await expect(collect(link.connect(requests("fail")))).rejects.toMatchObject({ code: "link-failed" });
  });
});

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const messages: T[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

describe("a connection that has come of age", () => {
  it("is replaced, and no call notices", async () => {
    await storage.restart({ AIOS_GRPC_CONNECTION_AGE: "50ms" });
    let connections = 0;
    // As a cluster's address does: each connection is dealt out anew.
    const balancer = createServer((socket) => {
      connections += 1;
      const onward = connect(storage.ports.grpcPort ?? 0, "127.0.0.1");
      socket.pipe(onward).pipe(socket);
      for (const end of [socket, onward]) end.on("error", () => undefined);
    });
    balancer.listen(0, "127.0.0.1");
    await once(balancer, "listening");
    const client = createGrpcClient(
      ContentServiceService,
      `127.0.0.1:${(balancer.address() as AddressInfo).port}`,
      { audience: "storage", identity: await platform.issuer("gateway") },
    );
    try {
      while (connections < 5) {
        const calls = Array.from({ length: 8 }, () =>
          client.statContent({ cid: "x" }, { idempotent: false }),
        );
        await Promise.all(calls);
      }
    } finally {
      client[Symbol.dispose]();
      balancer.close();
    }
  });
});
