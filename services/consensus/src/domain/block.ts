import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { SignedTransaction } from "./transaction.js";

/** The fork that gave a header its last fields. */
export type HeaderForm = "frontier" | "london" | "shanghai" | "cancun" | "prague";

/** What a header of Ethereum's own history has that the network's never have, and which fields it lacks. */
export interface EarlierForm {
  readonly form: HeaderForm;
  readonly difficulty: bigint;
  /** 8 bytes of proof of work. */
  readonly nonce: Uint8Array;
  readonly unclesHash: Bytes32;
}

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
  /** Wei per blob gas (EIP-4844); absent: the minimum of 1, as no block of the network carries blobs. */
  readonly blobBaseFeePerGas?: bigint;
  /** Only in headers of Ethereum's own history that have another form than the network's. */
  readonly earlierForm?: EarlierForm;
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
  /** State root after the transaction, which stood in place of the status before Byzantium. */
  readonly postState?: Bytes32;
  readonly gasUsed: bigint;
  readonly cumulativeGasUsed: bigint;
  readonly contractAddress: Address | null;
  readonly logs: readonly Log[];
}

/** EIP-4895. */
export interface Withdrawal {
  readonly index: bigint;
  readonly validatorIndex: bigint;
  readonly address: Address;
  /** Gwei. */
  readonly amount: bigint;
}

export interface Block {
  readonly header: BlockHeader;
  readonly transactions: readonly SignedTransaction[];
  /** Absent: none, as in every block of the network. */
  readonly withdrawals?: readonly Withdrawal[];
  /** RLP of the headers that proof of work left beside the chain; absent: none. */
  readonly uncles?: readonly Uint8Array[];
}

export interface BlockWithReceipts extends Block {
  /** One per transaction, same order. */
  readonly receipts: readonly Receipt[];
}

export interface TransactionPlace {
  readonly blockNumber: number;
  readonly index: number;
}
