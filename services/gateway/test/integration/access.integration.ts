import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type SignInMessage, signInText } from "@aios/sdk/sign-in";
import { freePort } from "@aios/service-kit/free-port";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { Wallet } from "ethers/wallet";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CONTROLLERS } from "../../src/adapters/http/controllers.js";
import { openApiDocument, routesOf } from "../../src/adapters/http/openapi/openapi-document.js";
import { GATEWAY_VERSION } from "../../src/gateway-parts.js";
import { JOB_ID, jobMessage } from "../support/fake-peers.js";
import {
  answerProtocol,
  BUYER_KEY,
  CHAIN_ID,
  type GatewayHarness,
  startGateway,
} from "../support/gateway-harness.js";

const PUBLIC = [
  "callGraphql",
  "callJsonRpc",
  "createSignInNonce",
  "getContent",
  "getDemoAccount",
  "getDocs",
  "getDocsStyle",
  "getGraphqlExplorer",
  "getGraphqlExplorerScript",
  "getHealth",
  "getModel",
  "getOpenApi",
  "getProtocol",
  "listCapabilities",
  "listModels",
  "listProviders",
  "signIn",
];

let gateway: GatewayHarness;
beforeAll(async () => {
  gateway = await startGateway({ GATEWAY_CORS_ORIGINS: "https://friend.example" });
});
beforeEach(() => {
  gateway.peers.reset();
  answerProtocol(gateway.peers);
});
afterAll(() => gateway?.close());

describe("every route", () => {
  const routes = routesOf(CONTROLLERS);

  it("declares who may call it", () => {
    expect(routes.filter((route) => route.operation === undefined)).toEqual([]);
  });

  it("is public only when it is on the list", () => {
    const open = routes
      .filter((route) => route.operation?.access === "public")
      .map((route) => route.operation?.id ?? "");
    expect([...new Set(open)].sort()).toEqual(PUBLIC);
  });

  it("says how repetitions are told apart where it changes something", () => {
    const undeclared = routes.filter(
      (route) => route.method !== "get" && route.operation?.repetition === undefined,
    );
    expect(undeclared).toEqual([]);
  });

  it.each(routes.filter((route) => route.operation?.access === "account"))(
    "refuses strangers: $method $path",
    async ({ method, path }) => {
      const url = path
        .replace("{jobId}", JOB_ID)
        .replace("{address}", `0x${"11".repeat(20)}`)
        .replace("{receiptId}", JOB_ID)
        .replace("{id}", "1")
        .replace("{cid}", "bafkreisomething")
        .replace("{purchaseId}", "p");
      const answer = await fetch(`${gateway.baseUrl}${url}`, {
        method: method.toUpperCase(),
        ...(method === "get" ? {} : { headers: { "content-type": "application/json" }, body: "{}" }),
      });
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ code: "sign-in-required" });
      expect(gateway.peers.calls).toEqual([]);
    },
  );
});

it("describes itself as the committed openapi.json does", async () => {
  const document = openApiDocument(CONTROLLERS, GATEWAY_VERSION);
  const file = new URL("../../openapi.json", import.meta.url);
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (process.env.UPDATE_OPENAPI === "1") await writeFile(file, text);
  expect(await readFile(file, "utf8"), "run the test with UPDATE_OPENAPI=1 to accept the change").toBe(text);
  expect(await (await fetch(`${gateway.baseUrl}/openapi.json`)).json()).toEqual(JSON.parse(text));
});

it("answers what its schemas say", async () => {
  gateway.peers.answer("GetJob", () => ({ job: jobMessage() }));
  const job = await gateway.client().jobs.get(JOB_ID);
  const [route] = routesOf(CONTROLLERS).filter((each) => each.operation?.id === "getJob");
  expect(route?.operation?.answer.parse(job)).toEqual(job);
});

