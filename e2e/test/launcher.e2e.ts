import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AiosClient } from "@aios/sdk/client";
import { until } from "@aios/sdk/until";
import { privateKeySigner } from "@aios/sdk/wallet";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { portRange } from "../src/port-range.js";

const LAUNCHER = new URL("../../apps/launcher/dist/src/main.js", import.meta.url).pathname;
const BOOTSTRAP = new URL("../../scripts/bootstrap.mjs", import.meta.url).pathname;
const PORT_BASE = portRange();
/** How long is waited for the last process to be gone. How fast all of it stops is a figure of `bench -- main-job`. */
const PATIENCE_MS = 20_000;

describe("npm start", () => {
  let dataDir: string;
  const running = new Set<ChildProcess>();

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "aios-launcher-"));
  });

  afterEach(async () => {
    for (const child of running) {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "close");
    }
    rmSync(dataDir, { recursive: true, force: true });
  });

  const launch = (...args: string[]) => run(LAUNCHER, args);
  /** For what does not depend on who finalises the chain. */
  const launchWithOneProducer = (...args: string[]) => launch("--honor-nodes", "1", ...args);

  function run(program: string, args: readonly string[]) {
    const child = spawn(process.execPath, [
      program,
      "start",
      "--data-dir",
      dataDir,
      "--port-base",
      String(PORT_BASE),
      ...args,
    ]);
    running.add(child);
    child.once("close", () => running.delete(child));
    let output = "";
    const waiters: { readonly text: string; readonly wake: () => void }[] = [];
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      for (const { text, wake } of waiters) if (output.includes(text)) wake();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const ended = once(child, "close").then(([code]) => Number(code));
    const says = (text: string): Promise<void> =>
      Promise.race([
        new Promise<void>((resolve) => {
          if (output.includes(text)) resolve();
          waiters.push({ text, wake: resolve });
        }),
        ended.then(() => {
          if (!output.includes(text)) throw new Error(`ended without saying '${text}':\n${output}`);
        }),
      ]);
    return { child, ended, says, output: () => output };
  }

  test("moves off a taken port and says so; a second start says what runs; state survives; Ctrl-C stops all amid work", async () => {
    const squatter = createServer().listen(PORT_BASE, "127.0.0.1");
    await once(squatter, "listening");
    const first = launch("--idle");
    await first.says("AiOS is up");
    expect(first.output()).toContain(`port ${PORT_BASE} (gateway) was taken`);
    expect(first.output()).toMatch(/honor-4 +ready after/);

    const second = launch("--idle");
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain("AiOS already runs here");

    const heightBefore = await blockNumber(gatewayOf(dataDir));
    first.child.kill("SIGINT");
    expect(await first.ended).toBe(0);
    expect(first.output()).toContain("stopped everything");
    squatter.close();
    await once(squatter, "close");

    const third = launch();
    await third.says("all healthy");
    expect(third.output()).not.toContain("putting the protocol's contracts");
    expect(await blockNumber(gatewayOf(dataDir))).toBeGreaterThanOrEqual(heightBefore);
    await trainingUnderWay(dataDir);
    const children = descendants(third.child.pid as number);
    third.child.kill("SIGINT");
    expect(await third.ended).toBe(130);
    // What a process of the platform had started itself ends with it, a moment later.
    await vi.waitUntil(() => !children.some(isAlive), { timeout: PATIENCE_MS, interval: 50 });
    expect(third.output()).not.toContain("did not go through");
  }, 240_000);

  test.runIf(packagesAreCurrent())(
    "as npm runs it, wipes the state of earlier starts when asked to, after saying what, and ends by a signal",
    async () => {
      const genesis = join(dataDir, "genesis.json");
      mkdirSync(join(dataDir, "logs"));
      writeFileSync(genesis, '{ "chainId": 1 }');
      const fresh = run(BOOTSTRAP, ["--idle", "--fresh", "--honor-nodes", "1"]);
      await fresh.says("putting the protocol's contracts");
      expect(fresh.output()).toMatch(/--fresh: removing .* in .*: genesis\.json, logs\n/);
      expect(readFileSync(genesis, "utf8")).not.toContain('"chainId": 1 ');
      const children = descendants(fresh.child.pid as number);
      fresh.child.kill("SIGTERM");
      expect(await fresh.ended).toBe(130);
      await vi.waitUntil(() => !children.some(isAlive), { timeout: PATIENCE_MS, interval: 50 });
    },
    120_000,
  );

  test("leaves nothing behind when it is killed, and starts again on the same state", async () => {
    const killed = launchWithOneProducer("--idle");
    await killed.says("AiOS is up");
    const children = descendants(killed.child.pid as number);
    expect(children.length).toBeGreaterThan(10);
    killed.child.kill("SIGKILL");
    await killed.ended;
    await vi.waitUntil(() => children.every((pid) => !isAlive(pid)), { timeout: 30_000, interval: 100 });

    const others = launch("--idle", "--honor-nodes", "6");
    expect(await others.ended).toBe(1);
    expect(others.output()).toMatch(/has one node that makes its blocks, not 6\..*\(chain-has-other-nodes\)/);

    const again = launch("--idle");
    await again.says("AiOS is up");
    expect(again.output()).toContain("alone decides what is final, as this chain began");
    expect(again.output()).not.toContain("was taken by another program");
    again.child.kill("SIGTERM");
    expect(await again.ended).toBe(0);
  }, 240_000);

  test("does not take a process for an earlier start because it was given that one's number", async () => {
    const birth = "another boot";
    writeFileSync(
      join(dataDir, "instance.json"),
      JSON.stringify({ pid: process.pid, birth, startedAt: "2026-01-01T00:00:00.000Z" }),
    );
    const started = launchWithOneProducer("--idle");
    await started.says("AiOS on this machine");
    expect(started.output()).not.toContain("already runs");
    started.child.kill("SIGINT");
    await started.ended;
  }, 60_000);

  test("refuses an unknown option and prints help", async () => {
    const wrong = launch("--frehs");
    expect(await wrong.ended).toBe(1);
    expect(wrong.output()).toContain("--fresh");
    const five = launch("--honor-nodes", "5");
    expect(await five.ended).toBe(1);
    expect(five.output()).toContain("or 1 for a chain with one block producer");
    const help = launch("--help");
    expect(await help.ended).toBe(0);
    expect(help.output()).toContain("--once");
  });
});

