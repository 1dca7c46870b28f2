import { readFile, writeFile } from "node:fs/promises";
import { CodedError } from "@aios/kernel/coded-error";
import { JobState, Provider } from "@aios/proto/aios/compute/v1/compute";
import { GetContributionResponse } from "@aios/proto/aios/scoring/v1/scoring";
import { printSchema } from "graphql";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CONTROLLERS } from "../../src/adapters/http/controllers.js";
import { LINKS, MUTATIONS, QUERIES, SUBSCRIPTIONS } from "../../src/adapters/http/graphql/graph.js";
import { graphSchema } from "../../src/adapters/http/graphql/graph-schema.js";
import { routesOf } from "../../src/adapters/http/openapi/openapi-document.js";
import { JOB_ID, jobMessage } from "../support/fake-peers.js";
import { answerProtocol, type GatewayHarness, startGateway } from "../support/gateway-harness.js";

/** Reached over REST alone, and why. */
const REST_ONLY = {
  bytes: ["putContent", "getContent"],
  signingIn: ["createSignInNonce", "signIn", "revokeSession"],
  anotherProtocol: ["callGraphql", "callJsonRpc"],
  documents: ["getDocs", "getDocsStyle", "getOpenApi", "getGraphqlExplorer", "getGraphqlExplorerScript"],
  secrets: ["getDemoAccount"],
  operators: ["getOperations", "getTrace"],
};

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Record<string, never> | null | undefined;
  readonly errors: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions: Readonly<Record<string, unknown>>;
  }[];
  readonly extensions: { readonly cost: { readonly value: number; readonly limit: number } };
}

const MAX_COST = 60;
let gateway: GatewayHarness;
beforeAll(async () => {
  gateway = await startGateway({
    GATEWAY_GRAPHQL_MAX_DEPTH: "4",
    GATEWAY_GRAPHQL_MAX_COST: String(MAX_COST),
  });
});
beforeEach(() => {
  gateway.peers.reset();
  answerProtocol(gateway.peers);
});
afterAll(() => gateway?.close());

async function send(body: unknown, token?: string, url = gateway.baseUrl): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/graphql-response+json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  const { data, errors, extensions } = (await response.json()) as Omit<Answer, "status" | "headers">;
  return { status: response.status, headers: response.headers, data, errors: errors ?? [], extensions };
}

const ask = (query: string, variables: object = {}, token?: string): Promise<Answer> =>
  send({ query, variables }, token);

const codesOf = ({ errors }: Answer): unknown[] => errors.map(({ extensions }) => extensions.code);

describe("the schema", () => {
  it("is the checked-in file", async () => {
    const file = new URL("../../schema.graphql", import.meta.url);
    const text = `${printSchema(graphSchema(routesOf(CONTROLLERS)))}\n`;
    if (process.env.UPDATE_SCHEMA === "1") await writeFile(file, text);
    expect(await readFile(file, "utf8"), "run the test with UPDATE_SCHEMA=1 to accept the change").toBe(text);
  });

  it("has every operation, or says why not", () => {
    const links = Object.values(LINKS).flatMap((fields) => Object.values(fields));
    const inGraph = [
      ...Object.values({ ...QUERIES, ...MUTATIONS, ...SUBSCRIPTIONS }),
      ...links.map(({ operation }) => operation),
    ];
    const all = routesOf(CONTROLLERS).map(({ operation }) => operation?.id ?? "");
    expect([...new Set([...inGraph, ...Object.values(REST_ONLY).flat()])].sort()).toEqual(
      [...new Set(all)].sort(),
    );
  });
});

