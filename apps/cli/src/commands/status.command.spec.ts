import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCli } from "../cli.js";

const HEALTH = { status: "ok", services: [{ name: "economy", healthy: true, detail: "" }] };
const PROTOCOL = { chainId: 8018, contracts: { JobEscrow: `0x${"e".repeat(40)}` }, accounts: {} };

/** What a gateway answers by path; a number is a refusal of that status. */
let answers: Record<string, unknown> = {};
let server: Server;
let url = "";
beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    const isRefusal = typeof answer === "number";
    response.writeHead(isRefusal ? answer : 200, {
      "content-type": isRefusal ? "application/problem+json" : "application/json",
    });
    response.end(
      JSON.stringify(
        isRefusal ? { status: answer, code: "peer-failed", detail: "Economy does not answer." } : answer,
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => server.close());

async function status(
  given: Record<string, unknown>,
  ...argv: string[]
): Promise<{ code: number; text: string }> {
  answers = { "/health": HEALTH, ...given };
  let text = "";
  const code = await runCli(["status", "--url", url, ...argv], {
    env: {},
    write: (piece) => {
      text += piece;
    },
    writeError: () => undefined,
  });
  return { code, text };
}

it("tells no providers from providers that are not known", async () => {
  const none = await status({ "/v1/protocol": PROTOCOL, "/v1/providers": { providers: [] } });
  expect(none).toMatchObject({ code: 0, text: expect.stringContaining("providers\n  none\n") });
  expect(none.text).toContain("chain id 8018");
  const unknown = await status({ "/v1/protocol": PROTOCOL, "/v1/providers": 500 });
  expect(unknown.code).toBe(1);
  expect(unknown.text).toContain("providers\n  not known: Economy does not answer.\n");
});

it("says why the chain is not known, and tells it from null in JSON", async () => {
  const given = { "/v1/protocol": 500, "/v1/providers": { providers: [] } };
  expect((await status(given)).text).toContain("chain not known: Economy does not answer.");
  expect(JSON.parse((await status(given, "--json")).text)).toMatchObject({
    protocol: { error: { code: "peer-failed", message: "Economy does not answer." } },
    providers: [],
  });
});
