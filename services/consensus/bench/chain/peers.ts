import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "@aios/service-kit/free-port";
import type { MainThread } from "./budget.js";
import { RpcClient, type UsedProcessor } from "./load-generator.js";

const START_ATTEMPTS = 600;

export interface Running {
  readonly url: string;
  readonly processorMs: UsedProcessor;
  stop(): Promise<void>;
}

/** Linux counts user and system time of a process in hundredths of a second, fields 14 and 15. */
const TICK_MS = 10;

export function processorOf(child: ChildProcess): UsedProcessor {
  return async () => {
    const stat = await readFile(`/proc/${child.pid}/stat`, "utf8").catch(() => undefined);
    if (stat === undefined) return null;
    // The second field is the name, in brackets, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  };
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

export interface OwnNode extends Running {
  startProfile(): void;
  mainThread(): Promise<MainThread>;
  /** Resident memory; nothing where the platform does not say. */
  residentMiB(): Promise<number | null>;
}

async function nextLine(lines: Interface, child: ChildProcess): Promise<string> {
  const exit = once(child, "exit").then(([code]) => {
    throw new Error(`the node ended with ${code}`);
  });
  const [line] = (await Promise.race([once(lines, "line"), exit])) as [string];
  return line;
}

export async function startOwnNode(genesisFile: string, dataDir: string, settings: object): Promise<OwnNode> {
  const script = fileURLToPath(new URL("./node-under-test.js", import.meta.url));
  const child = spawn(process.execPath, [script, genesisFile, dataDir, JSON.stringify(settings)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface(child.stdout);
  const url = await nextLine(lines, child);
  return {
    url,
    processorMs: processorOf(child),
    startProfile: () => void child.stdin.write("profile\n"),
    async mainThread() {
      const answer = nextLine(lines, child);
      child.stdin.write("budget\n");
      return JSON.parse(await answer) as MainThread;
    },
    async residentMiB() {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
      const kiB = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
      return kiB === undefined ? null : Number(kiB) / 1024;
    },
    stop: () => end(child),
  };
}

/** Anvil with the same genesis, block interval and block gas. */
export async function startAnvil(
  genesisFile: string,
  gasLimit: number,
  intervalMs: number,
): Promise<Running> {
  const port = await freePort();
  const binary = createRequire(import.meta.url).resolve("@foundry-rs/anvil-linux-amd64/bin/anvil");
  const blockTime = String(intervalMs / 1_000);
  const child = spawn(
    binary,
    [
      ...["--port", String(port), "--silent", "--init", genesisFile, "--block-time", blockTime],
      ...["--gas-limit", String(gasLimit), "--accounts", "1", "--order", "fifo"],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const url = `http://127.0.0.1:${port}`;
  try {
    await answering(url, child, "anvil");
    return { url, processorMs: processorOf(child), stop: () => end(child) };
  } catch (error) {
    await end(child);
    throw error;
  }
}

/** Waits until a node that has just been started answers. */
export async function answering(url: string, child: ChildProcess, name: string): Promise<void> {
  const client = new RpcClient(url);
  try {
    for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
      if ((await client.call("eth_chainId", []).catch(() => undefined)) !== undefined) return;
      await sleep(100);
    }
    throw new Error(`${name} did not answer`);
  } finally {
    client.close();
  }
}
