import type { Account } from "./account.js";
import type { ExecutionContext } from "./context.js";
import { NO_BYTES } from "./frame.js";
import { FORK } from "./hardfork.js";
import type { EvmTransaction } from "./transaction.js";
import type { TransactionResult } from "./transaction-result.js";
import { effectivePrice, intrinsicGas } from "./transaction-rules.js";
import type { LogEntry } from "./world-state.js";

const NO_LOGS: readonly LogEntry[] = Object.freeze([]);

/** Whether nothing but balances and a nonce can change, and nobody watches: no code runs, and no list is declared. */
function isPlain(context: ExecutionContext, tx: EvmTransaction, target: Account): boolean {
  return (
    target.code.length === 0 &&
    context.tracer === undefined &&
    tx.accessList.length === 0 &&
    tx.authorizations === undefined &&
    tx.blobHashes === undefined &&
    context.precompileOf(target) === undefined
  );
}

/**
 * A transfer to an account without code, in one step: no frame, no undo log. Its result and the state after it are those
 * of the general way, which takes every other transaction: then `undefined`, with nothing changed. The transaction has
 * been checked.
 */
export function plainTransfer(
  context: ExecutionContext,
  tx: EvmTransaction,
  sender: Account,
): TransactionResult | undefined {
  const { state, rules, block, coinbase } = context;
  if (tx.to === undefined) return undefined;
  const target = state.accountAt(tx.to);
  if (!isPlain(context, tx, target)) return undefined;
  const price = effectivePrice(tx, context);
  const { gas, floor } = intrinsicGas(tx, rules.fork);
  const gasBeforeRefund = BigInt(gas);
  const gasUsed = floor > gas ? BigInt(floor) : gasBeforeRefund;
  const tip = rules.fork >= FORK.london ? price - block.baseFeePerGas : price;
  // One after the other: they may be the same account.
  state.settle(sender, sender.balance - gasUsed * price - tx.value, BigInt.asUintN(64, sender.nonce + 1n));
  state.settle(target, target.balance + tx.value, target.nonce);
  state.settle(coinbase, coinbase.balance + gasUsed * tip, coinbase.nonce);
  state.endTransaction();
  return {
    status: "succeeded",
    halt: undefined,
    gasUsed,
    gasRefunded: 0n,
    gasBeforeRefund,
    output: NO_BYTES,
    createdAddress: undefined,
    logs: NO_LOGS,
    effectiveGasPrice: price,
    blobGasUsed: 0,
  };
}
