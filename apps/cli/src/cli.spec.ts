import { createServer } from "node:http";
import { expect, it } from "vitest";
import { COMMANDS, runCli } from "./cli.js";
import {
  actionOf,
  checkOptions,
  checkPositionals,
  checkRequired,
  GLOBAL_OPTIONS,
  splitCommandLine,
} from "./command-line.js";
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

it.each(COMMANDS.map((command) => [command.name, command] as const))(
  "%s explains itself, by either way of asking, with an example of all that it does",
  async (name, { actions }) => {
    const { code, text } = await run(name, "--help");
    expect(code).toBe(0);
    for (const said of [`aios ${name}`, "--json", "--url"]) expect(text).toContain(said);
    for (const { example } of actions) expect(text).toContain(`Example: aios ${example}`);
    expect(await run("help", name)).toEqual({ code: 0, text, errors: "" });
  },
);

it("explains one thing that a command does", async () => {
  const { text } = await run("help", "model", "publish");
  expect(text).toContain("--proof-systems");
  expect(text).not.toContain("--calibration <file>");
  expect(await run("help", "nonsense")).toMatchObject({ code: 2 });
});

it("gives examples that its own commands take", () => {
  for (const command of COMMANDS)
    for (const { example, name } of command.actions) {
      const { words, options } = splitCommandLine(example.split(" "), COMMANDS);
      const { action, rest } = actionOf(command, words.slice(1));
      expect(action.name).toBe(name);
      expect(() => checkPositionals(command, action, rest)).not.toThrow();
      expect(() => checkRequired(command, action, checkOptions(command, action, options))).not.toThrow();
    }
});

it("declares an option of one name with a value everywhere or nowhere", () => {
  const declared = [
    GLOBAL_OPTIONS,
    ...COMMANDS.flatMap(({ actions }) => actions.map(({ options }) => options)),
  ];
  const valued = new Map<string, boolean>();
  for (const [name, { value }] of declared.flatMap((options) => Object.entries(options))) {
    expect([name, valued.get(name) ?? value !== undefined]).toEqual([name, value !== undefined]);
    valued.set(name, value !== undefined);
  }
});

it("lists its commands, and fails without one", async () => {
  expect((await run("--help")).code).toBe(0);
  expect((await run("help")).code).toBe(0);
  const { code, text } = await run();
  expect(code).toBe(2);
  for (const { name } of COMMANDS) expect(text).toContain(`aios ${name}`);
});

it("says its version", async () => {
  expect(await run("--version")).toMatchObject({
    code: 0,
    text: expect.stringMatching(/^aios \d+\.\d+\.\d+\n$/),
  });
  expect(JSON.parse((await run("--version", "--json")).text)).toEqual({
    version: expect.any(String) as string,
  });
});

it("says what is wrong with a command line", async () => {
  expect(await run("nonsense")).toMatchObject({
    code: 2,
    errors: expect.stringContaining(
      "doctor, status, job, verify, model, ceremony, capability, events, synthetic, backup, restore, node, stake",
    ),
  });
  expect(await run("verify", "0x12")).toMatchObject({
    code: 2,
    errors: expect.stringContaining("64 hex digits"),
  });
  expect(await run("status", "--url", "nowhere")).toMatchObject({
    code: 2,
    errors: expect.stringContaining("--url"),
  });
});

it.each([
  ["an unknown option", ["status", "--surprise"], "--surprise", "aios status"],
  ["another command's option", ["status", "--deposit", "5"], "--deposit", "aios status takes nothing more"],
  [
    "what goes with an option that is not there",
    ["doctor", "--namespace", "x"],
    "--namespace",
    "--kubernetes",
  ],
  [
    "another command's switch",
    ["backup", "--to", "f", "--force"],
    "--force",
    "aios backup takes --to <file>",
  ],
  ["another action's option", ["events", "list", "--from", "earliest"], "--from", "aios events list takes"],
  ["a word too many", ["status", "foo"], "'foo'", "aios status takes nothing more"],
  ["a word too many behind what is taken", ["job", "list", "foo"], "'foo'", "aios job list takes"],
  ["a word that is missing", ["job"], "<job id>", "aios job takes <job id>"],
  ["an action that there is not", ["capability", "dance"], "'dance'", "publish, offer, claim"],
  ["an option without its value", ["status", "--url"], "--url", "<address>"],
  ["an option for another's value", ["status", "--url", "--json"], "--url", "<address>"],
  ["a value for a switch", ["status", "--json=1"], "--json", "no value"],
  ["an option that is needed", ["backup"], "--to", "aios backup needs --to <file>"],
])("refuses %s, by name, and says what is taken", async (_, argv, what, takes) => {
  const { code, errors, text } = await run(...argv);
  expect(code).toBe(2);
  const said = errors === "" ? text : errors;
  expect(said).toContain(what);
  expect(said).toContain(takes);
  if (!argv.some((word) => word.startsWith("--json")))
    expect(errors).toContain(`Try 'aios ${argv[0]} --help'.`);
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