describe("a query", () => {
  it("reads a job and what hangs on it, each thing asked once", async () => {
    const { peers } = gateway;
    peers.answer("GetJob", () => ({ job: jobMessage({ state: JobState.JOB_STATE_SETTLED }) }));
    peers.answer("GetModel", () => {
      throw new CodedError({ code: "model-unknown", kind: "not-found", message: "There is no such model." });
    });
    peers.answer("GetJobPayments", () => ({
      payments: [
        { kind: "withdrawal", account: "0x1", amountWei: "7", transactionHash: "0x2", blockNumber: 3 },
        { kind: "provider", account: "0x1", amountWei: "8", transactionHash: "0x2", blockNumber: 3 },
      ],
    }));
    const answer = await ask(
      `query($id: Bytes32!) {
        job(jobId: $id) { jobId state model { name } payments { kind amountWei } }
        again: job(jobId: $id) { kind priceCapWei }
      }`,
      { id: JOB_ID },
      await gateway.token(),
    );
    expect(answer.errors).toEqual([]);
    expect(answer.data).toEqual({
      job: {
        jobId: JOB_ID,
        state: "SETTLED",
        model: null,
        payments: [
          { kind: "WITHDRAWAL", amountWei: "7" },
          { kind: "PROVIDER", amountWei: "8" },
        ],
      },
      again: { kind: "INFERENCE", priceCapWei: "1000" },
    });
    // Once for both fields, once where compute decides whether the caller may see the payments.
    expect(peers.callsOf("GetJob")).toHaveLength(2);
  });

  it("acts for the account that signed in", async () => {
    gateway.peers.answer("ListJobs", () => ({ jobs: [], nextPageToken: "" }));
    const token = await gateway.token();
    await ask("{ jobs(pageSize: 3) { items { jobId } } }", {}, token);
    const [call] = gateway.peers.callsOf("ListJobs");
    expect(call?.request).toMatchObject({ pageSize: 3 });
    expect(call?.claims).toMatchObject({ account: gateway.client().account });
  });

  it("refuses strangers field by field, and answers the open ones", async () => {
    const answer = await ask("{ protocol { chainId } jobs { nextCursor } }");
    expect(answer.status).toBe(200);
    expect(answer.data).toMatchObject({ protocol: { chainId: 8018 }, jobs: null });
    expect(answer.errors).toMatchObject([
      { path: ["jobs"], extensions: { code: "sign-in-required", status: 401 } },
    ]);
  });

  it("is refused whole with a token that is not valid, as over REST", async () => {
    const answer = await ask("{ protocol { chainId } }", {}, "not-a-token");
    expect(answer.status).toBe(401);
    expect(codesOf(answer)).toEqual(["session-invalid"]);
  });
});

