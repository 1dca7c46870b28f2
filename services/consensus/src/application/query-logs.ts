import { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { BlockWithReceipts, Log } from "../domain/block.js";
import type { BlockSelector } from "../domain/block-tag.js";
import { bloomTest } from "../domain/bloom.js";
import { historyPruned } from "../domain/errors.js";
import type { BlockReader, StoredLog } from "../domain/ports.js";
import { blockNotFound, type ChainView } from "./chain-view.js";

export interface LogQuery {
  /** Empty: any address. */
  readonly addresses: readonly Address[];
  /** By position: alternatives, or `null` for anything. */
  readonly topics: readonly (readonly Bytes32[] | null)[];
  readonly from: BlockSelector;
  readonly to: BlockSelector;
}

export interface LogLimits {
  readonly maxBlocks: number;
  readonly maxLogs: number;
}

export function logMatches(log: Log, query: Pick<LogQuery, "addresses" | "topics">): boolean {
  if (query.addresses.length > 0 && !query.addresses.includes(log.address)) return false;
  if (query.topics.length > log.topics.length) return false;
  return query.topics.every(
    (alternatives, position) =>
      alternatives === null ||
      alternatives.length === 0 ||
      alternatives.includes(log.topics[position] as Bytes32),
  );
}

/** Logs of a block with their place in it. */
export function* logsOf(block: BlockWithReceipts): Iterable<StoredLog> {
  let logIndex = 0;
  for (const [transactionIndex, receipt] of block.receipts.entries()) {
    for (const log of receipt.logs) {
      yield {
        ...log,
        blockNumber: block.header.number,
        blockHash: block.header.hash,
        timestamp: block.header.timestamp,
        transactionHash: block.transactions[transactionIndex]?.hash as Bytes32,
        transactionIndex,
        logIndex: logIndex++,
      };
    }
  }
}

function bloomFilter(query: LogQuery): (bloom: Uint8Array) => boolean {
  const groups = [query.addresses, ...query.topics.map((group) => group ?? [])]
    .filter((group) => group.length > 0)
    .map((group) => group.map((item) => bloomTest(item)));
  return (bloom) => groups.every((group) => group.some((test) => test(bloom)));
}

function tooMuch(message: string): CodedError {
  return new CodedError({ code: "log-query-too-large", kind: "rate-limited", message });
}

/** Finds logs by block range, address and topics, with bounded work. */
export class QueryLogs {
  constructor(
    private readonly chain: ChainView,
    private readonly blocks: BlockReader,
    private readonly limits: LogLimits,
  ) {}

  /** Throws `block-not-found`, `invalid-block-range`, `block-range-beyond-head`, `log-query-too-large`. */
  find(query: LogQuery): StoredLog[] {
    const from = this.#height(query.from);
    const to = this.#height(query.to);
    if (from > to)
      throw new CodedError({
        code: "invalid-block-range",
        kind: "invalid",
        message: "invalid block range: fromBlock is after toBlock",
      });
    const head = this.chain.head().number;
    if (to > head)
      throw new CodedError({
        code: "block-range-beyond-head",
        kind: "invalid",
        message: `block range extends beyond the current head block ${head}`,
      });
    return this.between(from, to, query);
  }

  /** Heights are inclusive. Throws `history-pruned`, `log-query-too-large`. */
  between(from: number, to: number, query: LogQuery): StoredLog[] {
    if (to - from >= this.limits.maxBlocks) {
      throw tooMuch(`query exceeds max block range ${this.limits.maxBlocks}`);
    }
    const oldest = this.blocks.oldest().block;
    if (from < oldest) throw historyPruned(oldest);
    const mayMatch = bloomFilter(query);
    const out: StoredLog[] = [];
    for (const { height, bloom } of this.blocks.blooms(from, to)) {
      if (!mayMatch(bloom)) continue;
      const block = this.blocks.blockWithReceipts(height);
      if (block === undefined) throw blockNotFound(String(height));
      for (const log of logsOf(block)) {
        if (!logMatches(log, query)) continue;
        if (out.length >= this.limits.maxLogs)
          throw tooMuch(`query returned more than ${this.limits.maxLogs} results`);
        out.push(log);
      }
    }
    return out;
  }

  #height(selector: BlockSelector): number {
    if (selector.kind === "hash") {
      const height = this.blocks.heightOf(selector.hash);
      if (height === undefined) throw blockNotFound(selector.hash);
      return height;
    }
    if (selector.kind === "height") return selector.height;
    return this.chain.height(selector) ?? this.chain.head().number;
  }
}
