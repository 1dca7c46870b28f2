import type { Address } from "@aios/kernel/identifiers";
import type { BlockPosition, ChainBlock, ContractEvent } from "./chain-block.js";
import type {
  Attempt,
  ChainTransaction,
  Fees,
  Lane,
  SignedTransaction,
  Signer,
  TransactionFailure,
  TransactionRequest,
  UnsignedTransaction,
} from "./chain-transaction.js";

/** A call as the node sees it. */
export interface ChainCall {
  readonly from: Address;
  readonly to: Address;
  readonly data: Uint8Array;
  readonly valueWei: bigint;
}

/** What the node said to a signed transaction. Only the chain itself decides what became of it. */
export type BroadcastResult =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly reason: string };

/** The chain block by block, as the index reads it. Every method throws `chain-unavailable` when it is not answered. */
export interface ChainBlocks {
  identity(): Promise<{ readonly chainId: bigint; readonly genesisHash: string }>;
  head(): Promise<BlockPosition>;
  finalizedHeight(): Promise<bigint>;
  /** Consecutive blocks from `first`, at most `count`; stops before the first that does not exist. */
  blocks(first: bigint, count: number): Promise<readonly ChainBlock[]>;
  /** Why a mined transaction failed, by running its call again on the state before its block, then on that after it. */
  explainFailure(call: ChainCall, blockNumber: bigint): Promise<TransactionFailure>;
  /** Calls `onHead` whenever the head may have moved; also on reconnection. Ends with the signal. */
  followHeads(onHead: () => void, signal: AbortSignal): void;
}

/**
 * The chain's node. Every method throws `chain-unavailable` when it does not answer in time;
 * `estimateGas`, `tryCall` and `call` throw `reverted` with the decoded custom error, `execution-halted`,
 * `insufficient-gas-funds`, or `call-refused` when the node answers without trying.
 */
export interface ChainNode extends ChainBlocks {
  baseFeePerGasWei(): Promise<bigint>;
  nonce(account: Address, tag: "latest" | "finalized"): Promise<bigint>;
  balanceWei(account: Address): Promise<bigint>;
  estimateGas(call: ChainCall): Promise<bigint>;
  /** Runs the call once on the latest state, under this gas limit. */
  tryCall(call: ChainCall, gasLimit: bigint): Promise<void>;
  call(call: Pick<ChainCall, "to" | "data">): Promise<string>;
  broadcast(raw: Uint8Array): Promise<BroadcastResult>;
  /** True when the node holds the transaction, pending or mined. */
  knows(transactionHash: string): Promise<boolean>;
}

/** Keys that sign. Never gives a key out. */
export interface SignerVault {
  addressOf(signer: Signer): Address;
  sign(signer: Signer, transaction: UnsignedTransaction): SignedTransaction;
}

/** Reads what happened in the protocol's contracts. */
export interface EventReader {
  /** Decoded events of protocol contracts in the block, in log order. */
  eventsOf(block: ChainBlock): readonly ContractEvent[];
}

/** The protocol's contracts by name, as the on-chain registry has them. */
export interface ContractBook extends EventReader {
  /** Resolves the contracts; throws `contracts-not-deployed` until they all exist. */
  load(): Promise<void>;
  readonly loaded: boolean;
  addressOf(contract: string): Address | undefined;
  addresses(): ReadonlyMap<string, Address>;
  /** `name` of the function that a call's first four bytes select, or `undefined`. */
  functionOf(contract: string, data: Uint8Array): string | undefined;
}

export interface ProtocolTerms {
  readonly treasury: Address;
  readonly protocolFeeBps: number;
  readonly challengeWindowSeconds: number;
  /** tau·G2 of the reference string that UltraHonk proofs are verified under, as EIP-197 orders it; hex, 32 bytes each. */
  readonly honkTauG2: readonly string[];
}

export interface AccountBalances {
  readonly nativeWei: bigint;
  readonly wrappedWei: bigint;
  /** Credited by settlements and licence sales, waiting to be withdrawn. */
  readonly withdrawableWei: bigint;
  readonly stakedWei: bigint;
  readonly atBlock: bigint;
}

/** Reads the contracts' own words, at one block. Throws `chain-unavailable` or `contracts-not-deployed`. */
export interface ProtocolReader {
  terms(): Promise<ProtocolTerms>;
  balances(account: Address): Promise<AccountBalances>;
}

