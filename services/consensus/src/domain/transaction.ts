import type { Transaction } from "@aios/core-transactions/transaction";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { lesser } from "./bigint.js";

export type { AccessListEntry, Authorization, TransactionType } from "@aios/core-transactions/transaction";

/** Type byte (EIP-2718) that is kept for transactions whose content is sealed until they are ordered. */
export const SEALED_TYPE = 0x53;

/** A transaction whose signature has been verified. */
export interface SignedTransaction extends Transaction {
  readonly hash: Bytes32;
  readonly sender: Address;
  /** The least gas limit under which the rules let it run (intrinsic gas, EIP-7623 floor). */
  readonly minimumGas: bigint;
}

/** Priority fee per gas that the producer earns at this base fee; negative when the fee cap is below it. */
export function effectiveTip(transaction: SignedTransaction, baseFeePerGas: bigint): bigint {
  const room = transaction.maxFeePerGas - baseFeePerGas;
  return lesser(room, transaction.maxPriorityFeePerGas);
}

/** Wei per gas that the sender pays at this base fee (EIP-1559). */
export function effectiveGasPrice(transaction: SignedTransaction, baseFeePerGas: bigint): bigint {
  const wanted = baseFeePerGas + transaction.maxPriorityFeePerGas;
  return lesser(wanted, transaction.maxFeePerGas);
}

/** What the sender must own for the transaction to be valid: value plus gas at the fee cap. */
export function maximumCost(transaction: SignedTransaction): bigint {
  return transaction.value + transaction.gasLimit * transaction.maxFeePerGas;
}
