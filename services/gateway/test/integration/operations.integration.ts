import { SpanKind } from "@aios/proto/aios/telemetry/v1/telemetry";
import { privateKeySigner } from "@aios/sdk/wallet";
import { freePort } from "@aios/service-kit/free-port";
import { SERVICES } from "@aios/service-kit/local-instance";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  answerProtocol,
  BUYER_KEY,
  type GatewayHarness,
  OTHER_KEY,
  startGateway,
} from "../support/gateway-harness.js";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const JOB_ID = `0x${"11".repeat(32)}`;

let postgres: TestPostgres;
let local: GatewayHarness;
let open: GatewayHarness;
let plain: GatewayHarness;
beforeAll(async () => {
  postgres = await startPostgres();
  local = await startGateway({ GATEWAY_LOOPBACK_OPERATOR: "true" }, postgres);
  plain = await startGateway({}, postgres);
  open = await startGateway(
    {
      GATEWAY_HTTP_LISTEN: `0.0.0.0:${await freePort()}`,
      GATEWAY_OPERATORS: privateKeySigner(BUYER_KEY).address,
    },
    postgres,
  );
});
beforeEach(() => {
  for (const { peers } of [local, open, plain]) {
    peers.reset();
    answerProtocol(peers);
  }
});
afterAll(async () => {
  await local?.close();
  await open?.close();
  await plain?.close();
  await postgres?.stop();
});

async function ask(
  { baseUrl }: GatewayHarness,
  path = "/v1/operations",
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(`${baseUrl}${path}`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("the operators' view", () => {
  it("is there for whoever sits at the machine of a local gateway that allows it, and by default for nobody", async () => {
    expect((await ask(local)).status).toBe(200);
    expect((await ask(plain)).body.code).toBe("sign-in-required");
  });

  it("is closed behind a proxy", async () => {
    const { status, body } = await ask(local, "/v1/operations", { "x-forwarded-for": "203.0.113.9" });
    expect([status, body.code]).toEqual([401, "sign-in-required"]);
  });

  it("is closed to strangers, signed in or not, and open to an operator's account", async () => {
    expect((await ask(open)).body.code).toBe("sign-in-required");
    const stranger = await ask(open, "/v1/operations", {
      authorization: `Bearer ${await open.token(OTHER_KEY)}`,
    });
    expect([stranger.status, stranger.body.code]).toEqual([403, "operators-only"]);
    const operator = await ask(open, "/v1/operations", {
      authorization: `Bearer ${await open.token(BUYER_KEY)}`,
    });
    expect(operator.status).toBe(200);
  });

  it("names a service that does not answer, and goes on with the others", async () => {
    const authorization = `Bearer ${await open.token(BUYER_KEY)}`;
    const look = async () => {
      const { body } = await ask(open, "/v1/operations", { authorization });
      return body.services as { name: string; state: string; version: string | null }[];
    };
    // A reading is used for a while; the first may be of before the gateway was ready.
    await expect.poll(async () => (await look())[0]?.state, { timeout: 10_000 }).toBe("ready");
    const services = await look();
    expect(services.map(({ name }) => name)).toEqual([
      "gateway",
      ...SERVICES.filter((name) => name !== "gateway"),
    ]);
    expect(services[0]).toMatchObject({ state: "ready", version: "0.1.0" });
    expect(services[1]).toMatchObject({ state: "silent", version: null });
  });

  it("shows a job's way over the services that remember it, and says which do not answer", async () => {
    local.peers.answer("ListTraces", () => ({
      traces: [{ traceId: TRACE_ID, value: JOB_ID, startedAtMs: 10, lastEndedAtMs: 90, failed: false }],
    }));
    local.peers.answer("GetTrace", () => ({
      spans: [
        {
          spanId: "00f067aa0ba902b7",
          parentSpanId: "",
          name: "job match",
          kind: SpanKind.SPAN_KIND_INTERNAL,
          startUs: 10_000,
          durationUs: 500,
          failed: false,
          message: "",
          attributes: { "aios.job.id": JOB_ID },
        },
      ],
      dropped: 3,
    }));
    const { body } = await ask(local);
    expect(body.jobs).toEqual([
      { jobId: JOB_ID, traceId: TRACE_ID, startedAtMs: 10, lastEndedAtMs: 90, failed: false },
    ]);
    const trace = (await ask(local, `/v1/operations/traces/${TRACE_ID}`)).body;
    expect(trace).toMatchObject({ traceId: TRACE_ID, dropped: 21, silent: [] });
    expect(trace.spans).toHaveLength(7);
    local.peers.reset();
    expect((await ask(local, `/v1/operations/traces/${TRACE_ID}`)).body.silent).toContain("compute");
  });

  it("refuses what is no trace id", async () => {
    expect((await ask(local, "/v1/operations/traces/zz")).status).toBe(400);
  });

  it("counts its own answers for the objectives it promises", async () => {
    const { body } = await ask(local);
    const names = (body.objectives as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(["gateway-availability", "gateway-latency", "job-success", "event-delay"]);
  });
});
