import type { Bytes32 } from "@aios/kernel/identifiers";
import type { ChainView } from "../../../application/chain-view.js";
import { blockNotFound } from "../../../application/chain-view.js";
import type { BlockWithReceipts } from "../../../domain/block.js";
import type { BlockSelector } from "../../../domain/block-tag.js";
import type { BlockReader } from "../../../domain/ports.js";
import type { WaitingTransactions } from "../../../domain/waiting-transactions.js";
import {
  formatBlock,
  formatReceipt,
  formatReceipts,
  formatTransaction,
  hexNumber,
  type RpcValue,
} from "../format.js";
import type { RpcMethods } from "../method.js";
import { blockSelector, flag, hash, smallNumber } from "../parameters.js";

/** Blocks, transactions and receipts. */
export function blockMethods(
  chain: ChainView,
  blocks: BlockReader,
  pool: Pick<WaitingTransactions, "get">,
): RpcMethods {
  const isPending = (selector: BlockSelector): boolean =>
    selector.kind === "tag" && selector.tag === "pending";
  const byHash = (value: unknown): BlockSelector => ({ kind: "hash", hash: hash(value, "block hash") });
  const find = async (selector: BlockSelector): Promise<BlockWithReceipts | undefined> =>
    isPending(selector) ? await chain.pendingBlock() : chain.block(selector);
  const count = async (selector: BlockSelector): Promise<RpcValue> => {
    const found = isPending(selector)
      ? (await chain.pendingBlock()).transactions.length
      : chain.transactionCount(selector);
    return found === undefined ? null : hexNumber(found);
  };
  const transactionAt = async (selector: BlockSelector, index: unknown): Promise<RpcValue> => {
    const at = smallNumber(index, "index");
    const block = await find(selector);
    const transaction = block?.transactions[at];
    if (block === undefined || transaction === undefined) return null;
    return formatTransaction(
      transaction,
      isPending(selector) ? undefined : { header: block.header, index: at },
    );
  };
  const stored = (wanted: Bytes32): RpcValue | undefined => {
    const place = blocks.placeOf(wanted);
    if (place === undefined) return undefined;
    const block = blocks.block(place.blockNumber);
    const transaction = block?.transactions[place.index];
    if (block === undefined || transaction === undefined) throw blockNotFound(String(place.blockNumber));
    return formatTransaction(transaction, { header: block.header, index: place.index });
  };
  const uncles = async (selector: BlockSelector): Promise<RpcValue> => {
    const block = await find(selector);
    return block === undefined ? null : hexNumber(block.uncles?.length ?? 0);
  };

  return {
    eth_blockNumber: () => hexNumber(chain.head().number),
    eth_getBlockByNumber: async ([block, full]) => {
      const selector = blockSelector(block, "block");
      const wantsFull = flag(full, "full");
      const found = await find(selector);
      return found === undefined ? null : formatBlock(found, wantsFull, isPending(selector));
    },
    eth_getBlockByHash: async ([block, full]) => {
      const selector = byHash(block);
      const wantsFull = flag(full, "full");
      const found = await find(selector);
      return found === undefined ? null : formatBlock(found, wantsFull);
    },
    eth_getBlockTransactionCountByNumber: ([block]) => count(blockSelector(block, "block")),
    eth_getBlockTransactionCountByHash: ([block]) => count(byHash(block)),
    eth_getUncleCountByBlockNumber: ([block]) => uncles(blockSelector(block, "block")),
    eth_getUncleCountByBlockHash: ([block]) => uncles(byHash(block)),
    eth_getTransactionByBlockNumberAndIndex: ([block, index]) =>
      transactionAt(blockSelector(block, "block"), index),
    eth_getTransactionByBlockHashAndIndex: ([block, index]) => transactionAt(byHash(block), index),
    eth_getTransactionByHash: async ([value]) => {
      const wanted = hash(value, "transaction hash");
      const included = stored(wanted);
      if (included !== undefined) return included;
      const waiting = await pool.get(wanted);
      if (waiting !== undefined) return formatTransaction(waiting, undefined);
      // What has left the pool meanwhile may be in a block now.
      return stored(wanted) ?? null;
    },
    eth_getTransactionReceipt: ([value]) => {
      const place = blocks.placeOf(hash(value, "transaction hash"));
      if (place === undefined) return null;
      const block = blocks.blockWithReceipts(place.blockNumber);
      if (block === undefined) throw blockNotFound(String(place.blockNumber));
      return formatReceipt(block, place.index);
    },
    eth_getBlockReceipts: ([value]) => {
      const block = chain.block(blockSelector(value, "block"));
      return block === undefined ? null : formatReceipts(block);
    },
  };
}
