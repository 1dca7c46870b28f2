import type { Account } from "./account.js";
import { applyAuthorizations } from "./authorizations.js";
import { Code } from "./code.js";
import type { ExecutionContext } from "./context.js";
import { createAddress } from "./contract-address.js";
import { type Frame, NO_BYTES, STATUS } from "./frame.js";
import { GAS } from "./gas.js";
import { FORK } from "./hardfork.js";
import { execute } from "./interpreter.js";
import { codeToRun } from "./opcodes/calling.js";
import { plainTransfer } from "./plain-transfer.js";
import type { EvmTransaction } from "./transaction.js";
import type { TransactionResult } from "./transaction-result.js";
import { checkTransaction, effectivePrice, intrinsicGas, lesser } from "./transaction-rules.js";
import { setBigint, setBytes } from "./word.js";

export interface ExecuteOptions {
  /** Gas that the block has left; all of it unless given. */
  readonly gasAvailable?: bigint;
  /** Leaves out the checks of signature owner, nonce, funds and fees: for calls that are no transactions. */
  readonly unchecked?: boolean;
}

function warmUp(context: ExecutionContext, tx: EvmTransaction, sender: Account): void {
  context.warm(sender);
  // EIP-3651
  if (context.rules.fork >= FORK.shanghai) context.warm(context.coinbase);
  if (tx.to !== undefined) context.warm(context.state.accountAt(tx.to));
  const word = new Int32Array(8);
  for (const { address, slots } of tx.accessList) {
    const account = context.state.accountAt(address);
    context.warm(account);
    for (const key of slots) {
      setBytes(word, 0, key, 0, 32);
      context.state.warmSlot(context.state.slot(account, word, 0));
    }
  }
}

function prepareFrame(context: ExecutionContext, tx: EvmTransaction, sender: Account, gas: bigint): Frame {
  const { state } = context;
  const frame = context.frame(0);
  frame.caller = sender;
  frame.totalGas = gas;
  frame.isStatic = false;
  frame.amount = tx.value;
  setBigint(frame.value, 0, tx.value);
  frame.outputOffset = 0;
  frame.outputSize = 0;
  if (tx.to === undefined) {
    const created = state.accountAt(createAddress(sender.bytes, tx.nonce));
    context.warm(created);
    frame.kind = "CREATE";
    frame.self = created;
    frame.code = new Code(tx.data);
    frame.input = NO_BYTES;
  } else {
    const target = state.accountAt(tx.to);
    frame.kind = "CALL";
    frame.self = target;
    frame.code = codeToRun(context, target);
    frame.input = tx.data;
    if (context.rules.fork >= FORK.prague && target.code.delegate !== undefined)
      context.warm(state.accountAt(target.code.delegate));
  }
  frame.codeOwner = frame.self;
  return frame;
}

const STATUS_NAMES = { [STATUS.succeeded]: "succeeded", [STATUS.reverted]: "reverted" } as const;

/**
 * Executes one transaction (Yellow Paper 6) and ends it: what it changed stays in the `WorldState`. Throws a coded
 * error of `InvalidTransactionCode`, with nothing changed, for one that may not be in the block.
 */
export function executeTransaction(
  context: ExecutionContext,
  tx: EvmTransaction,
  options: ExecuteOptions = {},
): TransactionResult {
  const { state, block } = context;
  const sender = state.accountAt(tx.from);
  if (options.unchecked !== true)
    checkTransaction(tx, sender, context, options.gasAvailable ?? block.gasLimit);
  return plainTransfer(context, tx, sender) ?? runTransaction(context, tx, sender);
}

/** The general way: a call or a creation, whose code runs. */
function runTransaction(context: ExecutionContext, tx: EvmTransaction, sender: Account): TransactionResult {
  const { state, rules, block } = context;
  const price = effectivePrice(tx, context);
  const blobGas = GAS.perBlob * (tx.blobHashes?.length ?? 0);
  const intrinsic = intrinsicGas(tx, rules.fork);
  state.setBalance(sender, sender.balance - tx.gasLimit * price - BigInt(blobGas) * block.blobBaseFee);
  // Only a message that is no transaction can meet the end of the numbers; it begins again, as in Geth.
  state.setNonce(sender, BigInt.asUintN(64, sender.nonce + 1n));
  context.refund = 0;
  context.origin = sender;
  context.setGasPrice(price);
  context.blobHashes = tx.blobHashes ?? [];
  warmUp(context, tx, sender);
  applyAuthorizations(context, tx.authorizations ?? []);
  const frame = prepareFrame(context, tx, sender, tx.gasLimit - BigInt(intrinsic.gas));
  execute(context, frame);
  const spent = tx.gasLimit - frame.totalGas;
  const quotient = rules.fork >= FORK.london ? 5n : 2n;
  const refunded = lesser(BigInt(context.refund), spent / quotient);
  const floor = BigInt(intrinsic.floor);
  const gasUsed = spent - refunded < floor ? floor : spent - refunded;
  state.setBalance(sender, sender.balance + (tx.gasLimit - gasUsed) * price);
  const tip = rules.fork >= FORK.london ? price - block.baseFeePerGas : price;
  state.setBalance(context.coinbase, context.coinbase.balance + gasUsed * tip);
  const logs = state.logs;
  const { status, halt, output, self } = frame;
  state.endTransaction();
  return {
    status: status === STATUS.succeeded || status === STATUS.reverted ? STATUS_NAMES[status] : "halted",
    halt,
    gasUsed,
    gasRefunded: refunded,
    gasBeforeRefund: spent,
    output,
    createdAddress: tx.to === undefined ? self.bytes : undefined,
    logs,
    effectiveGasPrice: price,
    blobGasUsed: blobGas,
  };
}