/** A queued transaction that gets its nonce now. */
export interface Assignment {
  readonly transactionId: string;
  readonly gasLimit: bigint;
  readonly fees: Fees;
}

/** Gas that one subject may take of the platform: what it took since `sinceMs` and this request stay within `gas`. */
export interface GasAllowance {
  readonly gas: bigint;
  readonly sinceMs: number;
  /** Assumed of a request that has no limit yet. */
  readonly gasOfRequest: bigint;
}

/** The chain-write outbox. Every method is one database transaction. */
export interface TransactionStore {
  /**
   * Stores the request, or returns the one with the same caller and key. With an allowance it is counted against what
   * its subject was sponsored. Throws `idempotency-key-reused`, `gas-allowance-spent`.
   */
  enqueue(request: TransactionRequest, nowMs: number, allowance?: GasAllowance): Promise<ChainTransaction>;
  /** By id or by the hash of any signed form. Throws `transaction-not-found`. */
  find(idOrHash: string): Promise<ChainTransaction>;
  /** Oldest queued requests of a signer's lane that arrived after `after`. */
  queued(signer: Signer, lane: Lane, after: bigint, limit: number): Promise<readonly ChainTransaction[]>;
  countInFlight(signer: Signer): Promise<Readonly<Record<Lane, number>>>;
  /**
   * Those of the requests before which another one of the same subject, or of the same account's, whoever signs it, is
   * neither mined nor failed: what they build on may be missing.
   */
  missingEarlier(transactionIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Records the account and lifts its next nonce to the chain's; call before the first assignment. */
  openSigner(signer: Signer, address: Address, chainNonce: bigint): Promise<void>;
  /**
   * Under the signer's row lock: gives each request that is still queued the next nonce, signs it, and stores the
   * signed form. What this returns may be broadcast.
   */
  assign(
    signer: Signer,
    assignments: readonly Assignment[],
    sign: (transaction: ChainTransaction, nonce: bigint, assignment: Assignment) => SignedTransaction,
    nowMs: number,
  ): Promise<readonly Attempt[]>;
  /** Sent requests of a signer with all their signed forms, lowest nonce first. */
  sent(
    signer: Signer,
    limit: number,
  ): Promise<readonly { transaction: ChainTransaction; attempts: readonly Attempt[] }[]>;
  /** Stores a further signed form unless another one was added meanwhile or the request is no longer sent. */
  addAttempt(attempt: Attempt): Promise<boolean>;
  markBroadcast(hashes: readonly string[], nowMs: number): Promise<void>;
  /** Refuses a queued or sent request for good and publishes its end. */
  fail(transactionId: string, failure: TransactionFailure, nowMs: number): Promise<ChainTransaction>;
}

/** A failed transaction of a block, with the reason. */
export type FailureOf = (transaction: ChainTransaction) => Promise<TransactionFailure>;

/** What the indexer read, and where it stands. Every method is one database transaction. */
export interface IndexStore {
  /** Binds the database to the chain at first; throws `chain-replaced` when it belongs to another. */
  bind(identity: { readonly chainId: bigint; readonly genesisHash: string }): Promise<void>;
  position(): Promise<BlockPosition | undefined>;
  finalizedHeight(): Promise<bigint>;
  /** Requests whose signed forms are among the hashes. */
  transactionsOf(hashes: readonly string[]): Promise<readonly ChainTransaction[]>;
  /**
   * Adds the block after the current position with its events, marks our mined transactions, publishes. Returns
   * the ids of the transactions that moved. Throws when the position moved meanwhile.
   */
  apply(
    block: ChainBlock,
    events: readonly ContractEvent[],
    failures: ReadonlyMap<string, TransactionFailure>,
    finalizedHeight: bigint,
    nowMs: number,
  ): Promise<readonly string[]>;
  /** Takes back the block with this hash: its events go, its transactions are `sent` again. Never a final block. */
  undo(blockHash: string, nowMs: number): Promise<readonly string[]>;
  /** Records finality, publishes what became final, forgets block headers far below it. Returns moved transactions. */
  finalize(height: bigint, nowMs: number): Promise<readonly string[]>;
  eventsAbout(subject: string): Promise<readonly ContractEvent[]>;
}
