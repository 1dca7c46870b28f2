/** A transaction to execute. Its signature is checked and its sender recovered; bytes are not copied. */
export interface EvmTransaction {
  readonly type: 0 | 1 | 2 | 3 | 4;
  /** 20 bytes. */
  readonly from: Uint8Array;
  /** 20 bytes; `undefined` creates a contract. */
  readonly to: Uint8Array | undefined;
  readonly nonce: bigint;
  readonly gasLimit: bigint;
  /** Wei. */
  readonly value: bigint;
  readonly data: Uint8Array;
  /** Wei per gas; types 0 and 1 offer one price, which is both. */
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  /** EIP-2930. Slots: 32 bytes. */
  readonly accessList: readonly { readonly address: Uint8Array; readonly slots: readonly Uint8Array[] }[];
  /** EIP-4844, type 3 only: wei per blob gas, and 32-byte versioned hashes. */
  readonly maxFeePerBlobGas?: bigint;
  readonly blobHashes?: readonly Uint8Array[];
  /** EIP-7702, type 4 only. */
  readonly authorizations?: readonly EvmAuthorization[];
}

/** EIP-7702 tuple. `authority`: who signed it, `undefined` when no valid signature gives one. */
export interface EvmAuthorization {
  readonly chainId: bigint;
  readonly address: Uint8Array;
  readonly nonce: bigint;
  readonly authority: Uint8Array | undefined;
}
