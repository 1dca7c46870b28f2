import { describe, expect, it } from "vitest";
import { parseEventStream } from "./event-stream.js";
import { HttpTransport } from "./http-transport.js";
import { retryAfterMs } from "./problem.js";

function transport(...answers: (() => Response)[]): {
  readonly transport: HttpTransport;
  readonly calls: RequestInit[];
} {
  const calls: RequestInit[] = [];
  const made = new HttpTransport({
    baseUrl: "http://gateway.test/",
    fetch: async (_url, init) => {
      calls.push(init ?? {});
      const answer = answers[Math.min(calls.length, answers.length) - 1];
      if (answer === undefined) throw new TypeError("connection refused");
      return answer();
    },
  });
  return { transport: made, calls };
}

const unavailable = (): Response =>
  Response.json(
    { code: "peer-unavailable", detail: "Later." },
    { status: 503, headers: { "retry-after": "0" } },
  );
const fine = (): Response => Response.json({ fine: true });

describe("calls", () => {
  it("are repeated while the platform is unavailable, when that is safe", async () => {
    const get = transport(unavailable, unavailable, fine);
    expect(await get.transport.json({ method: "GET", path: "/x" })).toEqual({ fine: true });
    const keyed = transport(unavailable, fine);
    await keyed.transport.json({ method: "POST", path: "/x", json: {}, idempotencyKey: "k" });
    expect(keyed.calls.map((call) => (call.headers as Record<string, string>)["idempotency-key"])).toEqual([
      "k",
      "k",
    ]);
    const harmless = transport(unavailable, fine);
    await harmless.transport.json({ method: "POST", path: "/x", json: {}, repeatable: true });
    expect(harmless.calls).toHaveLength(2);
  });

  it("are not repeated without a key", async () => {
    const post = transport(unavailable, fine);
    await expect(post.transport.json({ method: "POST", path: "/x", json: {} })).rejects.toMatchObject({
      code: "peer-unavailable",
      retryAfterMs: 0,
    });
    expect(post.calls).toHaveLength(1);
  });

  it("fail with the platform's own error", async () => {
    const problem = {
      code: "licence-required",
      detail: "Buy a licence.",
      status: 402,
      traceId: "abc",
      why: "/v1/x",
      field: "modelId",
      details: { licencePriceWei: "5" },
    };
    const { transport: refusing } = transport(() => Response.json(problem, { status: 402 }));
    await expect(refusing.json({ method: "GET", path: "/x" })).rejects.toMatchObject({
      name: "CodedError",
      code: "licence-required",
      kind: "payment-required",
      message: "Buy a licence.",
      field: "modelId",
      details: { licencePriceWei: "5", traceId: "abc", why: "/v1/x" },
    });
  });

  it("say that nobody answers", async () => {
    await expect(transport().transport.json({ method: "POST", path: "/x", json: {} })).rejects.toMatchObject({
      code: "gateway-unreachable",
      kind: "unavailable",
    });
  });

  it("end with their caller's own reason", async () => {
    const leave = new AbortController();
    leave.abort(new Error("enough"));
    await expect(
      transport(unavailable).transport.json({ method: "GET", path: "/x", signal: leave.signal }),
    ).rejects.toThrow();
  });
});

it("reads Retry-After in both of its forms", () => {
  expect(retryAfterMs("3", 0)).toBe(3_000);
  expect(retryAfterMs(new Date(10_000).toUTCString(), 4_000)).toBe(6_000);
  expect(retryAfterMs("soon", 0)).toBeUndefined();
  expect(retryAfterMs(null, 0)).toBeUndefined();
});

it("parses event streams however they are cut", async () => {
  const text =
    ': hello\nretry: 1\n\nid: 1\nevent: job\ndata: {"a":\ndata: 1}\n\n: beat\r\n\r\nid: 2\r\ndata: two\r\n\r\n';
  for (const size of [1, 3, 7, 1000]) {
    const bytes = new TextEncoder().encode(text);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const events = [];
    for await (const event of parseEventStream(body)) events.push(event);
    expect(events).toEqual([
      { id: "1", event: "job", data: '{"a":\n1}' },
      { id: "2", event: "message", data: "two" },
    ]);
  }
});
