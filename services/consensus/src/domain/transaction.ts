import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { lesser } from "./bigint.js";

/** EIP-2718 type bytes that the network admits; 0x03 (blobs) is known to the engine and refused at admission. */
export type TransactionType = 0 | 1 | 2 | 3 | 4;

export interface AccessListEntry {
  readonly address: Address;
  readonly storageKeys: readonly Bytes32[];
}

/** EIP-7702 tuple: the signer lets `address`'s code run as its own. */
export interface Authorization {
  readonly chainId: bigint;
  readonly address: Address;
  readonly nonce: bigint;
  readonly yParity: number;
  readonly r: bigint;
  readonly s: bigint;
}

/** A transaction whose signature has been verified; `raw` is its canonical EIP-2718 encoding. */
export interface SignedTransaction {
  readonly hash: Bytes32;
  readonly type: TransactionType;
  readonly sender: Address;
  readonly nonce: bigint;
  /** `null` creates a contract. */
  readonly to: Address | null;
  readonly value: bigint;
  readonly gasLimit: bigint;
  readonly data: Uint8Array;
  /** Legacy and EIP-2930 transactions offer one price: it is both. Wei per gas. */
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  /** Absent in a legacy transaction without replay protection (EIP-155). */
  readonly chainId: bigint | undefined;
  readonly accessList: readonly AccessListEntry[];
  readonly authorizationList: readonly Authorization[];
  /** The least gas limit under which the rules let it run (intrinsic gas, EIP-7623 floor). */
  readonly minimumGas: bigint;
  readonly signature: { readonly v: bigint; readonly r: bigint; readonly s: bigint };
  readonly raw: Uint8Array;
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
