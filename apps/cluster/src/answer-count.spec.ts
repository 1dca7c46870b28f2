import { describe, expect, it } from "vitest";
import { AnswerCount } from "./answer-count.js";

const URL_ASKED = "http://gateway/v1/jobs";

async function reportOf(answer: () => Response | Promise<Response>) {
  const count = new AnswerCount(async () => answer());
  await count.fetch(URL_ASKED, { method: "POST" }).catch(() => undefined);
  return count.report();
}

const broken = (): Response =>
  new Response(
    new ReadableStream({
      pull: (controller) => controller.error(new Error("the connection broke")),
    }),
  );

describe("AnswerCount", () => {
  it.each([200, 201, 400, 404, 409])("counts %i as answered", async (status) => {
    expect(await reportOf(() => new Response("x", { status }))).toMatchObject({ answered: 1, failed: 0 });
  });

  it.each([
    [503, { askedToComeBack: 1, askedToSlowDown: 0 }],
    [429, { askedToComeBack: 0, askedToSlowDown: 1 }],
  ])("counts %i with a time to come back as what it is", async (status, counted) => {
    const headers = { "retry-after": "1" };
    expect(await reportOf(() => new Response("", { status, headers }))).toEqual({
      ...{ answered: 0, failed: 0, failures: [] },
      ...counted,
    });
  });

  it.each([429, 500, 502, 503, 504])("counts %i without one as failed, and names it", async (status) => {
    expect(await reportOf(() => new Response("said so", { status }))).toMatchObject({
      ...{ answered: 0, failed: 1, failures: [`POST /v1/jobs: ${status} said so`] },
    });
  });

  it("counts a lost connection, and an answer that breaks off, as failed", async () => {
    const lost = await reportOf(() => Promise.reject(new TypeError("fetch failed")));
    expect(lost.failures).toEqual(["POST /v1/jobs: fetch failed"]);
    expect(await reportOf(broken)).toMatchObject({ answered: 0, failed: 1 });
  });

  it("hands a stream on as it comes, and the body of all else whole", async () => {
    const headers = { "content-type": "text/event-stream" };
    const endless = new Response(new ReadableStream({}), { headers });
    expect(await new AnswerCount(async () => endless).fetch(URL_ASKED)).toBe(endless);
    const answer = await new AnswerCount(async () => new Response('{"a":1}')).fetch(URL_ASKED);
    expect(await answer.json()).toEqual({ a: 1 });
  });
});
