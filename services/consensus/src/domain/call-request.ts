import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { AccessListEntry, Authorization } from "./transaction.js";

/** A message call that no transaction carries. */
export interface CallRequest {
  readonly from: Address;
  readonly to: Address | null;
  readonly data: Uint8Array;
  readonly value: bigint;
  readonly gasLimit: bigint;
  /** Both zero: the base fee is taken as zero too, so that a call needs no funds. */
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  readonly accessList: readonly AccessListEntry[];
  readonly authorizationList: readonly Authorization[];
  /** Only in blob transactions (EIP-4844). */
  readonly blobVersionedHashes?: readonly Bytes32[];
  readonly maxFeePerBlobGas?: bigint;
}
