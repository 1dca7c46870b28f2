import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "@aios/kernel/clock";
import type { TimestampMs } from "@aios/kernel/units";
import { freePort } from "@aios/service-kit/free-port";
import { HDNodeWallet, JsonRpcProvider, type Wallet } from "ethers";

/** A chain under test: an account with coins, and time that can be moved. */
export interface TestChain {
  readonly provider: JsonRpcProvider;
  readonly chainId: bigint;
  readonly funder: Wallet | HDNodeWallet;
  /** Time stamp of the newest block, seconds. */
  now(): Promise<number>;
  /** Makes a block whose time is `seconds` later; time runs from there. */
  advance(seconds: number): Promise<void>;
  /** Makes a block of exactly this time; time stands still until `advance`. */
  freezeAt(timestampSeconds: number): Promise<void>;
  stop(): Promise<void>;
}

const DEVELOPMENT_PHRASE = "test test test test test test test test test test test junk";
const DEVELOPMENT_BALANCE_WEI = `1000000${"0".repeat(18)}`;

/**
 * The platform's own node, in this process and on a free port. `TEST_CHAIN=anvil` starts Foundry's instead;
 * `CHAIN_RPC_URL` names a running one of that kind.
 */
export async function startChain(): Promise<TestChain> {
  const given = process.env["CHAIN_RPC_URL"];
  if (given !== undefined) return evmChain(given, async () => undefined);
  return process.env["TEST_CHAIN"] === "anvil" ? startAnvil() : startOwnNode();
}

/** What is used of `@aios/consensus/start-node`; loaded at run time, so that contracts build without the service. */
interface ConsensusModules {
  readonly startNode: (options: {
    readonly genesis: unknown;
    readonly dataDir: string;
    readonly port: number;
    readonly clock: Clock;
    readonly settings: { readonly minIntervalMs: number; readonly callTimeoutMs: number };
  }) => Promise<{ readonly url: string; stop(): Promise<void> }>;
  readonly parseGenesis: (json: unknown) => unknown;
}

async function loadConsensus(): Promise<ConsensusModules> {
  const load = (module: string) => import(`@aios/consensus/${module}`) as Promise<ConsensusModules>;
  const [{ startNode }, { parseGenesis }] = await Promise.all([load("start-node"), load("domain/genesis")]);
  return { startNode, parseGenesis };
}

async function startOwnNode(): Promise<TestChain> {
  const { startNode, parseGenesis } = await loadConsensus();
  const dataDir = await mkdtemp(join(tmpdir(), "aios-contracts-chain-"));
  let aheadMs = 0;
  let frozenMs: number | undefined;
  const clock: Clock = {
    now: () => (frozenMs ?? Date.now() + aheadMs) as TimestampMs,
    wait: (duration, signal) => delay(duration, undefined, signal === undefined ? {} : { signal }),
  };
  const genesis = parseGenesis({
    name: "contract tests",
    chainId: 26_070,
    hardfork: "osaka",
    timestampSeconds: 1_767_225_600,
    gasLimit: "60000000",
    baseFeePerGasWei: "1000000",
    minimumBaseFeePerGasWei: "0",
    feeRecipient: `0x${"fe".repeat(20)}`,
    baseFeeSplit: { burnedBps: 10_000, recipients: [] },
    alloc: { [HDNodeWallet.fromPhrase(DEVELOPMENT_PHRASE).address]: { balanceWei: DEVELOPMENT_BALANCE_WEI } },
  });
  // Signature checks of BLS12-381 take long on a machine that has much else to do.
  const settings = { minIntervalMs: 0, callTimeoutMs: 60_000 };
  const node = await startNode({ genesis, dataDir, port: 0, clock, settings });
  const chain = await connect(node.url, async () => {
    await node.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  // Only a transaction makes a block, and only a block moves the chain's time.
  const makeBlock = async () => {
    const transaction = await chain.funder.sendTransaction({ to: chain.funder.address });
    await transaction.wait();
  };
  return {
    ...chain,
    async advance(seconds) {
      if (frozenMs !== undefined) aheadMs = frozenMs - Date.now();
      frozenMs = undefined;
      aheadMs += seconds * 1000;
      await makeBlock();
    },
    async freezeAt(timestampSeconds) {
      frozenMs = timestampSeconds * 1000;
      await makeBlock();
    },
  };
}

async function startAnvil(): Promise<TestChain> {
  const port = await freePort();
  const child = spawn(anvilBinary(), ["--port", String(port), "--silent", "--hardfork", "osaka"], {
    stdio: "ignore",
  });
  const url = `http://127.0.0.1:${port}`;
  await answering(url, child);
  return evmChain(url, async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
}

async function evmChain(url: string, stopServer: () => Promise<void>): Promise<TestChain> {
  const chain = await connect(url, stopServer);
  return {
    ...chain,
    async advance(seconds) {
      await chain.provider.send("anvil_removeBlockTimestampInterval", []);
      await chain.provider.send("evm_increaseTime", [seconds]);
      await chain.provider.send("evm_mine", []);
    },
    async freezeAt(timestampSeconds) {
      await chain.provider.send("evm_setNextBlockTimestamp", [timestampSeconds]);
      await chain.provider.send("evm_mine", []);
      await chain.provider.send("anvil_setBlockTimestampInterval", [0]);
    },
  };
}

async function connect(
  url: string,
  stopServer: () => Promise<void>,
): Promise<Omit<TestChain, "advance" | "freezeAt">> {
  const provider = new JsonRpcProvider(url, undefined, {
    polling: true,
    pollingInterval: 25,
    cacheTimeout: -1,
    batchMaxCount: 1,
  });
  const { chainId } = await provider.getNetwork();
  const funder = HDNodeWallet.fromPhrase(DEVELOPMENT_PHRASE).connect(provider);
  return {
    provider,
    chainId,
    funder,
    async now() {
      return (await provider.getBlock("latest"))?.timestamp ?? 0;
    },
    async stop() {
      provider.destroy();
      await stopServer();
    },
  };
}

/** A test peer for Linux x64; elsewhere the tests run on the platform's own chain alone. */
function anvilBinary(): string {
  return createRequire(import.meta.url).resolve("@foundry-rs/anvil-linux-amd64/bin/anvil");
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`anvil ended with exit code ${child.exitCode}`);
    const answer = await fetch(url, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    }).catch(() => undefined);
    if (answer?.ok === true) return;
    await delay(50);
  }
  child.kill("SIGKILL");
  throw new Error("anvil did not answer within 20 s");
}
