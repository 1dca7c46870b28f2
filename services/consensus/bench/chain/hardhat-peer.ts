import { spawn } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { freePort } from "@aios/service-kit/free-port";
import { contractAccounts } from "./genesis.js";
import { RpcClient } from "./load-generator.js";
import { answering, end, processorOf, type Running } from "./peers.js";
import { CHAIN_ID, type Sender } from "./workload.js";

const RICH = `0x${(10n ** 24n).toString(16)}`;
const STATE_BATCH = 500;

/** Hardhat's own node with the same block gas, interval, senders and contracts; it reads no genesis file. */
export async function startHardhat(
  directory: string,
  senders: readonly Sender[],
  gasLimit: number,
  intervalMs: number,
): Promise<Running> {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve("hardhat/package.json");
  await mkdir(join(directory, "node_modules"), { recursive: true });
  await symlink(dirname(manifest), join(directory, "node_modules", "hardhat"));
  await writeFile(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(directory, "hardhat.config.js"), config(gasLimit, intervalMs));
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [join(dirname(manifest), "dist/src/cli.js"), "node", "--hostname", "127.0.0.1", "--port", String(port)],
    {
      cwd: directory,
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: "true" },
    },
  );
  const url = `http://127.0.0.1:${port}`;
  try {
    await answering(url, child, "Hardhat");
    await placeState(url, senders);
    return { url, processorMs: processorOf(child), stop: () => end(child) };
  } catch (error) {
    await end(child);
    throw error;
  }
}

function config(gasLimit: number, intervalMs: number): string {
  return `export default {
  networks: {
    node: {
      type: "edr-simulated",
      chainId: ${CHAIN_ID},
      hardfork: "osaka",
      blockGasLimit: ${gasLimit},
      accounts: { count: 1 },
      allowBlocksWithSameTimestamp: true,
      mining: { auto: false, interval: ${intervalMs}, mempool: { order: "fifo" } },
    },
  },
};
`;
}

async function placeState(url: string, senders: readonly Sender[]): Promise<void> {
  const calls: [string, readonly string[]][] = senders.map(({ address }) => [
    "hardhat_setBalance",
    [address, RICH],
  ]);
  for (const [address, { code, storage = {} }] of contractAccounts(senders)) {
    if (code !== undefined) calls.push(["hardhat_setCode", [address, code]]);
    for (const [slot, value] of Object.entries(storage))
      calls.push(["hardhat_setStorageAt", [address, quantity(slot), value]]);
  }
  const client = new RpcClient(url);
  try {
    for (let at = 0; at < calls.length; at += STATE_BATCH) {
      const requests = calls
        .slice(at, at + STATE_BATCH)
        .map(([method, params], id) => ({ jsonrpc: "2.0", id, method, params }));
      const answer = await client.post(JSON.stringify(requests));
      if (answer.includes('"error"')) throw new Error(`Hardhat refused a state: ${answer.slice(0, 300)}`);
    }
  } finally {
    client.close();
  }
}

/** Without leading zeros, as Hardhat wants a slot. */
function quantity(hex: string): string {
  return `0x${BigInt(hex).toString(16)}`;
}
