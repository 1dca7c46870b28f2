import { CodedError } from "@aios/kernel/coded-error";
import type { HttpTransport } from "./http-transport.js";

export interface RpcLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
  readonly transactionHash: string;
  readonly logIndex: string;
}

export interface RpcReceipt {
  readonly transactionHash: string;
  readonly blockHash: string;
  readonly blockNumber: string;
  readonly from: string;
  readonly to: string | null;
  readonly gasUsed: string;
  readonly status: string;
  readonly logs: readonly RpcLog[];
}

export interface RpcTransaction {
  readonly hash: string;
  readonly from: string;
  readonly to: string | null;
  readonly input: string;
  readonly value: string;
  readonly nonce: string;
  readonly blockNumber: string | null;
}

export interface RpcBlock {
  readonly number: string;
  readonly hash: string;
  readonly parentHash: string;
  readonly stateRoot: string;
  readonly timestamp: string;
  readonly gasUsed: string;
  readonly gasLimit: string;
  readonly transactions: readonly (string | RpcTransaction)[];
}

interface RpcAnswer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** Ethereum JSON-RPC through the gateway's `/rpc`. Throws `json-rpc-error` for the node's own errors. */
export class JsonRpc {
  readonly #transport: HttpTransport;
  #nextId = 1;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  async call<T>(method: string, params: readonly unknown[] = []): Promise<T> {
    const answer = await this.#transport.json<RpcAnswer>({
      method: "POST",
      path: "/rpc",
      json: { jsonrpc: "2.0", id: this.#nextId++, method, params },
      ...(method.startsWith("eth_send") ? {} : { repeatable: true }),
    });
    if (answer.error === undefined) return answer.result as T;
    throw new CodedError({
      code: "json-rpc-error",
      kind: "unprocessable",
      message: `The chain refused ${method}: ${answer.error.message}`,
      details: { method, rpcCode: answer.error.code, rpcData: answer.error.data },
    });
  }

  blockNumber(): Promise<number> {
    return this.call<string>("eth_blockNumber").then(Number);
  }

  block(tag: number | "latest" | "finalized", withTransactions = false): Promise<RpcBlock | null> {
    return this.call<RpcBlock | null>("eth_getBlockByNumber", [blockTag(tag), withTransactions]);
  }

  transaction(hash: string): Promise<RpcTransaction | null> {
    return this.call<RpcTransaction | null>("eth_getTransactionByHash", [hash]);
  }

  receipt(hash: string): Promise<RpcReceipt | null> {
    return this.call<RpcReceipt | null>("eth_getTransactionReceipt", [hash]);
  }

  logs(filter: {
    address: string;
    topics: readonly (string | null)[];
    fromBlock?: string;
    toBlock?: string;
  }): Promise<readonly RpcLog[]> {
    return this.call<readonly RpcLog[]>("eth_getLogs", [{ fromBlock: "0x0", toBlock: "latest", ...filter }]);
  }

  /** On the state after a block. */
  ethCall(to: string, data: string, at: number | "latest" = "latest"): Promise<string> {
    return this.call<string>("eth_call", [{ to, data }, blockTag(at)]);
  }
}

function blockTag(tag: number | string): string {
  return typeof tag === "number" ? `0x${tag.toString(16)}` : tag;
}
