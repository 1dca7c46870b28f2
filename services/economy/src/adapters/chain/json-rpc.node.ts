import { contractRevert, revertDataOf } from "@aios/contracts/errors";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import type { BlockPosition, ChainBlock, ChainReceipt } from "../../domain/chain-block.js";
import type { TransactionFailure } from "../../domain/chain-transaction.js";
import { callRefused, chainUnavailable, executionHalted, insufficientGasFunds } from "../../domain/errors.js";
import type { BroadcastResult, ChainCall, ChainNode } from "../../domain/ports.js";
import { subscribeToHeads } from "./head-subscription.js";
import { type JsonRpcClient, JsonRpcError } from "./json-rpc-client.js";
import { type RpcBlock, type RpcReceipt, rpcBlock, rpcReceipt } from "./rpc-shapes.js";

const HTTP_RETRY_MS = 500;
/** Internal error, resource unavailable, limit exceeded: the node's own trouble, whatever it was asked. */
const NODE_TROUBLE: ReadonlySet<number> = new Set([-32_603, -32_002, -32_005]);

/** The chain behind Ethereum's JSON-RPC. */
export class JsonRpcNode implements ChainNode {
  constructor(private readonly rpc: JsonRpcClient) {}

  async identity(): Promise<{ chainId: bigint; genesisHash: string }> {
    const [chainId, genesis] = await this.rpc.batch([
      { method: "eth_chainId", params: [] },
      { method: "eth_getBlockByNumber", params: ["0x0", false] },
    ]);
    return { chainId: quantity(chainId), genesisHash: rpcBlock.parse(genesis).hash };
  }

  async head(): Promise<BlockPosition> {
    const block = rpcBlock.parse(await this.rpc.request("eth_getBlockByNumber", ["latest", false]));
    return { number: BigInt(block.number), hash: block.hash };
  }

  async finalizedHeight(): Promise<bigint> {
    const block = await this.rpc.request("eth_getBlockByNumber", ["finalized", false]);
    return block === null ? 0n : BigInt(rpcBlock.parse(block).number);
  }

  async blocks(first: bigint, count: number): Promise<readonly ChainBlock[]> {
    const numbers = Array.from({ length: count }, (_, index) => first + BigInt(index));
    const found = await this.rpc.batch(
      numbers.map((number) => ({ method: "eth_getBlockByNumber", params: [hex(number), false] })),
    );
    const missing = found.indexOf(null);
    const blocks = (missing === -1 ? found : found.slice(0, missing)).map((block) => rpcBlock.parse(block));
    const hashes = blocks.flatMap((block) => block.transactions);
    const receipts = await this.rpc.batch(
      hashes.map((hash) => ({ method: "eth_getTransactionReceipt", params: [hash] })),
    );
    const byHash = new Map(hashes.map((hash, index) => [hash, rpcReceipt.nullable().parse(receipts[index])]));
    return blocks.map((block) => toBlock(block, byHash));
  }

  async baseFeePerGasWei(): Promise<bigint> {
    const block = rpcBlock.parse(await this.rpc.request("eth_getBlockByNumber", ["latest", false]));
    return BigInt(block.baseFeePerGas ?? "0x0");
  }

  async nonce(account: Address, tag: "latest" | "finalized"): Promise<bigint> {
    return quantity(await this.rpc.request("eth_getTransactionCount", [account, tag]));
  }

  async balanceWei(account: Address): Promise<bigint> {
    return quantity(await this.rpc.request("eth_getBalance", [account, "latest"]));
  }

  async estimateGas(call: ChainCall): Promise<bigint> {
    try {
      return quantity(await this.rpc.request("eth_estimateGas", [callObject(call)]));
    } catch (error) {
      throw callError(error, call.from);
    }
  }

  async tryCall(call: ChainCall, gasLimit: bigint): Promise<void> {
    try {
      await this.rpc.request("eth_call", [{ ...callObject(call), gas: hex(gasLimit) }, "latest"]);
    } catch (error) {
      throw callError(error, call.from);
    }
  }

