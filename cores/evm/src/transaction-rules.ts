import { CodedError } from "@aios/kernel/coded-error";
import type { Account } from "./account.js";
import { isDelegation } from "./code.js";
import type { ExecutionContext } from "./context.js";
import { GAS, LIMITS } from "./gas.js";
import { FORK } from "./hardfork.js";
import type { Rules } from "./rules.js";
import type { EvmTransaction } from "./transaction.js";

/** Why a transaction may not be in a block at all. It has changed nothing. */
export type InvalidTransactionCode =
  | "transaction-type-not-active"
  | "gas-limit-over-block"
  | "gas-limit-over-cap"
  | "intrinsic-gas-too-low"
  | "tip-above-fee-cap"
  | "fee-below-base-fee"
  | "nonce-too-low"
  | "nonce-too-high"
  | "nonce-overflow"
  | "sender-has-code"
  | "insufficient-funds"
  | "init-code-too-large"
  | "blob-count"
  | "blob-version"
  | "blob-creation"
  | "blob-fee-below-base-fee"
  | "authorization-list-empty"
  | "authorization-creation";

export function invalid(code: InvalidTransactionCode, message: string): CodedError {
  return new CodedError({ code, kind: "unprocessable", message });
}

/** Zero bytes count one token, others four (EIP-7623). */
function tokensOf(data: Uint8Array): number {
  let tokens = data.length;
  for (const byte of data) if (byte !== 0) tokens += 3;
  return tokens;
}

/** What a transaction costs before it runs, and the least it costs in the end (EIP-7623; 0 before Prague). */
export function intrinsicGas(
  { to, data, accessList, authorizations }: EvmTransaction,
  fork: number,
): { readonly gas: number; readonly floor: number } {
  const tokens = tokensOf(data);
  let gas = GAS.transaction + GAS.dataZero * tokens;
  if (to === undefined) {
    gas += GAS.transactionCreate;
    if (fork >= FORK.shanghai) gas += GAS.initCodeWord * Math.ceil(data.length / 32);
  }
  for (const { slots } of accessList) gas += GAS.accessListAddress + GAS.accessListSlot * slots.length;
  gas += GAS.authorization * (authorizations?.length ?? 0);
  return { gas, floor: fork >= FORK.prague ? GAS.transaction + GAS.floorPerToken * tokens : 0 };
}

export const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Wei per gas that the sender pays (EIP-1559). */
export function effectivePrice(tx: EvmTransaction, { rules, block }: ExecutionContext): bigint {
  if (rules.fork < FORK.london) return tx.maxFeePerGas;
  return lesser(block.baseFeePerGas + tx.maxPriorityFeePerGas, tx.maxFeePerGas);
}

const TYPE_SINCE = [FORK.berlin, FORK.berlin, FORK.london, FORK.cancun, FORK.prague] as const;

function checkType(tx: EvmTransaction, rules: Rules): void {
  if (rules.fork < TYPE_SINCE[tx.type])
    throw invalid("transaction-type-not-active", `transaction type ${tx.type} is not active`);
  if (tx.type === 4) {
    if (tx.to === undefined) throw invalid("authorization-creation", "a type 4 transaction needs a target");
    if ((tx.authorizations ?? []).length === 0)
      throw invalid("authorization-list-empty", "the authorization list is empty");
  }
}

function checkBlobs(tx: EvmTransaction, context: ExecutionContext): void {
  if (tx.type !== 3) return;
  const { rules, block } = context;
  const hashes = tx.blobHashes ?? [];
  const perBlock = rules.blobs?.max ?? 0;
  const most = rules.fork >= FORK.osaka ? Math.min(perBlock, LIMITS.blobsPerTransaction) : perBlock;
  if (tx.to === undefined) throw invalid("blob-creation", "a blob transaction needs a target");
  if (hashes.length === 0 || hashes.length > most)
    throw invalid("blob-count", `a transaction carries 1 to ${most} blobs`);
  if (hashes.some((hash) => hash[0] !== 1)) throw invalid("blob-version", "a blob hash has no known version");
  if ((tx.maxFeePerBlobGas ?? 0n) < block.blobBaseFee)
    throw invalid("blob-fee-below-base-fee", `the blob base fee is ${block.blobBaseFee}`);
}

function checkGas(tx: EvmTransaction, context: ExecutionContext, gasAvailable: bigint): void {
  const { rules, block } = context;
  if (tx.gasLimit > gasAvailable)
    throw invalid("gas-limit-over-block", `the block has ${gasAvailable} gas left`);
  if (rules.fork >= FORK.osaka && tx.gasLimit > BigInt(LIMITS.transactionGas))
    throw invalid("gas-limit-over-cap", `a transaction may use ${LIMITS.transactionGas} gas`);
  const { gas, floor } = intrinsicGas(tx, rules.fork);
  const least = Math.max(gas, floor);
  if (tx.gasLimit < BigInt(least)) throw invalid("intrinsic-gas-too-low", `at least ${least} gas is needed`);
  if (tx.maxPriorityFeePerGas > tx.maxFeePerGas)
    throw invalid("tip-above-fee-cap", "the priority fee is higher than the fee cap");
  if (rules.fork >= FORK.london && tx.maxFeePerGas < block.baseFeePerGas)
    throw invalid("fee-below-base-fee", `the base fee is ${block.baseFeePerGas}`);
  if (rules.fork >= FORK.shanghai && tx.to === undefined && tx.data.length > LIMITS.initCodeBytes)
    throw invalid("init-code-too-large", `init code has at most ${LIMITS.initCodeBytes} bytes`);
}

function checkSender(tx: EvmTransaction, sender: Account, rules: Rules): void {
  if (tx.nonce < sender.nonce) throw invalid("nonce-too-low", `the next nonce is ${sender.nonce}`);
  if (tx.nonce > sender.nonce) throw invalid("nonce-too-high", `the next nonce is ${sender.nonce}`);
  if (tx.nonce >= LIMITS.nonce) throw invalid("nonce-overflow", "the account has used all its nonces");
  // EIP-3607, with the exception that EIP-7702 makes.
  const mayDelegate = rules.fork >= FORK.prague;
  if (sender.code.length > 0 && !(mayDelegate && isDelegation(sender.code.bytes)))
    throw invalid("sender-has-code", "the sender is a contract");
  const blobs = BigInt(GAS.perBlob * (tx.blobHashes?.length ?? 0)) * (tx.maxFeePerBlobGas ?? 0n);
  const cost = tx.gasLimit * tx.maxFeePerGas + tx.value + blobs;
  if (sender.balance < cost) throw invalid("insufficient-funds", `${cost} wei are needed`);
}

/** Throws a coded error unless the transaction may run now (Yellow Paper 6.2 and the EIPs of its type). */
export function checkTransaction(
  tx: EvmTransaction,
  sender: Account,
  context: ExecutionContext,
  gasAvailable: bigint,
): void {
  checkType(tx, context.rules);
  checkGas(tx, context, gasAvailable);
  checkBlobs(tx, context);
  checkSender(tx, sender, context.rules);
}