describe("sign-in", () => {
  const wallet = new Wallet(BUYER_KEY);
  async function attempt(
    change: Partial<SignInMessage>,
    signer = wallet,
  ): Promise<{ status: number; body: { field?: string; accessToken?: string } }> {
    const post = (path: string, json: unknown): Promise<Response> =>
      fetch(`${gateway.baseUrl}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(json),
      });
    const { nonce } = (await (await post("/v1/auth/nonce", {})).json()) as { nonce: string };
    const site = new URL(gateway.baseUrl);
    const now = Date.now();
    const message = signInText({
      domain: site.host,
      address: wallet.address,
      statement: "Sign in to AiOS.",
      uri: site.origin,
      chainId: CHAIN_ID,
      nonce,
      issuedAt: new Date(now).toISOString(),
      expirationTime: new Date(now + 60_000).toISOString(),
      ...change,
    });
    const signature = await signer.signMessage(message);
    const answer = await post("/v1/auth/siwe", { message, signature });
    const body = (await answer.json()) as { field?: string; accessToken?: string };
    if (answer.ok) {
      const replay = await post("/v1/auth/siwe", { message, signature });
      expect(await replay.json()).toMatchObject({ code: "sign-in-refused", field: "Nonce" });
    }
    return { status: answer.status, body };
  }

  it("gives a token for a right message, once", async () => {
    const { status, body } = await attempt({});
    expect(status).toBe(200);
    expect(body.accessToken).toMatch(/^ey/);
  });

  it.each<[string, Partial<SignInMessage>]>([
    ["domain", { domain: "evil.example", uri: "http://evil.example" }],
    ["URI", { uri: "http://evil.example" }],
    ["Chain ID", { chainId: 1 }],
    ["Nonce", { nonce: "neverissued1" }],
    ["Expiration Time", { expirationTime: new Date(Date.now() - 1_000).toISOString() }],
    ["Expiration Time", { expirationTime: new Date(Date.now() + 86_400_000).toISOString() }],
    ["Issued At", { issuedAt: new Date(Date.now() + 3_600_000).toISOString() }],
  ])("refuses a wrong %s", async (field, change) => {
    const { status, body } = await attempt(change);
    expect(status).toBe(401);
    expect(body.field).toBe(field);
  });

  it("refuses another's signature", async () => {
    const { status, body } = await attempt({}, new Wallet(`0x${"c3".repeat(32)}`));
    expect([status, body.field]).toEqual([401, "signature"]);
  });
});

describe("the demo account", () => {
  async function demoOf(env: Readonly<Record<string, string>>): Promise<{ status: number; text: string }> {
    const other = await startGateway(env, gateway.postgres);
    try {
      const answer = await fetch(`${other.baseUrl}/v1/demo`);
      return { status: answer.status, text: await answer.text() };
    } finally {
      await other.close();
    }
  }

  it("is given to this machine, never to a network, and not at all where none is configured", async () => {
    const directory = temporaryDirectory("demo");
    const DEMO_BUYER_KEY_FILE = join(directory.path, "demo.key");
    await writeFile(DEMO_BUYER_KEY_FILE, BUYER_KEY);
    const local = await demoOf({ DEMO_BUYER_KEY_FILE });
    expect([local.status, local.text.includes(BUYER_KEY)]).toEqual([200, true]);
    const port = await freePort();
    const open = await demoOf({ DEMO_BUYER_KEY_FILE, GATEWAY_HTTP_LISTEN: `0.0.0.0:${port}` });
    directory.remove();
    expect(open.text).not.toContain(BUYER_KEY);
    expect([open.status, JSON.parse(open.text)]).toMatchObject([403, { code: "demo-not-local" }]);
    expect((await demoOf({})).status).toBe(404);
  });
});

describe("browsers", () => {
  it("may call from allowed origins only", async () => {
    const friend = await fetch(`${gateway.baseUrl}/v1/protocol`, {
      headers: { origin: "https://friend.example" },
    });
    expect(friend.headers.get("access-control-allow-origin")).toBe("https://friend.example");
    const stranger = await fetch(`${gateway.baseUrl}/v1/protocol`, {
      headers: { origin: "https://evil.example" },
    });
    expect(stranger.headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await fetch(`${gateway.baseUrl}/v1/jobs`, {
      method: "OPTIONS",
      headers: { origin: "https://friend.example" },
    });
    expect(preflight.status).toBe(204);
  });

  it("get headers that keep pages safe", async () => {
    const { headers } = await fetch(`${gateway.baseUrl}/docs`);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });
});

it("counts requests in its metrics", async () => {
  await fetch(`${gateway.baseUrl}/v1/protocol`);
  const text = await (await fetch(`http://127.0.0.1:${gateway.healthPort}/metrics`)).text();
  expect(text).toMatch(/aios_gateway_request_duration.*\/v1\/protocol/);
});
