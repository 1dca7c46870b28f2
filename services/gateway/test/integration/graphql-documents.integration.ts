import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerProtocol, type GatewayHarness, startGateway } from "../support/gateway-harness.js";

const QUERY = "{ protocol { chainId } }";
const ANSWER = { protocol: { chainId: 8018 } };
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

interface Answer {
  readonly status: number;
  readonly data?: unknown;
  readonly code?: unknown;
}

async function send(gateway: GatewayHarness, body: unknown): Promise<Answer> {
  const response = await fetch(`${gateway.baseUrl}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify(body),
  });
  const { data, errors } = (await response.json()) as {
    readonly data?: unknown;
    readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
  };
  return {
    status: response.status,
    ...(errors === undefined ? { data } : { code: errors[0]?.extensions.code }),
  };
}

describe("a gateway with the explorer", () => {
  let gateway: GatewayHarness;
  beforeAll(async () => {
    gateway = await startGateway({ GATEWAY_GRAPHQL_EXPLORER: "true" });
  });
  afterAll(() => gateway?.close());

  it.each(
    serverAudits({ url: () => `${gateway.baseUrl}/graphql` }).map((audit) => [audit.name, audit] as const),
  )("passes the audit of GraphQL over HTTP: %s", async (_name, audit) => {
    const result = await audit.fn();
    // What the specification leaves open ("MAY") is a notice.
    expect(["ok", "notice"], "reason" in result ? result.reason : "").toContain(result.status);
  });

  it("may be introspected, and has a page that runs no third party's script", async () => {
    const { data } = await send(gateway, { query: "{ __schema { queryType { name } } }" });
    expect(data).toEqual({ __schema: { queryType: { name: "Query" } } });
    const page = await fetch(`${gateway.baseUrl}/graphql`);
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
    const scripts = (await page.text()).matchAll(/<script[^>]*src="([^"]*)"/g);
    expect([...scripts].map(([, source]) => source)).toEqual(["/graphql/explorer.js"]);
    const script = await fetch(`${gateway.baseUrl}/graphql/explorer.js`);
    expect(script.headers.get("content-type")).toContain("text/javascript");
    expect(await script.text()).toContain('fetch("/graphql"');
  });
});

describe("persisted documents", () => {
  let gateway: GatewayHarness;
  beforeAll(async () => {
    gateway = await startGateway({ GATEWAY_GRAPHQL_PERSISTED: "2" });
    answerProtocol(gateway.peers);
  });
  afterAll(() => gateway?.close());

  const persisted = (text: string, query?: string): object => ({
    ...(query === undefined ? {} : { query }),
    extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(text) } },
  });

  it("are unknown until they are sent along once, and then named by their hash", async () => {
    expect(await send(gateway, persisted(QUERY))).toEqual({ status: 404, code: "persisted-query-not-found" });
    expect(await send(gateway, persisted(QUERY, QUERY))).toEqual({ status: 200, data: ANSWER });
    expect(await send(gateway, persisted(QUERY))).toEqual({ status: 200, data: ANSWER });
    expect(await send(gateway, { documentId: `sha256:${hashOf(QUERY)}` })).toEqual({
      status: 200,
      data: ANSWER,
    });
  });

  it("are kept under their own hash only", async () => {
    expect(await send(gateway, persisted("{ health { status } }", QUERY))).toEqual({
      status: 400,
      code: "persisted-query-mismatch",
    });
  });

  it("are bounded: the longest unused makes room", async () => {
    const [first, second, third] = ["a", "b", "c"].map((alias) => `{ ${alias}: protocol { chainId } }`);
    for (const text of [first, second, third]) await send(gateway, persisted(text as string, text));
    expect((await send(gateway, persisted(first as string))).code).toBe("persisted-query-not-found");
    expect((await send(gateway, persisted(third as string))).status).toBe(200);
  });

  it("offers no page and no introspection unless its operator says so", async () => {
    expect((await fetch(`${gateway.baseUrl}/graphql`)).status).toBe(404);
    expect((await fetch(`${gateway.baseUrl}/graphql/explorer.js`)).status).toBe(404);
    expect((await send(gateway, { query: "{ __schema { queryType { name } } }" })).code).toBe(
      "document-invalid",
    );
  });
});

describe("registered documents only", () => {
  const directory = temporaryDirectory("documents");
  const file = join(directory.path, "documents.json");
  afterAll(() => directory.remove());
  const start = async (documents: unknown): Promise<GatewayHarness> => {
    await writeFile(file, JSON.stringify(documents));
    return startGateway({ GATEWAY_GRAPHQL_DOCUMENTS_FILE: file, GATEWAY_GRAPHQL_REGISTERED_ONLY: "true" });
  };

  it("executes those, and nothing else", async () => {
    const gateway = await start({ chain: QUERY });
    try {
      expect(await send(gateway, { documentId: "chain" })).toEqual({ status: 200, data: ANSWER });
      expect(await send(gateway, { query: QUERY })).toEqual({ status: 200, data: ANSWER });
      const other = "{ health { status } }";
      const refused = { status: 403, code: "document-not-registered" };
      expect(await send(gateway, { query: other })).toEqual(refused);
      expect(await send(gateway, { documentId: "other" })).toEqual(refused);
      expect(
        await send(gateway, {
          query: other,
          extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(other) } },
        }),
      ).toEqual(refused);
    } finally {
      await gateway.close();
    }
  });

  it.each([
    ["a document that the schema does not have", { old: "{ gone }" }, "bad-registered-document"],
    ["something that is no manifest", ["{ protocol { chainId } }"], "bad-documents-file"],
    ["no document at all", {}, "no-registered-documents"],
  ])("does not start with %s", async (_what, documents, code) => {
    await expect(start(documents)).rejects.toMatchObject({ code });
  });
});
