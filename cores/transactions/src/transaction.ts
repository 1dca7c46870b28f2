import type { Address, Bytes32 } from "@aios/kernel/identifiers";

/** EIP-2718 type bytes up to Osaka: legacy, 2930, 1559, 4844, 7702. */
export type TransactionType = 0 | 1 | 2 | 3 | 4;

export interface AccessListEntry {
  readonly address: Address;
  readonly storageKeys: readonly Bytes32[];
}

/** EIP-7702 tuple: the signer lets `address`'s code run as its own. Its signature is judged when it is applied. */
export interface Authorization {
  readonly chainId: bigint;
  readonly address: Address;
  readonly nonce: bigint;
  /** Any byte: a tuple with another than 0 and 1 is skipped, and does not make the transaction invalid. */
  readonly yParity: number;
  readonly r: bigint;
  readonly s: bigint;
}

/** As encoded: `v` is 27, 28 or EIP-155's value in a legacy transaction, the y parity in all others. */
export interface TransactionSignature {
  readonly v: bigint;
  readonly r: bigint;
  readonly s: bigint;
}

/** A decoded transaction; its signature is well-formed only after `checkTransaction`. */
export interface Transaction {
  readonly type: TransactionType;
  /** Absent in a legacy transaction without replay protection (EIP-155). */
  readonly chainId: bigint | undefined;
  /** Below 2^64. */
  readonly nonce: bigint;
  /** `null` creates a contract. */
  readonly to: Address | null;
  /** Wei. */
  readonly value: bigint;
  /** Below 2^64. */
  readonly gasLimit: bigint;
  readonly data: Uint8Array;
  /** Legacy and EIP-2930 transactions offer one price: it is both. Wei per gas. */
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  readonly accessList: readonly AccessListEntry[];
  readonly authorizationList: readonly Authorization[];
  /** EIP-4844; 0 and none for every other type. Wei per blob gas. */
  readonly maxFeePerBlobGas: bigint;
  readonly blobVersionedHashes: readonly Bytes32[];
  readonly signature: TransactionSignature;
  /** Canonical EIP-2718 encoding, as in a block. */
  readonly raw: Uint8Array;
}
