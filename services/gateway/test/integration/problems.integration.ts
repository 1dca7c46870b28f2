import { CodedError, type CodedErrorInit } from "@aios/kernel/coded-error";
import { freePort } from "@aios/service-kit/free-port";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { JOB_ID, jobMessage } from "../support/fake-peers.js";
import { answerProtocol, CHAIN_ID, type GatewayHarness, startGateway } from "../support/gateway-harness.js";

let gateway: GatewayHarness;
let token: string;

beforeAll(async () => {
  gateway = await startGateway({ GATEWAY_CONTENT_MAX: "1MiB", GATEWAY_JSON_MAX: "64KiB" });
});
beforeEach(async () => {
  gateway.peers.reset();
  answerProtocol(gateway.peers);
  token = await gateway.token();
});
afterAll(() => gateway?.close());

interface Call {
  readonly method?: string;
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
  readonly key?: string | undefined;
  readonly anonymous?: boolean;
  readonly headers?: Record<string, string>;
}

async function call(
  path: string,
  { method = "GET", json, body, key, anonymous, headers }: Call = {},
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const answer = await fetch(`${gateway.baseUrl}${path}`, {
    method,
    headers: {
      ...(anonymous === true ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { "idempotency-key": key }),
      ...headers,
    },
    ...(json === undefined ? (body === undefined ? {} : { body }) : { body: JSON.stringify(json) }),
  });
  return {
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as Record<string, unknown>,
  };
}

const inference = {
  inference: { modelId: 1, input: `0x${"00".repeat(784)}` },
  verification: "proof",
  priceCapWei: "1000",
};

