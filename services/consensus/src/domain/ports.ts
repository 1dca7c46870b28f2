import type { NewNodes } from "@aios/core-trie/new-nodes";
import type { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { Block, BlockHeader, BlockWithReceipts, Log, TransactionPlace } from "./block.js";
import type { CallRequest } from "./call-request.js";
import type { GenesisAllocation } from "./genesis.js";
import type { SimulatedBlock, SimulationRequest } from "./simulation.js";
import type { AccountProof, StateChanges, StateSnapshot } from "./state.js";
import type { StateCommitment, Tries } from "./state-commitment.js";
import type { TraceJson, TraceOptions } from "./tracing/tracer.js";
import type { AccessListEntry, SignedTransaction } from "./transaction.js";

export type { CallRequest } from "./call-request.js";

/** Decodes and checks foreign transaction bytes. */
export interface TransactionCodec {
  /** Strict EIP-2718 decoding and signature recovery. Throws a coded error of `errors.ts`, never anything else. */
  decode(raw: Uint8Array): SignedTransaction;
  /** As `decode`, with the recovery on another thread. Throws `recovery-busy` too. */
  admit(raw: Uint8Array): Promise<SignedTransaction>;
  /** As `admit`, several at once: each, or what would have been thrown. */
  admitAll(raws: readonly Uint8Array[]): Promise<readonly (SignedTransaction | CodedError)[]>;
}

/** What a sender is recovered from. */
export interface SignatureToRecover {
  /** 32 bytes. */
  readonly messageHash: Uint8Array;
  /** r and s, 32 bytes each. */
  readonly compact: Uint8Array;
  readonly recoveryId: 0 | 1;
}

/** A call of a contract by a transaction of EIP-1559. */
export interface CallTransaction {
  readonly chainId: bigint;
  readonly nonce: bigint;
  readonly to: Address;
  /** Wei. */
  readonly value: bigint;
  readonly gasLimit: bigint;
  readonly data: Uint8Array;
  /** Wei per gas. */
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** Signs for one account. */
export interface TransactionSigner {
  readonly address: Address;
  /** The transaction as it travels (EIP-2718). */
  sign(call: CallTransaction): Uint8Array;
}

/** Recovers senders beside the thread that makes blocks. */
export interface SenderRecovery {
  /** Throws `invalid-signature`, `recovery-busy` when too many wait, `node-stopping`. */
  recover(signature: SignatureToRecover): Promise<Address>;
  /** As `recover`, several at once: each sender, or what would have been thrown. */
  recoverAll(signatures: readonly SignatureToRecover[]): Promise<readonly (Address | CodedError)[]>;
}

/** A committed state, by root, with uncommitted changes on top (the pending block's, or a caller's overrides). */
export interface StateReference {
  readonly root: Bytes32;
  readonly overlays: readonly StateChanges[];
}

/** The block fields that contracts can see. */
export interface BlockContext {
  readonly number: number;
  /** Seconds. */
  readonly timestamp: number;
  readonly gasLimit: bigint;
  readonly baseFeePerGas: bigint;
  readonly feeRecipient: Address;
  readonly prevRandao: Bytes32;
  /** Wei per blob gas (EIP-7516); absent: the minimum of 1. */
  readonly blobBaseFeePerGas?: bigint;
  /** Before the Merge, in place of `prevRandao`. */
  readonly difficulty?: bigint;
  /** EIP-4788; absent: zero, as the network has no beacon chain. */
  readonly parentBeaconBlockRoot?: Bytes32;
  /** Hashes by number of blocks before this one that are not stored: those of a simulation. */
  readonly ancestorHashes?: ReadonlyMap<number, Bytes32>;
}

export type CallOutcome =
  | {
      readonly kind: "success";
      readonly output: Uint8Array;
      readonly gasUsed: bigint;
      readonly gasRefund: bigint;
    }
  | { readonly kind: "revert"; readonly output: Uint8Array; readonly gasUsed: bigint }
  /** Any other halt: out of gas, invalid opcode, stack underflow. `reason` is the engine's short name for it. */
  | { readonly kind: "halt"; readonly reason: string; readonly gasUsed: bigint };

/** Why a transaction of a checkpoint's set was left out by rule. */
export interface DroppedTransaction {
  readonly hash: Bytes32;
  readonly code: string;
  readonly reason: string;
}

export interface BlockInput {
  readonly parent: BlockHeader;
  readonly timestamp: number;
  /** What the beacon says after the parent. */
  readonly prevRandao: Bytes32;
  /** Already ordered. */
  readonly transactions: readonly SignedTransaction[];
}

/** A block that has been executed, and what it changes. */
export interface BlockWithChanges extends BlockWithReceipts {
  /** Accounts carry their new storage roots. */
  readonly changes: StateChanges;
}

/** A block that has been executed but not stored. */
export interface ExecutedBlock extends BlockWithChanges {
  /** New trie nodes, and the tries that have them: to be kept once the nodes are stored. */
  readonly trieNodes: NewNodes;
  readonly tries: Tries;
  readonly dropped: readonly DroppedTransaction[];
  /** Left for a later block: block gas, size or time ran out. */
  readonly deferred: readonly SignedTransaction[];
}

/**
 * The chain's randomness, which contracts see as PREVRANDAO (EIP-4399). The only source of it: whoever makes a block asks
 * here, and whoever runs one again reads it from the header.
 */
export interface Beacon {
  /**
   * 32 bytes for the block after a parent: for the same parent the same on every node and at any time, for another parent
   * others. May wait for those who make it together; the block waits with it. Rejects only where it can be asked again, and with
   * the signal's reason as soon as that says so.
   */
  valueAfter(parent: Pick<BlockHeader, "hash" | "number">, signal?: AbortSignal): Promise<Bytes32>;
}

/**
 * Runs transactions. Replaceable: `test/conformance/execution-engine.conformance.ts` says what every engine must do.
 * All methods are safe to call concurrently.
 */
export interface ExecutionEngine {
  /**
   * Executes a block on the state of its parent. Transactions that fail by rule (nonce, balance, fee) are dropped
   * with a reason and never fail the block. Deterministic in its input, but for `deferred`.
   */
  executeBlock(input: BlockInput): Promise<ExecutedBlock>;
  /** Block 0 of the state that the store founds on the allocation. */
  executeGenesis(): Promise<ExecutedBlock>;
  /** One message call, no change of state. Throws `insufficient-funds`, `intrinsic-gas-too-low`, `call-timed-out`. */
  call(state: StateReference, context: BlockContext, request: CallRequest): Promise<CallOutcome>;
  /** As `call`, with the addresses and slots touched (EIP-2930). */
  accessList(
    state: StateReference,
    context: BlockContext,
    request: CallRequest,
  ): Promise<{ readonly accessList: readonly AccessListEntry[]; readonly outcome: CallOutcome }>;
  /**
   * Runs a stored block again and follows its transactions, or the one at `index` alone. One answer per followed
   * transaction, in order. Throws `trace-too-large`, `call-timed-out`.
   */
  traceBlock(
    parent: BlockHeader,
    block: Block,
    index: number | undefined,
    options: TraceOptions,
  ): Promise<readonly TraceJson[]>;
  /** As `call`, followed by a tracer. */
  traceCall(
    state: StateReference,
    context: BlockContext,
    request: CallRequest,
    options: TraceOptions,
  ): Promise<TraceJson>;
  /** Blocks on top of `parent` that are made, shown and forgotten. Throws `simulation-refused`, `call-timed-out`. */
  simulate(parent: BlockHeader, request: SimulationRequest): Promise<readonly SimulatedBlock[]>;
}

/** The part of an engine that runs what changes nothing. */
export type CallEngine = Omit<ExecutionEngine, "executeBlock" | "executeGenesis">;

/** Flat state and its Merkle trie. */
export interface StateStore {
  /** Throws `state-unavailable` for a root that is not kept. Close the snapshot. */
  snapshot(root: Bytes32): StateSnapshot;
  proof(root: Bytes32, address: Address, slots: readonly Bytes32[]): AccountProof;
  /** Root of the state after the changes, and what must be stored with them. Writes nothing. */
  commitment(parentRoot: Bytes32, changes: StateChanges): StateCommitment;
}

/** A state store that a chain is made in. */
export interface FoundingStore extends StateStore {
  /** As `commitment`, in short steps, between which requests can be answered. */
  commitmentSteps(parentRoot: Bytes32, changes: StateChanges): Generator<undefined, StateCommitment>;
  /**
   * Root of the first state. Where no block is stored it is written too, in parts of which none counts before block 0
   * names the root: whoever begins again begins anew. Throws `invalid-genesis`.
   */
  found(allocation: GenesisAllocation): Promise<Bytes32>;
}

export interface StoredLog extends Log {
  readonly blockNumber: number;
  readonly blockHash: Bytes32;
  readonly transactionHash: Bytes32;
  readonly transactionIndex: number;
  readonly logIndex: number;
  readonly timestamp: number;
}

/** From which height on a node has everything; genesis is always there. 0: since genesis. */
export interface OldestKept {
  readonly block: number;
  readonly state: number;
}

/** The chain of stored blocks. Heights are contiguous from the oldest that is kept; nothing is ever replaced. */
export interface BlockStore {
  oldest(): OldestKept;
  /** `undefined` before genesis is stored. */
  head(): BlockHeader | undefined;
  header(height: number): BlockHeader | undefined;
  heightOf(blockHash: Bytes32): number | undefined;
  block(height: number): Block | undefined;
  /** Transactions of a block. Costs far less than the block. */
  transactionCount(height: number): number | undefined;
  blockWithReceipts(height: number): BlockWithReceipts | undefined;
  placeOf(transactionHash: Bytes32): TransactionPlace | undefined;
  /** Blooms of the heights from `from` to `to`, inclusive, in order; heights without logs may be left out. */
  blooms(from: number, to: number): Iterable<{ readonly height: number; readonly bloom: Uint8Array }>;
  /**
   * Stores block, receipts, state and indexes: all or nothing, on disk when this resolves, and nothing to be seen
   * before. Throws `not-the-next-block` unless the parent is the head.
   */
  append(block: ExecutedBlock): Promise<void>;
}

/** The chain of stored blocks for whoever adds none. */
export type BlockReader = Omit<BlockStore, "append">;

/** Keeps admitted transactions over a restart. One that was removed may come back then: whoever admits them tells. */
export interface MempoolJournal {
  /** Resolves when the transactions would survive the end of this process; rejects when none of them would. */
  add(transactions: readonly SignedTransaction[], receivedAtMs: number): Promise<void>;
  remove(hashes: readonly Bytes32[]): Promise<void>;
  entries(): Iterable<{ readonly raw: Uint8Array; readonly receivedAtMs: number }>;
}

export interface PooledTransaction {
  readonly transaction: SignedTransaction;
  /** Position in the order of arrival. */
  readonly arrival: number;
  readonly receivedAtMs: number;
}

/** Makes the chain grow. Callers see only heads, so DAG and finality replace the single producer behind this. */
export interface CheckpointProducer {
  /** Latest ordered and executed checkpoint. */
  latest(): BlockHeader;
  /** Highest checkpoint whose root a later certificate attests. */
  finalizedHeight(): number;
  /** Tells the producer that transactions wait. */
  wake(): void;
  /** Consecutive failures to make or store a checkpoint; 0 when healthy. */
  readonly failures: number;
  start(): Promise<void>;
  /** Resolves when the checkpoint in progress is stored. */
  stop(): Promise<void>;
}
