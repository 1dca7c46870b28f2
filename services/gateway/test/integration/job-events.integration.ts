import { CodedError } from "@aios/kernel/coded-error";
import { JobState } from "@aios/proto/aios/compute/v1/compute";
import { parseEventStream } from "@aios/sdk/event-stream";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { JOB_ID, jobMessage } from "../support/fake-peers.js";
import { answerProtocol, type GatewayHarness, startGateway } from "../support/gateway-harness.js";

let gateway: GatewayHarness;
beforeAll(async () => {
  gateway = await startGateway({ GATEWAY_SSE_MAX_PER_ACCOUNT: "2" });
});
beforeEach(() => {
  gateway.peers.reset();
  answerProtocol(gateway.peers);
});
afterAll(() => gateway?.close());

const url = (): string => `${gateway.baseUrl}/v1/jobs/${JOB_ID}/events`;

function watching(...states: JobState[]): void {
  gateway.peers.answer("WatchJob", async function* () {
    for (const state of states) yield { job: jobMessage({ state }) };
  });
}

it("yields every change until the job ends", async () => {
  watching(JobState.JOB_STATE_FUNDED, JobState.JOB_STATE_LEASED, JobState.JOB_STATE_SETTLED);
  const seen: string[] = [];
  for await (const job of gateway.client().jobs.watch(JOB_ID)) seen.push(job.state);
  expect(seen).toEqual(["funded", "leased", "settled"]);
});

it("leaves out what was seen before a break", async () => {
  watching(JobState.JOB_STATE_FUNDED, JobState.JOB_STATE_SETTLED);
  const headers = { authorization: `Bearer ${await gateway.token()}` };
  const read = async (lastEventId?: string): Promise<(string | undefined)[]> => {
    const answer = await fetch(url(), {
      headers: { ...headers, ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }) },
    });
    const ids: (string | undefined)[] = [];
    if (answer.body !== null) for await (const event of parseEventStream(answer.body)) ids.push(event.id);
    return ids;
  };
  const [first, last] = await read();
  expect(await read(first)).toEqual([last]);
});

it("keeps a quiet connection alive, and ends the watch when the caller leaves", async () => {
  let ended = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    ended = resolve;
  });
  gateway.peers.answer("WatchJob", async function* () {
    try {
      yield { job: jobMessage({ state: JobState.JOB_STATE_FUNDED }) };
      for (let turn = 0; turn < 100; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        yield { job: jobMessage({ state: JobState.JOB_STATE_FUNDED }) };
      }
    } finally {
      ended();
    }
  });
  const leave = new AbortController();
  const answer = await fetch(url(), {
    headers: { authorization: `Bearer ${await gateway.token()}` },
    signal: leave.signal,
  });
  const reader = answer.body?.getReader();
  let text = "";
  while (!text.includes("event: job")) text += Buffer.from((await reader?.read())?.value ?? []).toString();
  expect(text).toContain(": connected");
  leave.abort();
  await stopped;
});

it("ends with the session that opened it, also while nothing changes", async () => {
  let finish = (): void => undefined;
  const quiet = new Promise<void>((resolve) => {
    finish = resolve;
  });
  gateway.peers.answer("WatchJob", async function* () {
    yield { job: jobMessage({ state: JobState.JOB_STATE_FUNDED }) };
    await quiet;
  });
  const authorization = `Bearer ${await gateway.token()}`;
  const response = await fetch(url(), { headers: { authorization } });
  const revoked = await fetch(`${gateway.baseUrl}/v1/auth/revocation`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: "{}",
  });
  expect(revoked.status).toBe(200);
  const events: string[] = [];
  if (response.body !== null) {
    for await (const { event, data } of parseEventStream(response.body)) events.push(`${event} ${data}`);
  }
  expect(events.at(-1)).toMatch(/^problem .*"code":"session-expired"/);
  finish();
});

it("sends heartbeats while nothing changes", async () => {
  let finish = (): void => undefined;
  const quiet = new Promise<void>((resolve) => {
    finish = resolve;
  });
  gateway.peers.answer("WatchJob", async function* () {
    yield { job: jobMessage({ state: JobState.JOB_STATE_FUNDED }) };
    await quiet;
  });
  const answer = await fetch(url(), { headers: { authorization: `Bearer ${await gateway.token()}` } });
  const reader = answer.body?.getReader();
  let text = "";
  while (!text.includes(": heartbeat")) text += Buffer.from((await reader?.read())?.value ?? []).toString();
  finish();
  await reader?.cancel();
});

it("is a problem with its status for an unknown job", async () => {
  gateway.peers.answer("WatchJob", () => {
    throw new CodedError({ code: "job-unknown", kind: "not-found", message: "There is no such job." });
  });
  const watch = gateway.client().jobs.watch(JOB_ID)[Symbol.asyncIterator]();
  await expect(watch.next()).rejects.toMatchObject({ code: "job-unknown", kind: "not-found" });
});

it("bounds the streams of one account", async () => {
  let finish = (): void => undefined;
  const open = new Promise<void>((resolve) => {
    finish = resolve;
  });
  gateway.peers.answer("WatchJob", async function* () {
    yield { job: jobMessage({ state: JobState.JOB_STATE_FUNDED }) };
    await open;
  });
  const headers = { authorization: `Bearer ${await gateway.token()}` };
  const streams = [await fetch(url(), { headers }), await fetch(url(), { headers })];
  const third = await fetch(url(), { headers });
  expect(third.status).toBe(429);
  expect(third.headers.get("retry-after")).toBe("5");
  finish();
  for (const stream of streams) await stream.text();
});