/** Resolves when a provider trains the developer's model. */
async function trainingUnderWay(dataDir: string): Promise<void> {
  const key = readFileSync(join(dataDir, "keys", "account-developer.key"), "utf8").trim();
  const developer = new AiosClient({ baseUrl: gatewayOf(dataDir), signer: privateKeySigner(key) });
  await until(
    () => developer.jobs.list(),
    ({ items }) => items.some((job) => job.progress?.stage === "training"),
    { timeoutMs: 60_000 },
  );
}

/** Otherwise the bootstrap installs first, as it does before `npm test` runs this. */
function packagesAreCurrent(): boolean {
  const root = dirname(dirname(BOOTSTRAP));
  const hash = createHash("sha256");
  for (const file of ["package-lock.json", "package.json"]) hash.update(readFileSync(join(root, file)));
  const marker = join(root, ".aios", "installed.json");
  return existsSync(marker) && readFileSync(marker, "utf8").includes(hash.digest("hex"));
}

/** Process ids of all that a process has started, and what those have. */
function descendants(root: number): number[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = [root];
  for (const parent of found) {
    for (const [pid, ppid] of rows) if (ppid === parent && pid !== undefined) found.push(pid);
  }
  return found.slice(1);
}

/** False also for one that has ended and that nobody has collected yet. */
function isAlive(pid: number): boolean {
  try {
    const state = execFileSync("ps", ["-p", String(pid), "-o", "stat="], { encoding: "utf8" });
    return !state.trim().startsWith("Z");
  } catch {
    return false;
  }
}

async function blockNumber(gateway: string): Promise<number> {
  const response = await fetch(`${gateway}/rpc`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_blockNumber", params: [] }),
  });
  return Number(((await response.json()) as { result: string }).result);
}

/** Where the platform that runs on this data says that its gateway is. */
function gatewayOf(dataDir: string): string {
  const { urls } = JSON.parse(readFileSync(join(dataDir, "instance.json"), "utf8")) as {
    urls: { gateway: string };
  };
  return urls.gateway;
}
