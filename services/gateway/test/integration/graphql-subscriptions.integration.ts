import { CodedError } from "@aios/kernel/coded-error";
import { JobState } from "@aios/proto/aios/compute/v1/compute";
import { parseEventStream } from "@aios/sdk/event-stream";
import { createClient } from "graphql-sse";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { JOB_ID, jobMessage } from "../support/fake-peers.js";
import { answerProtocol, type GatewayHarness, startGateway } from "../support/gateway-harness.js";

const QUERY = "subscription($id: Bytes32!) { jobChanged(jobId: $id) { state model { name } } }";

let gateway: GatewayHarness;
beforeAll(async () => {
  gateway = await startGateway({ GATEWAY_SSE_MAX_PER_ACCOUNT: "2", GATEWAY_SSE_HEARTBEAT: "50ms" });
});
beforeEach(() => {
  gateway.peers.reset();
  answerProtocol(gateway.peers);
  gateway.peers.answer("GetModel", () => {
    throw new CodedError({ code: "model-unknown", kind: "not-found", message: "There is no such model." });
  });
});
afterAll(() => gateway?.close());

/** A job that changes as told, and stays open until `finish`. */
function watching(...states: JobState[]): { finish(): void; readonly ended: Promise<void> } {
  let finish = (): void => undefined;
  let end = (): void => undefined;
  const open = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  gateway.peers.answer("WatchJob", async function* () {
    try {
      for (const state of states) yield { job: jobMessage({ state }) };
      await open;
    } finally {
      end();
    }
  });
  return { finish, ended };
}

async function subscribe(token: string | undefined, accept = "text/event-stream"): Promise<Response> {
  return fetch(`${gateway.baseUrl}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: QUERY, variables: { id: JOB_ID } }),
  });
}

async function codeOf(response: Response): Promise<unknown> {
  const { errors } = (await response.json()) as { errors: readonly { extensions: { code: string } }[] };
  return errors[0]?.extensions.code;
}

it("tells every change until the job ends, to a client of GraphQL over SSE", async () => {
  watching(JobState.JOB_STATE_FUNDED, JobState.JOB_STATE_LEASED, JobState.JOB_STATE_SETTLED);
  let reads = 0;
  gateway.peers.answer("GetModel", () => {
    reads += 1;
    throw new CodedError({ code: "model-unknown", kind: "not-found", message: "There is no such model." });
  });
  const client = createClient({
    url: `${gateway.baseUrl}/graphql`,
    headers: { authorization: `Bearer ${await gateway.token()}` },
    retryAttempts: 0,
  });
  const seen: unknown[] = [];
  for await (const { data, errors } of client.iterate({ query: QUERY, variables: { id: JOB_ID } })) {
    expect(errors).toBeUndefined();
    seen.push(data?.["jobChanged"]);
  }
  expect(seen).toEqual(["FUNDED", "LEASED", "SETTLED"].map((state) => ({ state, model: null })));
  // What leads on from the job is read anew for each change.
  expect(reads).toBe(3);
});

it("answers a query over the same client", async () => {
  const client = createClient({ url: `${gateway.baseUrl}/graphql`, retryAttempts: 0 });
  const seen = [];
  for await (const { data } of client.iterate({ query: "{ protocol { chainId } }" })) seen.push(data);
  expect(seen).toEqual([{ protocol: { chainId: 8018 } }]);
});

it("needs a session, an event stream, and a job that the caller may watch", async () => {
  watching(JobState.JOB_STATE_FUNDED);
  const stranger = await subscribe(undefined);
  expect([stranger.status, await codeOf(stranger)]).toEqual([401, "sign-in-required"]);
  const token = await gateway.token();
  const plain = await subscribe(token, "application/graphql-response+json");
  expect([plain.status, await codeOf(plain)]).toEqual([400, "subscription-needs-event-stream"]);
  gateway.peers.answer("WatchJob", () => {
    throw new CodedError({ code: "job-unknown", kind: "not-found", message: "There is no such job." });
  });
  const unknown = await subscribe(token);
  expect([unknown.status, await codeOf(unknown)]).toEqual([404, "job-unknown"]);
});

it("keeps quiet streams alive, and counts them with those over REST", async () => {
  const { finish } = watching(JobState.JOB_STATE_FUNDED);
  const token = await gateway.token();
  const first = await subscribe(token);
  const reader = first.body?.getReader();
  let text = "";
  while (!text.includes(": heartbeat")) text += Buffer.from((await reader?.read())?.value ?? []).toString();
  const overRest = await fetch(`${gateway.baseUrl}/v1/jobs/${JOB_ID}/events`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const third = await subscribe(token);
  expect([third.status, await codeOf(third)]).toEqual([429, "too-many-streams"]);
  expect(third.headers.get("retry-after")).toBe("5");
  finish();
  await overRest.text();
  await reader?.cancel();
});

it("ends the watch when the caller leaves", async () => {
  const { ended, finish } = watching(JobState.JOB_STATE_FUNDED, JobState.JOB_STATE_LEASED);
  const response = await subscribe(await gateway.token());
  await response.body?.cancel();
  finish();
  await ended;
});

it("ends with the session that opened it", async () => {
  const { finish } = watching(JobState.JOB_STATE_FUNDED);
  const token = await gateway.token();
  const response = await subscribe(token);
  const revoked = await fetch(`${gateway.baseUrl}/v1/auth/revocation`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: "{}",
  });
  expect(revoked.status).toBe(200);
  const events: string[] = [];
  if (response.body !== null) {
    for await (const { event, data } of parseEventStream(response.body)) events.push(`${event} ${data}`);
  }
  expect(events.at(-2)).toContain('"code":"session-expired"');
  expect(events.at(-1)).toBe("complete ");
  finish();
});

it("is cut off without a last word when the gateway shuts down, so that clients connect again", async () => {
  const leaving = await startGateway();
  answerProtocol(leaving.peers);
  leaving.peers.answer("WatchJob", async function* () {
    yield { job: jobMessage({ state: JobState.JOB_STATE_FUNDED }) };
    await new Promise(() => undefined);
  });
  const response = await fetch(`${leaving.baseUrl}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "text/event-stream",
      authorization: `Bearer ${await leaving.token()}`,
    },
    body: JSON.stringify({
      query: "subscription($id: Bytes32!) { jobChanged(jobId: $id) { state } }",
      variables: { id: JOB_ID },
    }),
  });
  const reader = response.body?.getReader();
  let text = "";
  while (!text.includes("event: next")) text += Buffer.from((await reader?.read())?.value ?? []).toString();
  await leaving.close();
  for (;;) {
    const piece = await reader?.read().catch(() => ({ done: true, value: undefined }));
    if (piece?.done !== false) break;
    text += Buffer.from(piece.value ?? []).toString();
  }
  expect(text).not.toContain("complete");
});
