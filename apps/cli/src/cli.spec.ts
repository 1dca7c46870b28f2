import { createServer } from "node:http";
import { expect, it } from "vitest";
import { runCli } from "./cli.js";
import { memoryFinding, movedPortsFinding, nodeFinding, portFindings } from "./doctor/machine-findings.js";
import { gatewayUrl } from "./platform.js";

async function run(...argv: string[]): Promise<{ code: number; text: string; errors: string }> {
  let [text, errors] = ["", ""];
  const code = await runCli(argv, {
    env: {},
    write: (piece) => {
      text += piece;
    },
    writeError: (piece) => {
      errors += piece;
    },
  });
  return { code, text, errors };
}

const NOBODY = "http://127.0.0.1:9";

it.each([
  ["doctor"],
  ["status"],
  ["job"],
  ["verify"],
  ["model"],
  ["capability"],
  ["ceremony"],
  ["events"],
  ["synthetic"],
  ["backup"],
  ["restore"],
  ["node"],
])("%s explains itself", async (name) => {
  const { code, text } = await run(name, "--help");
  expect(code).toBe(0);
  expect(text).toContain(`aios ${name}`);
  expect(text).toContain("--json");
});

it("lists its commands, and fails without one", async () => {
  expect((await run("--help")).code).toBe(0);
  const { code, text } = await run();
  expect(code).toBe(2);
  for (const name of [
    "doctor",
    "status",
    "job",
    "verify",
    "capability",
    "model",
    "ceremony",
    "events",
    "synthetic",
    "backup",
    "restore",
    "node",
  ])
    expect(text).toContain(`aios ${name}`);
});

it("says what is wrong with a command line", async () => {
  expect(await run("nonsense")).toMatchObject({
    code: 2,
    errors: expect.stringContaining(
      "doctor, status, job, verify, model, ceremony, capability, events, synthetic, backup, restore, node",
    ),
  });
  expect(await run("verify", "0x12")).toMatchObject({
    code: 2,
    errors: expect.stringContaining("64 hex digits"),
  });
  expect(await run("status", "--surprise")).toMatchObject({
    code: 2,
    errors: expect.stringContaining("--surprise"),
  });
  expect(await run("status", "--url", "nowhere")).toMatchObject({
    code: 2,
    errors: expect.stringContaining("--url"),
  });
});

it("says that nobody answers, and what to do", async () => {
  const { code, errors } = await run("status", "--url", NOBODY);
  expect(code).toBe(1);
  expect(errors).toContain("npm start");
  expect(JSON.parse((await run("status", "--url", NOBODY, "--json")).text)).toMatchObject({
    error: { code: "gateway-unreachable" },
  });
});

it.each([
  ["nonsense", 2, "Set EVENT_BUS_URL to"],
  ["postgres://aios:secret@127.0.0.1:1/events", 1, "EVENT_BUS_URL: nothing answers there"],
])("names the setting by which no event bus is found: %s", async (url, code, said) => {
  let errors = "";
  const output = {
    env: { EVENT_BUS_URL: url },
    write: () => undefined,
    writeError: (text: string) => {
      errors += text;
    },
  };
  expect(await runCli(["events", "list"], output)).toBe(code);
  expect(errors).toContain(said);
  expect(errors).not.toContain("secret");
});

it("doctor gives the fix for a platform that is down", async () => {
  const { code, text } = await run("doctor", "--url", NOBODY, "--json");
  expect(code).toBe(1);
  const { findings } = JSON.parse(text) as { findings: { name: string; state: string; fix?: string }[] };
  expect(findings.find((finding) => finding.name === "gateway")).toMatchObject({
    state: "problem",
    fix: expect.stringContaining("npm start"),
  });
  expect(findings.map((finding) => finding.name)).toEqual(
    expect.arrayContaining(["node", "memory", "disk", "ports"]),
  );
});

it("judges versions, memory and taken ports", async () => {
  expect(nodeFinding("20.19.0").state).toBe("problem");
  expect(nodeFinding("24.21.0").state).toBe("ok");
  const gib = 1024 ** 3;
  expect(memoryFinding(gib, 2 * gib).state).toBe("problem");
  expect(memoryFinding(gib, 8 * gib).state).toBe("warning");
  expect(memoryFinding(6 * gib, 8 * gib).state).toBe("ok");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const [finding] = await portFindings(new Map([["gateway", port]]));
  expect(finding).toMatchObject({ state: "warning", fix: expect.stringContaining(String(port)) });
  server.close();
});

it("talks to the platform that was named, else the one configured, the one that runs here, the usual one", () => {
  const here = {
    pid: 1,
    startedAt: "",
    urls: { gateway: "http://127.0.0.1:8081", jsonRpc: "" },
  };
  const output = { env: { AIOS_URL: "http://b.test" }, write() {}, writeError() {} };
  const unconfigured = { ...output, env: {} };
  expect(gatewayUrl({ url: "http://a.test", output }, here)).toBe("http://a.test");
  expect(gatewayUrl({ url: undefined, output }, here)).toBe("http://b.test");
  expect(gatewayUrl({ url: undefined, output: unconfigured }, here)).toBe("http://127.0.0.1:8081");
  expect(gatewayUrl({ url: undefined, output: unconfigured }, { pid: 1, startedAt: "" })).toBe(
    "http://127.0.0.1:8080",
  );
});

it("says which ports of a running platform have moved", () => {
  expect(movedPortsFinding({ gateway: 8_080, postgres: 15_433 })).toMatchObject({
    state: "ok",
    detail: expect.stringMatching(/postgres 15433$/),
  });
  expect(movedPortsFinding({ gateway: 8_080 }).detail).toContain("usual");
  expect(movedPortsFinding(undefined).state).toBe("ok");
});