function expectProblem(answer: Awaited<ReturnType<typeof call>>, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  expect(answer.body).toMatchObject({ status, code });
  expect(answer.body.detail).toMatch(/\S/);
  expect(answer.body.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(JSON.stringify(answer.body)).not.toMatch(/\bat .*\.(ts|js):\d+|node_modules/);
}

describe("what users do wrong", () => {
  it("refuses a missing sign-in", async () =>
    expectProblem(await call("/v1/jobs", { anonymous: true }), 401, "sign-in-required"));

  it("refuses a forged token", async () => {
    expectProblem(
      await call("/v1/jobs", {
        anonymous: true,
        headers: { authorization: `Bearer ${token.slice(0, -4)}AAAA` },
      }),
      401,
      "session-invalid",
    );
  });

  it("refuses a revoked session", async () => {
    expect((await call("/v1/auth/revocation", { method: "POST", json: {} })).status).toBe(200);
    expectProblem(await call("/v1/jobs"), 401, "session-expired");
  });

  it("names the field of an input that does not fit", async () => {
    const answer = await call("/v1/jobs", {
      method: "POST",
      key: "k-field",
      json: { ...inference, priceCapWei: "-1" },
    });
    expectProblem(answer, 422, "invalid-input");
    expect(answer.body.field).toBe("priceCapWei");
  });

  it("refuses unknown fields by name", async () => {
    const answer = await call("/v1/jobs", {
      method: "POST",
      key: "k-unknown",
      json: { ...inference, surprise: 1 },
    });
    expectProblem(answer, 422, "invalid-input");
    expect(answer.body.field).toBe("surprise");
  });

  it("refuses both kinds of work at once", async () => {
    expectProblem(await call("/v1/quotes", { method: "POST", json: {} }), 422, "invalid-input");
  });

  it("refuses malformed JSON", async () => {
    expectProblem(
      await call("/v1/jobs", {
        method: "POST",
        key: "k",
        body: "{",
        headers: { "content-type": "application/json" },
      }),
      400,
      "malformed-request",
    );
  });

  it("refuses a body of __proto__", async () => {
    const answer = await call("/v1/quotes", {
      method: "POST",
      body: '{"__proto__":{"training":1}}',
      headers: { "content-type": "application/json" },
    });
    expectProblem(answer, 400, "malformed-request");
  });

  it("refuses an oversized JSON body", async () => {
    expectProblem(
      await call("/v1/quotes", { method: "POST", json: { x: "y".repeat(70_000) } }),
      413,
      "body-too-large",
    );
  });

  it("refuses a malformed path parameter", async () => {
    const answer = await call("/v1/jobs/nonsense");
    expectProblem(answer, 400, "invalid-input");
    expect(answer.body.field).toBe("jobId");
  });

  it("knows no other address", async () => expectProblem(await call("/v1/nothing"), 404, "route-unknown"));

  it("asks for an Idempotency-Key", async () => {
    expectProblem(
      await call("/v1/jobs", { method: "POST", json: inference }),
      400,
      "idempotency-key-missing",
    );
  });
});

describe("what services answer", () => {
  const refusals: (CodedErrorInit & { readonly status: number })[] = [
    {
      status: 402,
      code: "licence-required",
      kind: "payment-required",
      message: "Buy a licence first.",
      details: { licencePriceWei: "50" },
    },
    { status: 403, code: "not-owner", kind: "forbidden", message: "Another account owns this." },
    { status: 404, code: "job-unknown", kind: "not-found", message: "There is no such job." },
    {
      status: 409,
      code: "cap-too-low",
      kind: "conflict",
      message: "Every offer is above the cap.",
      details: { cheapestWei: "1200" },
    },
    {
      status: 422,
      code: "input-shape",
      kind: "unprocessable",
      message: "The image must be 28 by 28.",
      field: "inference.input",
    },
    { status: 429, code: "slow-down", kind: "rate-limited", message: "Wait.", retryAfterMs: 2_000 },
    {
      status: 503,
      code: "database-unavailable",
      kind: "unavailable",
      message: "Try again.",
      retryAfterMs: 1_000,
    },
  ];

  it.each(refusals)("passes on $status $code", async ({ status, ...refusal }) => {
    gateway.peers.answer("PrepareJob", () => {
      throw new CodedError(refusal);
    });
    const answer = await call("/v1/jobs", { method: "POST", key: `pass-${refusal.code}`, json: inference });
    expectProblem(answer, status, refusal.code);
    if (refusal.details !== undefined) expect(answer.body.details).toMatchObject(refusal.details);
    if (refusal.field !== undefined) expect(answer.body.field).toBe(refusal.field);
    if (status === 429 || status === 503)
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  it("hides what broke inside", async () => {
    gateway.peers.answer("GetJob", () => {
      throw new Error("secret table name");
    });
    const answer = await call(`/v1/jobs/${JOB_ID}`);
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer.body)).not.toContain("secret");
  });

  it("links to the reason of a conflict about a job", async () => {
    gateway.peers.answer("PlaceJob", () => {
      throw new CodedError({
        code: "insufficient-funds",
        kind: "payment-required",
        message: "The balance is too low.",
        details: { jobId: JOB_ID },
      });
    });
    const signatures = [{ name: "order", signature: `0x${"1b".repeat(65)}` }];
    const answer = await call(`/v1/jobs/${JOB_ID}/signatures`, {
      method: "PUT",
      key: "why",
      json: { signatures },
    });
    expectProblem(answer, 402, "insufficient-funds");
    expect(answer.body.why).toBe(`/v1/jobs/${JOB_ID}/money`);
  });

  it("acts in the caller's name", async () => {
    gateway.peers.answer("GetJob", () => ({ job: jobMessage() }));
    await call(`/v1/jobs/${JOB_ID}`);
    const account = gateway.client().account;
    expect(gateway.peers.callsOf("GetJob")[0]?.claims).toMatchObject({
      iss: "gateway",
      aud: "compute",
      account,
      tenant: `account:${account}`,
    });
  });
});

describe("what is down", () => {
  it("answers 503 with Retry-After when the chain's node is down", async () => {
    const answer = await call("/rpc", {
      method: "POST",
      json: { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] },
    });
    expectProblem(answer, 503, "chain-unavailable");
    expect(answer.headers.get("retry-after")).toBe("1");
  });

  it("answers 503 with Retry-After when a service is down, and says which in /health", async () => {
    const down = await startGateway({ SCORING_GRPC_URL: `127.0.0.1:${await freePort()}` }, gateway.postgres);
    try {
      const headers = { authorization: `Bearer ${await down.token()}` };
      const answer = await fetch(`${down.baseUrl}/v1/accounts/${down.client().account}/contribution`, {
        headers,
      });
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await answer.json()).toMatchObject({ code: "peer-unavailable" });
      const health = (await (await fetch(`${down.baseUrl}/health`)).json()) as {
        status: string;
        services: { name: string; healthy: boolean }[];
      };
      expect(health.status).toBe("degraded");
      expect(health.services.find((service) => service.name === "scoring")?.healthy).toBe(false);
    } finally {
      await down.close();
    }
  });

  it("counts every call of a JSON-RPC batch, and a batch over the limit as one", async () => {
    const limited = await startGateway(
      { GATEWAY_RATE_BURST: "10", GATEWAY_RATE_PER_SECOND: "1", GATEWAY_RPC_MAX_BATCH: "50" },
      gateway.postgres,
    );
    const post = async (calls: number): Promise<number> => {
      const batch = Array.from({ length: calls }, (_, id) => ({ jsonrpc: "2.0", id, method: "debug_x" }));
      const answer = await fetch(`${limited.baseUrl}/rpc`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(batch),
      });
      return answer.status;
    };
    try {
      // 11 calls could never be paid from a bucket of 10: refused in the answer, for one token.
      expect(await post(11)).toBe(200);
      expect(await post(6)).toBe(200);
      expect(await post(9)).toBe(429);
    } finally {
      await limited.close();
    }
  });

  it("answers 429 with Retry-After beyond the rate limit", async () => {
    const limited = await startGateway(
      { GATEWAY_RATE_BURST: "3", GATEWAY_RATE_PER_SECOND: "1" },
      gateway.postgres,
    );
    try {
      const statuses: number[] = [];
      let retryAfter: string | null = null;
      for (let i = 0; i < 5; i++) {
        const answer = await fetch(`${limited.baseUrl}/v1/protocol`);
        statuses.push(answer.status);
        retryAfter ??= answer.headers.get("retry-after");
      }
      expect(statuses).toEqual([200, 200, 200, 429, 429]);
      expect(retryAfter).toBe("1");
    } finally {
      await limited.close();
    }
  });
});

