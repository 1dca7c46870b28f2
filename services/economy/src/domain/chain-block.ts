/** One log of a receipt, as the node gives it. */
export interface ChainLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly logIndex: number;
}

export interface ChainReceipt {
  readonly transactionHash: string;
  readonly succeeded: boolean;
  readonly gasUsed: bigint;
  readonly logs: readonly ChainLog[];
}

/** A block with everything that happened in it. */
export interface ChainBlock {
  readonly number: bigint;
  readonly hash: string;
  readonly parentHash: string;
  readonly timestampSeconds: bigint;
  readonly receipts: readonly ChainReceipt[];
}

export interface BlockPosition {
  readonly number: bigint;
  readonly hash: string;
}

export type EventArgument = string | boolean | readonly EventArgument[];

/** An event of a protocol contract. Integers are decimal strings, bytes and addresses lower-case hex. */
export interface ContractEvent {
  readonly blockHash: string;
  readonly blockNumber: bigint;
  readonly timestampSeconds: bigint;
  readonly transactionHash: string;
  readonly gasUsed: bigint;
  readonly logIndex: number;
  /** Name in the registry, for example "JobEscrow". */
  readonly contract: string;
  readonly name: string;
  readonly args: Readonly<Record<string, EventArgument>>;
  /** What the event is about: "job:0x…", "model:1", "licence:1", "provider:0x…", "batch:1" or "". */
  readonly subject: string;
}
