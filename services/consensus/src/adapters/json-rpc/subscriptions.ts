import { randomBytes } from "node:crypto";
import type { ChainNews } from "../../application/chain-events.js";
import { type LogQuery, logMatches, logsOf } from "../../application/query-logs.js";
import type { BlockHeader } from "../../domain/block.js";
import type { BlockReader } from "../../domain/ports.js";
import { formatHeader, formatLog, formatTransaction, type RpcValue } from "./format.js";
import type { RpcMethods } from "./method.js";
import { logQuery } from "./parameters.js";
import { invalidParams, limitExceeded } from "./rpc-error.js";

/** The subscriptions of one WebSocket connection (`eth_subscribe`). */
export class ConnectionSubscriptions {
  readonly #active = new Map<string, () => void>();

  constructor(
    private readonly news: ChainNews,
    private readonly blocks: Pick<BlockReader, "blockWithReceipts">,
    private readonly send: (text: string) => void,
    private readonly maxSubscriptions: number,
  ) {}

  readonly methods: RpcMethods = {
    eth_subscribe: ([kind, options]) => this.#subscribe(kind, options),
    eth_unsubscribe: ([id]) => {
      if (typeof id !== "string") throw invalidParams("subscription id must be a string");
      const stop = this.#active.get(id);
      stop?.();
      return this.#active.delete(id);
    },
  };

  close(): void {
    for (const stop of this.#active.values()) stop();
    this.#active.clear();
  }

  #subscribe(kind: unknown, options: unknown): string {
    if (this.#active.size >= this.maxSubscriptions) {
      throw limitExceeded(`a connection may have at most ${this.maxSubscriptions} subscriptions`);
    }
    const id = `0x${randomBytes(16).toString("hex")}`;
    const notify = (result: RpcValue): void => {
      this.send(
        JSON.stringify({ jsonrpc: "2.0", method: "eth_subscription", params: { subscription: id, result } }),
      );
    };
    this.#active.set(id, this.#listen(kind, options, notify));
    return id;
  }

  #listen(kind: unknown, options: unknown, notify: (result: RpcValue) => void): () => void {
    switch (kind) {
      case "newHeads":
        return this.news.on("head", ({ header }) => notify(formatHeader(header)));
      case "logs": {
        const query = logQuery(options);
        return this.news.on("head", ({ header }) => this.#tellLogs(header, query, notify));
      }
      case "newPendingTransactions":
        return this.news.on("admitted", (transaction) =>
          notify(options === true ? formatTransaction(transaction, undefined) : transaction.hash),
        );
      case "syncing":
        // A node that makes its own checkpoints never falls behind, so there is never a change to tell.
        return () => undefined;
      default:
        throw invalidParams("subscription must be newHeads, logs, newPendingTransactions or syncing");
    }
  }

  #tellLogs({ number, logsBloom }: BlockHeader, query: LogQuery, notify: (log: RpcValue) => void): void {
    const block = logsBloom.some((byte) => byte !== 0) ? this.blocks.blockWithReceipts(number) : undefined;
    if (block === undefined) return;
    for (const log of logsOf(block)) if (logMatches(log, query)) notify(formatLog(log));
  }
}