describe("content", () => {
  let sent = 0;

  it("counts uploads by their bytes", async () => {
    const limited = await startGateway(
      { GATEWAY_RATE_BURST: "20", GATEWAY_RATE_PER_SECOND: "1" },
      gateway.postgres,
    );
    limited.peers.answer("PutContent", () => ({ cid: "bafkreistored", sizeBytes: 1, deduplicated: false }));
    const authorization = `Bearer ${await limited.token()}`;
    const upload = async (bytes: number): Promise<number> => {
      const answer = await fetch(`${limited.baseUrl}/v1/content`, {
        method: "POST",
        headers: {
          authorization,
          "content-type": "application/octet-stream",
          "idempotency-key": `by-bytes-${bytes}`,
          "x-aios-category": "model",
          "x-aios-encrypted": "true",
        },
        body: new Uint8Array(bytes),
      });
      return answer.status;
    };
    try {
      expect(await upload(1_000)).toBe(201);
      // 1 MiB takes as much as eight calls beside its own two.
      expect(await upload(1024 ** 2)).toBe(201);
      expect(await upload(1024 ** 2 + 1)).toBe(429);
    } finally {
      await limited.close();
    }
  });

  it("streams bytes to storage and answers the CID", async () => {
    gateway.peers.answer("PutContent", ({ request }) => {
      const parts = request as { metadata?: unknown; chunk?: Uint8Array }[];
      return {
        cid: "bafkreistored",
        sizeBytes: parts.reduce((sum, part) => sum + (part.chunk?.length ?? 0), 0),
        deduplicated: false,
      };
    });
    const headers = {
      "content-type": "application/octet-stream",
      "x-aios-category": "model",
      "x-aios-encrypted": "true",
    };
    const answer = await call("/v1/content", {
      method: "POST",
      key: "content-1",
      body: new Uint8Array(600_000),
      headers,
    });
    expect(answer).toMatchObject({ status: 201, body: { cid: "bafkreistored", sizeBytes: 600_000 } });
    const other = await call("/v1/content", {
      method: "POST",
      key: "content-1",
      body: new Uint8Array(10),
      headers,
    });
    expectProblem(other, 409, "idempotency-key-reused");
  });

  it("refuses more than the limit, told or streamed", async () => {
    gateway.peers.answer("PutContent", () => ({ cid: "bafkreistored", sizeBytes: 1, deduplicated: false }));
    const headers = {
      "content-type": "application/octet-stream",
      "x-aios-category": "model",
      "x-aios-encrypted": "true",
    };
    const told = await call("/v1/content", {
      method: "POST",
      key: "big-1",
      body: new Uint8Array(1_100_000),
      headers,
    });
    expectProblem(told, 413, "body-too-large");
    const answer = await fetch(`${gateway.baseUrl}/v1/content`, {
      method: "POST",
      headers: { ...headers, authorization: `Bearer ${token}`, "idempotency-key": "big-2" },
      body: new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(new Uint8Array(300_000));
          sent += 300_000;
          if (sent > 1_500_000) controller.close();
        },
      }),
      duplex: "half",
    } as RequestInit);
    expect(answer.status).toBe(413);
  });
  it("answers 404 for an unknown CID", async () => {
    gateway.peers.answer("GetContent", () => {
      throw new CodedError({
        code: "content-unknown",
        kind: "not-found",
        message: "There is no such content.",
      });
    });
    expectProblem(await call("/v1/content/bafkreiunknown", { anonymous: true }), 404, "content-unknown");
  });

  it("serves bytes as a download and never as a page", async () => {
    gateway.peers.answer("GetContent", async function* () {
      yield {
        stat: {
          cid: "bafkreihtml",
          sizeBytes: 5,
          metadata: { category: "model", encrypted: false, mediaType: "text/html" },
          ownerTenant: "",
          createdAtMs: 1,
        },
      };
      yield { chunk: Buffer.from("<html") };
    });
    const answer = await fetch(`${gateway.baseUrl}/v1/content/bafkreihtml`);
    expect(await answer.text()).toBe("<html");
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  });
});

describe("JSON-RPC passthrough", () => {
  it("offers no method that is not on the list", async () => {
    const answer = await call("/rpc", {
      method: "POST",
      anonymous: true,
      json: { jsonrpc: "2.0", id: 7, method: "debug_traceTransaction", params: [] },
    });
    expect(answer.body).toMatchObject({ id: 7, error: { code: -32601 } });
  });

  it("wants a session for sending transactions, and bounds batches", async () => {
    const send = { jsonrpc: "2.0", id: 1, method: "eth_sendRawTransaction", params: ["0x"] };
    expect((await call("/rpc", { method: "POST", anonymous: true, json: send })).body).toMatchObject({
      error: { code: -32001 },
    });
    const batch = Array.from({ length: 51 }, (_, id) => ({
      jsonrpc: "2.0",
      id,
      method: "eth_chainId",
      params: [],
    }));
    expect((await call("/rpc", { method: "POST", json: batch })).body).toMatchObject({
      error: { code: -32005 },
    });
  });
});

it("names its chain in sign-in nonces", async () => {
  const answer = await call("/v1/auth/nonce", { method: "POST", anonymous: true, json: {} });
  expect(answer.body.chainId).toBe(CHAIN_ID);
});
