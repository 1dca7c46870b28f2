import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseGenesis } from "@aios/consensus/domain/genesis";
import { type ConsensusNode, startNode } from "@aios/consensus/start-node";
import { Wallet } from "ethers";

const CHAIN_ID = 26_070;
const FIRST_KEY = `0x${"01".repeat(32)}`;
/** Emits LOG1, keeps 7 in slot 0 when called; the first 15 bytes return the rest as its code. */
const CONTRACT = "0x600c600c600039600c6000f3600760005560016000 80a100".replaceAll(" ", "");
const FEES = { maxFeePerGas: 3_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n } as const;

export interface LiveNode {
  readonly node: ConsensusNode;
  readonly account: string;
  readonly contract: string;
  /** Height of the block with the call, and its names. */
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly transactionHash: string;
  /** A signed transaction that the node has not seen. */
  readonly unsent: string;
  ask(method: string, params: readonly unknown[]): Promise<Reply>;
  /** One more block with a log; once only. */
  advance(): Promise<void>;
  close(): Promise<void>;
}

export interface Reply {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

interface Receipt {
  readonly contractAddress: string | null;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly status: string;
}

/** A node of the product with a contract, a transaction with a log, and one that waits. */
export async function startLiveNode(): Promise<LiveNode> {
  const wallet = new Wallet(FIRST_KEY);
  const dataDir = await mkdtemp(join(tmpdir(), "aios-openrpc-"));
  const node = await startNode({
    genesis: parseGenesis({
      chainId: CHAIN_ID,
      timestampSeconds: 1_767_225_600,
      feeRecipient: `0x${"b0".repeat(20)}`,
      baseFeeSplit: { burnedBps: 10_000, recipients: [] },
      alloc: { [wallet.address]: { balanceWei: `1000${"0".repeat(18)}` } },
    }),
    dataDir,
    port: 0,
  });
  const ask = async (method: string, params: readonly unknown[]): Promise<Reply> => {
    const answer = await fetch(node.url, {
      method: "POST",
      // Checking an answer may take longer than an idle connection lives.
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    return (await answer.json()) as Reply;
  };
  const result = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    const reply = await ask(method, params);
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result;
  };
  const sign = (nonce: number, fields: object): Promise<string> =>
    wallet.signTransaction({
      type: 2,
      chainId: CHAIN_ID,
      nonce,
      gasLimit: 200_000n,
      ...FEES,
      ...fields,
    });
  const send = async (nonce: number, fields: object): Promise<string> =>
    String(await result("eth_sendRawTransaction", [await sign(nonce, fields)]));
  const mined = async (hash: string): Promise<Receipt> => {
    const abort = new AbortController();
    for await (const _checkpoint of node.status.checkpoints(abort.signal)) {
      const receipt = (await result("eth_getTransactionReceipt", [hash])) as Receipt | null;
      if (receipt === null) continue;
      abort.abort();
      if (receipt.status !== "0x1") throw new Error("a transaction of the preparation failed");
      return receipt;
    }
    throw new Error("the node ended");
  };
  const deployed = await mined(await send(0, { data: CONTRACT }));
  const contract = deployed.contractAddress ?? "";
  const transactionHash = await send(1, { to: contract });
  const { blockNumber, blockHash } = await mined(transactionHash);
  // A gap before it, so that it waits for ever.
  await send(5, { to: contract });
  return {
    node,
    account: wallet.address.toLowerCase(),
    contract,
    blockNumber,
    blockHash,
    transactionHash,
    unsent: await sign(3, { to: contract, value: 1n }),
    ask,
    async advance() {
      await mined(await send(2, { to: contract }));
    },
    async close() {
      await node.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
