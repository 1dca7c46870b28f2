import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { SignedTransaction } from "./transaction.js";

/** Ethereum's header (Cancun to Osaka fields). One block is one checkpoint: `number` is the checkpoint height. */
export interface BlockHeader {
  readonly hash: Bytes32;
  readonly parentHash: Bytes32;
  readonly number: number;
  /** Seconds. Never before the parent's; equal is allowed, as checkpoints come several a second. */
  readonly timestamp: number;
  readonly stateRoot: Bytes32;
  readonly transactionsRoot: Bytes32;
  readonly receiptsRoot: Bytes32;
  readonly withdrawalsRoot: Bytes32;
  readonly requestsHash: Bytes32;
  readonly parentBeaconBlockRoot: Bytes32;
  readonly logsBloom: Uint8Array;
  readonly feeRecipient: Address;
  readonly prevRandao: Bytes32;
  readonly extraData: Uint8Array;
  readonly gasLimit: bigint;
  readonly gasUsed: bigint;
  readonly baseFeePerGas: bigint;
  readonly blobGasUsed: bigint;
  readonly excessBlobGas: bigint;
  /** Bytes of the RLP-encoded block. */
  readonly sizeBytes: number;
}

export interface Log {
  readonly address: Address;
  readonly topics: readonly Bytes32[];
  readonly data: Uint8Array;
}

export interface Receipt {
  readonly succeeded: boolean;
  readonly gasUsed: bigint;
  readonly cumulativeGasUsed: bigint;
  readonly contractAddress: Address | null;
  readonly logs: readonly Log[];
}

export interface Block {
  readonly header: BlockHeader;
  readonly transactions: readonly SignedTransaction[];
}

export interface BlockWithReceipts extends Block {
  /** One per transaction, same order. */
  readonly receipts: readonly Receipt[];
}

export interface TransactionPlace {
  readonly blockNumber: number;
  readonly index: number;
}
