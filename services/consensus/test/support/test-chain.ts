import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Genesis, parseGenesis } from "@aios/consensus/domain/genesis";
import type { NodeSettings } from "@aios/consensus/node/node-settings";
import { type ConsensusNode, startNode } from "@aios/consensus/start-node";
import type { Clock } from "@aios/kernel/clock";
import { HDNodeWallet } from "ethers";

const PHRASE = "test test test test test test test test test test test junk";

/** Known keys, funded in the test genesis. */
export const wallets: readonly HDNodeWallet[] = Array.from({ length: 6 }, (_, index) =>
  HDNodeWallet.fromPhrase(PHRASE, undefined, `m/44'/60'/0'/0/${index}`),
);

export const STAKERS = `0x${"5a".repeat(20)}`;
export const TREASURY = `0x${"7e".repeat(20)}`;
export const PRODUCER = `0x${"b0".repeat(20)}`;

export function testGenesisJson(): Record<string, unknown> {
  return {
    name: "test",
    chainId: 26_070,
    hardfork: "osaka",
    timestampSeconds: 1_767_225_600,
    gasLimit: "60000000",
    baseFeePerGasWei: "1000000000",
    minimumBaseFeePerGasWei: "1000000",
    feeRecipient: PRODUCER,
    baseFeeSplit: {
      burnedBps: 2_000,
      recipients: [
        { name: "stakers", address: STAKERS, shareBps: 3_000 },
        { name: "treasury", address: TREASURY, shareBps: 5_000 },
      ],
    },
    alloc: Object.fromEntries(
      wallets.map((wallet) => [wallet.address, { balanceWei: `1000000${"0".repeat(18)}` }]),
    ),
  };
}

export function testGenesis(): Genesis {
  return parseGenesis(testGenesisJson());
}

export interface TestChain extends AsyncDisposable {
  readonly node: ConsensusNode;
  readonly dataDir: string;
  /** Ends the node and starts another on the same data. */
  restart(): Promise<TestChain>;
}

export interface TestChainOptions {
  readonly settings?: Partial<NodeSettings>;
  readonly dataDir?: string;
  readonly clock?: Clock;
}

/** A node on a free port and an empty directory of its own. Errors inside the node end up in `problems`. */
export async function startTestChain(
  options: TestChainOptions = {},
): Promise<TestChain & { readonly problems: unknown[] }> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "aios-consensus-")));
  const problems: unknown[] = [];
  const node = await startNode({
    genesis: testGenesis(),
    dataDir,
    port: 0,
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    producerObserver: { produced: () => undefined, failed: (error) => problems.push(error) },
    rpcObserver: {
      called: () => undefined,
      internalError: (_method, error) => problems.push(error),
      ended: (error) => problems.push(error),
    },
    onListenerError: (error) => problems.push(error),
  });
  return {
    node,
    dataDir,
    problems,
    async restart() {
      await node.stop();
      return startTestChain({ ...options, dataDir });
    },
    async [Symbol.asyncDispose]() {
      await node.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export interface RpcReply {
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** One raw JSON-RPC request. */
export async function rpc(url: string, method: string, params: unknown = []): Promise<RpcReply> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  return (await response.json()) as RpcReply;
}

/** Resolves when the checkpoint of that height is stored. */
export async function untilHeight(node: ConsensusNode, height: number): Promise<void> {
  const abort = new AbortController();
  for await (const checkpoint of node.status.checkpoints(abort.signal)) {
    if (checkpoint.header.number >= height) break;
  }
  abort.abort();
}