describe("errors", () => {
  it("carry in their extensions what the problem says over REST", async () => {
    gateway.peers.answer("GetJob", () => {
      throw new CodedError({
        code: "job-busy",
        kind: "conflict",
        message: "The job is busy.",
        field: "jobId",
        details: { jobId: JOB_ID },
        retryAfterMs: 2_000,
      });
    });
    const token = await gateway.token();
    const overRest = await fetch(`${gateway.baseUrl}/v1/jobs/${JOB_ID}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const problem = (await overRest.json()) as Record<string, unknown>;
    const { errors, headers } = await ask(
      "query($id: Bytes32!) { job(jobId: $id) { jobId } }",
      { id: JOB_ID },
      token,
    );
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toBe(problem.detail);
    const { traceId, ...extensions } = errors[0]?.extensions ?? {};
    expect(traceId).toBe(headers.get("x-trace-id"));
    for (const [name, value] of Object.entries(extensions)) expect(value, name).toEqual(problem[name]);
    expect(Object.keys(extensions).sort()).toEqual([
      "code",
      "details",
      "field",
      "retryAfterMs",
      "status",
      "why",
    ]);
  });

  it("name the argument that is wrong, by the operation's own schema", async () => {
    const answer = await ask('{ job(jobId: "0x12") { jobId } }', {}, await gateway.token());
    expect(answer.errors).toMatchObject([
      { extensions: { code: "invalid-input", status: 400, field: "jobId" } },
    ]);
  });

  it("keep to themselves what is nobody's business", async () => {
    gateway.peers.answer("GetJob", () => {
      throw new Error("secret of the house");
    });
    const answer = await ask(`{ job(jobId: "${JOB_ID}") { jobId } }`, {}, await gateway.token());
    expect(answer.errors).toMatchObject([{ extensions: { code: "internal", status: 500 } }]);
    expect(JSON.stringify(answer)).not.toContain("secret");
  });
});

describe("a mutation", () => {
  const PREPARE = `mutation($input: PrepareJobInput!, $key: String!) {
    prepareJob(input: $input, idempotencyKey: $key) { job { jobId } toSign { name } inputSalt }
  }`;
  const INPUT = { inference: { modelId: 1, input: "0x0102" }, verification: "PROOF", priceCapWei: "1000" };
  const prepared = (): void =>
    gateway.peers.answer("PrepareJob", () => ({
      job: jobMessage(),
      toSign: [],
      inputSalt: new Uint8Array(),
    }));

  it("happens once per key, over GraphQL and REST together", async () => {
    prepared();
    const token = await gateway.token();
    const key = crypto.randomUUID();
    const first = await ask(PREPARE, { input: INPUT, key }, token);
    expect(first.data).toEqual({ prepareJob: { job: { jobId: JOB_ID }, toSign: [], inputSalt: null } });
    expect((await ask(PREPARE, { input: INPUT, key }, token)).data).toEqual(first.data);
    const overRest = await fetch(`${gateway.baseUrl}/v1/jobs`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "idempotency-key": key,
      },
      body: JSON.stringify({ ...INPUT, verification: "proof" }),
    });
    expect(overRest.headers.get("idempotency-replayed")).toBe("true");
    expect(gateway.peers.callsOf("PrepareJob")).toHaveLength(1);
    const other = await ask(PREPARE, { input: { ...INPUT, priceCapWei: "1" }, key }, token);
    expect(codesOf(other)).toEqual(["idempotency-key-reused"]);
  });

  it("replays a lasting refusal as it was", async () => {
    gateway.peers.answer("PrepareJob", () => {
      throw new CodedError({ code: "price-too-low", kind: "payment-required", message: "It costs more." });
    });
    const variables = { input: INPUT, key: crypto.randomUUID() };
    const token = await gateway.token();
    const first = await ask(PREPARE, variables, token);
    prepared();
    const again = await ask(PREPARE, variables, token);
    expect(again.errors).toEqual(first.errors);
    expect(codesOf(again)).toEqual(["price-too-low"]);
  });
});

describe("limits, before anything is executed", () => {
  it.each([
    ["document-missing", 400, {}],
    ["document-malformed", 400, { query: "{ protocol {" }],
    ["document-malformed", 400, { query: `{ ${"a:b ".repeat(2_000)} }` }],
    ["document-invalid", 400, { query: "{ protocl { chainId } }" }],
    ["document-invalid", 400, { query: "{ __schema { types { name } } }" }],
    [
      "document-invalid",
      400,
      { query: "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }" },
    ],
    ["document-too-large", 413, { query: `{ protocol { chainId } } # ${"x".repeat(17_000)}` }],
    ["operation-unknown", 400, { query: "query A { health { status } }", operationName: "B" }],
    ["variables-invalid", 400, { query: "query($n: SafeInt!) { models(pageSize: $n) { nextCursor } }" }],
    [
      "query-too-deep",
      400,
      { query: "{ jobs { items { placement { placements { candidates { score } } } } } }" },
    ],
    [
      "query-too-expensive",
      400,
      // Null is what is left out: twenty jobs, and three calls for each.
      {
        query:
          "{ jobs(pageSize: null) { items { payments { kind } money { state } placement { advice } } } }",
      },
    ],
    ["query-too-expensive", 400, { query: "{ jobs(pageSize: 100) { items { payments { kind } } } }" }],
    [
      "query-too-expensive",
      400,
      {
        query: "query($n: SafeInt) { jobs(pageSize: $n) { items { money { state } } } }",
        variables: { n: 100 },
      },
    ],
    [
      "query-too-expensive",
      400,
      {
        query: `{ ...f0 } ${Array.from({ length: 40 }, (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`).join(" ")} fragment f40 on Query { health { status } }`,
      },
    ],
    ["invalid-input", 400, { query: 7 }],
  ])("%s is %i", async (code, status, body) => {
    const answer = await send(body, await gateway.token());
    expect(codesOf(answer)).toEqual([code]);
    expect(answer.status).toBe(status);
    expect(answer.data).toBeUndefined();
    expect(gateway.peers.callsOf("ListJobs")).toEqual([]);
  });

  it("say nothing about fields that the caller did not name", async () => {
    const answer = await ask("{ protocl { chainId } }");
    expect(JSON.stringify(answer)).not.toContain("protocol");
  });

  it("tell the cost: calls at their worst, and one for each hundred fields", async () => {
    gateway.peers.answer("ListModels", () => ({ models: [], nextPageToken: "" }));
    const cost = async (query: string): Promise<number> => (await ask(query)).extensions.cost.value;
    expect(await cost("{ protocol { chainId } }")).toBe(1);
    expect(await cost("{ protocol { chainId } models(pageSize: 2) { nextCursor } }")).toBe(2);
    // 1 call and 2 + 100 fields of 100 models each.
    expect(await cost("{ models(pageSize: 100) { items { name owner } } }")).toBe(3);
    expect((await ask("{ protocol { chainId } }")).extensions.cost.limit).toBe(MAX_COST);
  });
});

describe("a list without a page", () => {
  const list = (length: number): void => {
    const providers = Array.from({ length }, (_, i) =>
      Provider.create({ address: `0x${i.toString(16).padStart(40, "0")}`, name: `p${i}` }),
    );
    gateway.peers.answer("ListProviders", () => ({ providers }));
    gateway.peers.answer("GetContribution", () => GetContributionResponse.create({ level: 1 }));
  };
  const QUERY = "{ providers { name contribution { level } } }";

  it("is counted as ten things, and charged for what it holds beyond", async () => {
    list(10);
    const token = await gateway.token();
    expect((await ask(QUERY, {}, token)).extensions.cost.value).toBe(11);
    list(35);
    const answer = await ask(QUERY, {}, token);
    expect(answer.errors).toEqual([]);
    expect(answer.data?.providers).toHaveLength(35);
    // 25 calls more; of fields 75 more, each hundred as much as a call.
    expect(answer.extensions.cost.value).toBe(36);
  });

  it("is refused where it is over the limit with what it holds, before anything below it is read", async () => {
    list(70);
    const answer = await ask(QUERY, {}, await gateway.token());
    expect(answer.data).toEqual({ providers: null });
    expect(answer.errors).toMatchObject([
      { path: ["providers"], extensions: { code: "query-too-expensive" } },
    ]);
    expect(gateway.peers.callsOf("GetContribution")).toEqual([]);
  });

  it("is refused where several are over the limit together", async () => {
    list(40);
    const answer = await ask(
      "{ a: providers { name contribution { level } } b: providers { name contribution { level } } }",
    );
    expect(codesOf(answer)).toContain("query-too-expensive");
    expect(answer.extensions.cost.value).toBeLessThanOrEqual(MAX_COST);
  });
});

describe("the client", () => {
  it("gives the data, and throws what REST would throw", async () => {
    gateway.peers.answer("GetJob", () => ({ job: jobMessage() }));
    const { graphql } = gateway.client();
    const query = "query($id: Bytes32!) { job(jobId: $id) { state } }";
    expect(await graphql.request(query, { id: JOB_ID })).toEqual({ job: { state: "PREPARED" } });
    gateway.peers.answer("GetJob", () => {
      throw new CodedError({ code: "job-unknown", kind: "not-found", message: "There is no such job." });
    });
    await expect(graphql.request(query, { id: JOB_ID })).rejects.toMatchObject({
      code: "job-unknown",
      kind: "not-found",
      message: "There is no such job.",
      details: { path: ["job"] },
    });
    await expect(graphql.request("{ gone }")).rejects.toMatchObject({
      code: "document-invalid",
      kind: "invalid",
    });
  });
});
