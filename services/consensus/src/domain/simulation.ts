import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { Block, Withdrawal } from "./block.js";
import type { CallRequest } from "./call-request.js";
import type { StateOverrides } from "./state-override.js";
import type { SignedTransaction, TransactionType } from "./transaction.js";

/** A call of a simulated block; what is absent has the default of `eth_simulateV1`. */
export interface SimulatedCall extends Omit<CallRequest, "gasLimit"> {
  readonly type: TransactionType;
  readonly nonce: bigint | undefined;
  readonly gasLimit: bigint | undefined;
}

/** Fields that a simulated block has instead of those that would follow. */
export interface BlockOverrides {
  readonly number: number | undefined;
  /** Seconds. */
  readonly timestamp: number | undefined;
  readonly gasLimit: bigint | undefined;
  readonly feeRecipient: Address | undefined;
  readonly prevRandao: Bytes32 | undefined;
  readonly baseFeePerGas: bigint | undefined;
  readonly blobBaseFeePerGas: bigint | undefined;
  readonly parentBeaconBlockRoot: Bytes32 | undefined;
  readonly withdrawals: readonly Withdrawal[];
}

export interface SimulatedBlockRequest {
  readonly overrides: BlockOverrides;
  readonly stateOverrides: StateOverrides;
  readonly calls: readonly SimulatedCall[];
}

export interface SimulationRequest {
  readonly blocks: readonly SimulatedBlockRequest[];
  /** Nonces and fees are checked as in a real block. */
  readonly validation: boolean;
  /** Shows transfers of the native coin as logs of 0xeeee…ee. */
  readonly traceTransfers: boolean;
  /** Gas that all calls together may use. */
  readonly gasCap: bigint;
}

export interface SimulatedLog {
  readonly address: Address;
  readonly topics: readonly Bytes32[];
  readonly data: Uint8Array;
  readonly logIndex: number;
}

export interface SimulatedCallResult {
  readonly output: Uint8Array;
  readonly logs: readonly SimulatedLog[];
  readonly gasUsed: bigint;
  readonly maxGasUsed: bigint;
  readonly error: string | undefined;
}

export interface SimulatedBlock extends Block {
  /** Unsigned: the signature is zero. */
  readonly transactions: readonly SignedTransaction[];
  readonly calls: readonly SimulatedCallResult[];
}
