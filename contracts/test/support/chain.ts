import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { HDNodeWallet, JsonRpcProvider, type Wallet } from "ethers";

/** A chain under test: an account with coins, and time that can be moved. */
export interface TestChain {
  readonly provider: JsonRpcProvider;
  readonly chainId: bigint;
  readonly funder: Wallet | HDNodeWallet;
  /** Time stamp of the newest block, seconds. */
  now(): Promise<number>;
  /** Makes a block whose time is `seconds` later. */
  advance(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

const DEVELOPMENT_PHRASE = "test test test test test test test test test test test junk";

/**
 * `CHAIN_RPC_URL` names a running development chain with the usual development accounts and `evm_increaseTime`;
 * without it an anvil is started for the test.
 */
export async function startChain(): Promise<TestChain> {
  const given = process.env["CHAIN_RPC_URL"];
  if (given !== undefined) return connect(given, async () => undefined);
  const port = await freePort();
  const child = spawn(process.execPath, [anvilScript(), "--port", String(port), "--silent", "--hardfork", "cancun"], {
    stdio: "ignore",
  });
  const url = `http://127.0.0.1:${port}`;
  await answering(url, child);
  return connect(url, async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
}

async function connect(url: string, stopServer: () => Promise<void>): Promise<TestChain> {
  const provider = new JsonRpcProvider(url, undefined, { polling: true, pollingInterval: 25, cacheTimeout: -1, batchMaxCount: 1 });
  const { chainId } = await provider.getNetwork();
  const funder = HDNodeWallet.fromPhrase(DEVELOPMENT_PHRASE).connect(provider);
  return {
    provider,
    chainId,
    funder,
    async now() {
      return (await provider.getBlock("latest"))?.timestamp ?? 0;
    },
    async advance(seconds) {
      await provider.send("evm_increaseTime", [seconds]);
      await provider.send("evm_mine", []);
    },
    async stop() {
      provider.destroy();
      await stopServer();
    },
  };
}

function anvilScript(): string {
  return join(dirname(createRequire(import.meta.url).resolve("@foundry-rs/anvil/package.json")), "bin.mjs");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`anvil ended with exit code ${child.exitCode}`);
    const answer = await fetch(url, { method: "POST", body, headers: { "content-type": "application/json" } }).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill("SIGKILL");
  throw new Error("anvil did not answer within 20 s");
}