  async call(call: Pick<ChainCall, "to" | "data">): Promise<string> {
    try {
      return String(
        await this.rpc.request("eth_call", [{ to: call.to, data: bytesHex(call.data) }, "latest"]),
      );
    } catch (error) {
      throw callError(error, call.to);
    }
  }

  async explainFailure(call: ChainCall, blockNumber: bigint): Promise<TransactionFailure> {
    // First on the state before its block; then after it, where whatever came before it in the same block is done.
    const states = blockNumber === 0n ? [blockNumber] : [blockNumber - 1n, blockNumber];
    for (const state of states) {
      const failure = await this.#failureAt(call, state);
      if (failure !== undefined) return failure;
    }
    return {
      code: "reverted",
      message:
        "The contract refused the call in the state it met; run alone before and after its block it succeeds.",
      details: { error: "StateMoved", args: [] },
    };
  }

  async #failureAt(call: ChainCall, blockNumber: bigint): Promise<TransactionFailure | undefined> {
    try {
      await this.rpc.request("eth_call", [callObject(call), hex(blockNumber)]);
      return undefined;
    } catch (error) {
      const coded = callError(error, call.from);
      if (isCodedError(coded) && (coded.code === "reverted" || coded.code === "execution-halted")) {
        return { code: coded.code, message: coded.message, details: coded.details };
      }
      if (isCodedError(coded)) throw coded;
      return undefined;
    }
  }

  async broadcast(raw: Uint8Array): Promise<BroadcastResult> {
    try {
      await this.rpc.request("eth_sendRawTransaction", [bytesHex(raw)]);
      return { kind: "accepted" };
    } catch (error) {
      if (error instanceof JsonRpcError) return { kind: "refused", reason: error.message };
      throw error;
    }
  }

  async knows(transactionHash: string): Promise<boolean> {
    return (await this.rpc.request("eth_getTransactionByHash", [transactionHash])) !== null;
  }

  followHeads(onHead: () => void, signal: AbortSignal): void {
    subscribeToHeads(this.rpc.url, onHead, signal);
  }
}

function callError(error: unknown, account: string): unknown {
  if (!(error instanceof JsonRpcError)) return error;
  const data = revertDataOf(error);
  if (data !== undefined) return contractRevert(data);
  if (/insufficient (funds|balance)/i.test(error.message)) return insufficientGasFunds("paying", account);
  if (halted(error)) return executionHalted(error.message);
  if (/revert/i.test(error.message)) return contractRevert("0x");
  if (NODE_TROUBLE.has(error.code)) return chainUnavailable(HTTP_RETRY_MS, error);
  return callRefused(HTTP_RETRY_MS, error);
}

function halted({ data }: JsonRpcError): boolean {
  return typeof data === "object" && data !== null && "code" in data && data.code === "execution-halted";
}

function toBlock(block: RpcBlock, receipts: ReadonlyMap<string, RpcReceipt | null>): ChainBlock {
  return {
    number: BigInt(block.number),
    hash: block.hash,
    parentHash: block.parentHash,
    timestampSeconds: BigInt(block.timestamp),
    receipts: block.transactions.map((hash) => toReceipt(hash, block.hash, receipts.get(hash))),
  };
}

function toReceipt(hash: string, blockHash: string, receipt: RpcReceipt | null | undefined): ChainReceipt {
  if (receipt === null || receipt === undefined || receipt.blockHash !== blockHash) {
    throw chainUnavailable(
      HTTP_RETRY_MS,
      new Error(`the receipt of ${hash} does not belong to its block yet`),
    );
  }
  return {
    transactionHash: hash,
    succeeded: receipt.status === "0x1",
    gasUsed: BigInt(receipt.gasUsed),
    logs: receipt.logs.map((log) => ({ ...log, logIndex: Number(log.logIndex) })),
  };
}

function callObject(call: ChainCall) {
  return { from: call.from, to: call.to, data: bytesHex(call.data), value: hex(call.valueWei) };
}

function quantity(value: unknown): bigint {
  if (typeof value !== "string" || !/^0x[0-9a-f]+$/i.test(value)) {
    throw chainUnavailable(HTTP_RETRY_MS, new Error("the node answered something that is not a quantity"));
  }
  return BigInt(value);
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function bytesHex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
