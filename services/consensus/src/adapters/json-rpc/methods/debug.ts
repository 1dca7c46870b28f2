import { toHex } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { CallContract } from "../../../application/call-contract.js";
import { blockNotFound, type ChainView } from "../../../application/chain-view.js";
import type { BlockWithReceipts } from "../../../domain/block.js";
import { blockRlp, headerRlp, receiptRlp } from "../../../domain/block-codec.js";
import type { BlockSelector } from "../../../domain/block-tag.js";
import type { BlockReader, CallEngine } from "../../../domain/ports.js";
import type { SignedTransaction } from "../../../domain/transaction.js";
import type { WaitingTransactions } from "../../../domain/waiting-transactions.js";
import type { RpcValue } from "../format.js";
import type { RpcMethods } from "../method.js";
import { asObject, blockSelector, callArguments, hash, stateOverrides } from "../parameters.js";
import { invalidParams, RPC, RpcError } from "../rpc-error.js";
import { traceOptions } from "../trace-options.js";

function transactionNotFound(): RpcError {
  return new RpcError(RPC.server, "transaction not found");
}

/** Raw encodings and traces. */
export function debugMethods(
  chain: ChainView,
  blocks: BlockReader,
  pool: Pick<WaitingTransactions, "get">,
  engine: CallEngine,
  calls: CallContract,
): RpcMethods {
  const find = async (value: unknown): Promise<BlockWithReceipts> => {
    const selector = blockSelector(value, "block");
    const isPending = selector.kind === "tag" && selector.tag === "pending";
    const block = isPending ? await chain.pendingBlock() : chain.block(selector);
    if (block === undefined) throw blockNotFound(String(value));
    return block;
  };
  const stored = (wanted: Bytes32): SignedTransaction | undefined => {
    const place = blocks.placeOf(wanted);
    return place === undefined ? undefined : blocks.block(place.blockNumber)?.transactions[place.index];
  };
  const traceBlock = async (selector: BlockSelector, config: unknown): Promise<RpcValue> => {
    const options = traceOptions(config);
    const block = chain.block(selector);
    if (block === undefined) throw blockNotFound(selector.kind === "tag" ? selector.tag : "of that selector");
    const parent = blocks.header(block.header.number - 1);
    if (parent === undefined) throw new RpcError(RPC.server, "genesis is not traceable");
    const traces = await engine.traceBlock(parent, block, undefined, options);
    return block.transactions.map((transaction, index) => ({
      txHash: transaction.hash,
      result: traces[index] as RpcValue,
    }));
  };
  return {
    debug_getRawHeader: async ([value]) => toHex(headerRlp((await find(value)).header)),
    debug_getRawBlock: async ([value]) => toHex(blockRlp(await find(value))),
    debug_getRawReceipts: async ([value]) => {
      const block = await find(value);
      return block.receipts.map((receipt, index) =>
        toHex(receiptRlp(receipt, block.transactions[index]?.type ?? 0)),
      );
    },
    debug_getRawTransaction: async ([value]) => {
      const wanted = hash(value, "transaction hash");
      // What has left the pool meanwhile may be in a block now.
      const transaction = stored(wanted) ?? (await pool.get(wanted)) ?? stored(wanted);
      return transaction === undefined ? "0x" : toHex(transaction.raw);
    },
    // A block that does not follow the rules is never stored.
    debug_getBadBlocks: () => [],
    debug_traceTransaction: async ([value, config]) => {
      const options = traceOptions(config);
      const place = blocks.placeOf(hash(value, "transaction hash"));
      if (place === undefined) throw transactionNotFound();
      const block = blocks.block(place.blockNumber);
      const parent = blocks.header(place.blockNumber - 1);
      if (block === undefined || parent === undefined) throw blockNotFound(String(place.blockNumber));
      const [trace] = await engine.traceBlock(parent, block, place.index, options);
      return (trace ?? null) as RpcValue;
    },
    debug_traceBlockByNumber: ([value, config]) => {
      const selector = blockSelector(value, "block");
      if (selector.kind === "hash") throw invalidParams("block must be a number or tag");
      return traceBlock(selector, config);
    },
    debug_traceBlockByHash: ([value, config]) =>
      traceBlock({ kind: "hash", hash: hash(value, "block hash") }, config),
    debug_traceCall: async ([transaction, block, config]) => {
      const options = traceOptions(config);
      const overrides = config === undefined || config === null ? {} : asObject(config, "traceConfig");
      if (overrides["blockOverrides"] !== undefined && overrides["blockOverrides"] !== null)
        throw invalidParams("blockOverrides are for eth_simulateV1");
      return (await calls.trace(
        callArguments(transaction),
        blockSelector(block, "block"),
        stateOverrides(overrides["stateOverrides"]),
        options,
      )) as RpcValue;
    },
  };
}
