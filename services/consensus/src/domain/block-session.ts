import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { BlockHeader, HeaderForm, Log } from "./block.js";
import type { BlockContext, CallRequest, StateReference } from "./ports.js";
import type { StateChanges, StateView } from "./state.js";
import type { Tracer } from "./tracing/tracer.js";
import type { AccessListEntry, SignedTransaction } from "./transaction.js";

/** How a message ended; thrown errors are for messages that never ran. */
export interface MessageResult {
  readonly output: Uint8Array;
  /** Ethereum's name of the fault, `execution reverted` among them; absent when it succeeded. */
  readonly error: string | undefined;
  /** After refunds. */
  readonly gasUsed: bigint;
  /** Before refunds: the limit that it needed. */
  readonly maxGasUsed: bigint;
  /** What was taken off, capped (EIP-3529). */
  readonly gasRefund: bigint;
  readonly logs: readonly Log[];
  /** Of a creation, whether it succeeded or not. */
  readonly created: Address | undefined;
  /** Touched addresses and slots (EIP-2930), where asked for. */
  readonly accessList: readonly AccessListEntry[];
}

export interface MessageOptions {
  /**
   * Fees are owed as in a real block. Otherwise a message that offers none pays none. Sender's code, signature and
   * the transaction gas cap are never looked at.
   */
  readonly chargesFees: boolean;
  readonly tracer?: Tracer;
  readonly reportsAccessList?: boolean;
}

/** Precompiled contracts that a block pretends to have elsewhere, or not at all. */
export interface PrecompileOverrides {
  /** These addresses have no precompiled contract. */
  readonly removed: readonly Address[];
  /** New address → the address whose precompiled contract answers there. */
  readonly moved: ReadonlyMap<Address, Address>;
}

/** A block in progress on a state that is thrown away: what simulations, traces and replays are made of. */
export interface BlockSession {
  /** The state as it is now, changes of this block included. */
  readonly state: StateView;
  isPrecompile(address: Address): boolean;
  overridePrecompiles(overrides: PrecompileOverrides): void;
  /** What the rules do before the first transaction (EIP-2935, EIP-4788). */
  begin(parentHash: Bytes32): Promise<void>;
  /**
   * Throws `refused-by-engine` for what the rules leave out; then nothing has changed. At once where the engine need not
   * wait: a promise for each transaction of a block costs more than many transfers do.
   */
  runSigned(transaction: SignedTransaction, tracer?: Tracer): MessageResult | Promise<MessageResult>;
  /** Throws `insufficient-funds`, `intrinsic-gas-too-low`, `underpriced`, `init-code-too-large`. */
  runMessage(request: CallRequest, options: MessageOptions): Promise<MessageResult>;
  /** Adds to a balance outside any transaction. Wei. */
  credit(address: Address, amount: bigint): void;
  /** What the rules do after the last transaction: the hash of the requests (EIP-7685). */
  finish(): Promise<Bytes32>;
  /** Everything since the session began. */
  changes(): StateChanges;
}

/** An engine that gives access to single transactions. */
export interface SessionOpener {
  /** `use` has the session for itself; the session ends with it. */
  open<T>(
    reference: StateReference,
    context: BlockContext,
    use: (session: BlockSession) => Promise<T>,
  ): Promise<T>;
}

/** What later forks added to transactions, oldest first. */
export const TRANSACTION_FEATURES = ["access lists", "fee markets", "blobs", "delegations"] as const;
export type TransactionFeature = (typeof TRANSACTION_FEATURES)[number];

/** What EIP-7910 tells of a fork. */
export interface ForkConfiguration {
  /** Whose precompiled contracts there are. */
  readonly fork: "cancun" | "prague" | "osaka";
  /** Seconds. */
  readonly activationTime: number;
  /** Heights and times of the forks up to it, without genesis', in the order of EIP-2124. */
  readonly passed: readonly number[];
  readonly blobSchedule: {
    readonly target: number;
    readonly max: number;
    readonly baseFeeUpdateFraction: number;
  };
  /** Addresses by the names of the EIP. */
  readonly systemContracts: Readonly<Record<string, string>>;
}

/** At a block: the fork that holds, the one planned next, and the last one planned. */
export interface PlannedForks {
  readonly current: ForkConfiguration;
  readonly next?: ForkConfiguration;
  readonly last?: ForkConfiguration;
}

/** What a chain decides about the fields of its blocks. */
export interface BlockRules {
  readonly chainId: number;
  /** Whether transactions of a block may have it; absent where they may have all of them from genesis on. */
  isActive?(feature: TransactionFeature, context: Pick<BlockContext, "number" | "timestamp">): boolean;
  /** Which fields the header of a block has; absent where all blocks have the network's. */
  headerForm?(context: Pick<BlockContext, "number" | "timestamp">): HeaderForm;
  forks(head: Pick<BlockHeader, "number" | "timestamp">): PlannedForks;
  /** Fields of the block after `parent` that was stored with this time and randomness. */
  contextAfter(parent: BlockHeader, stored: BlockHeader): BlockContext;
  nextBaseFee(parent: BlockHeader): bigint;
  nextExcessBlobGas(parent: BlockHeader, timestamp: number): bigint;
  blobBaseFee(excessBlobGas: bigint, timestamp: number): bigint;
  /** Blob gas of a block as a share of the most that it may hold. */
  blobGasRatio(header: BlockHeader): number;
  /** What each reserve receives of the base fee of a block. */
  baseFeeCredits(header: Pick<BlockHeader, "gasUsed" | "baseFeePerGas">): readonly {
    readonly address: Address;
    readonly amount: bigint;
  }[];
}
