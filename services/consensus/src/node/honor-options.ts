import type { Peer } from "@aios/peer-network/peer-network";

/** What a node keeps on disk: what later blocks need, or everything since genesis. */
export const HISTORIES = ["pruned", "archive"] as const;

export const SYNCS = ["genesis", "snapshot"] as const;
/** Far less than deposits stay bound after a seat is given up (30 days). */
export const DEFAULT_TRUST_PERIOD_HOURS = 120;

/** Of a pruned node; contracts may ask for the hashes of 256 blocks. */
export const LEAST_KEPT_BLOCKS = 512;
export const DEFAULT_KEPT_BLOCKS = 10_000;

/** What makes a node one of an honor chain; the chain itself is in the genesis file. */
export interface HonorOptions {
  /** Secret of the seat, 32 bytes; a node without the secret of a member's key follows without a vote. */
  readonly blsSecretKey: Uint8Array | undefined;
  /** Where further secrets of the seat lie or come to lie, in files named after their public keys. */
  readonly seatKeyDirectory?: string;
  /** Secret of the operator's account, 32 bytes; absent: evidence is left to others to submit. */
  readonly operatorSecret?: Uint8Array | undefined;
  /** Ed25519 key in PKCS #8: the node's name among peers. */
  readonly nodeKeyPem: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly peers: readonly Peer[];
  /** Keeps every block and certificate since genesis on disk; else what no later block needs is removed. */
  readonly archive: boolean;
  /** How a node without a chain begins: with block 0, or with the latest snapshot that its peers have. */
  readonly sync: (typeof SYNCS)[number];
  /** A decided checkpoint that such a snapshot has to contain; absent: the chain is to be younger than the trust period. */
  readonly trustedCheckpoint?: { readonly height: number; readonly id: string };
  /** For so long the set of genesis, a trusted checkpoint and the own chain are believed when a snapshot is taken in. */
  readonly trustPeriodMs: number;
  /** Whether it makes snapshots for its peers, of the heights that the chain's interval divides. */
  readonly makesSnapshots: boolean;
  readonly settings?: Partial<HonorSettings>;
}

/** What the operator of an honor node may choose; nodes of one chain may differ in it. */
export interface HonorSettings {
  /** A leader proposes no earlier than this after the checkpoint before. */
  readonly checkpointIntervalMs: number;
  /** A leader with nothing new waits so much longer, but no longer than until half of `proposeMs` is over. */
  readonly emptyAfterMs: number;
  readonly gossipMs: number;
  readonly clockToleranceMs: number;
  readonly maxTransactionsPerBlock: number;
  /** Transactions that may wait for a block. */
  readonly poolCapacity: number;
  /** Blocks that may wait for a parent, and their memory. */
  readonly maxWaitingBlocks: number;
  readonly maxWaitingBytes: number;
  /** Timeouts of the first round, and what each further one adds. */
  readonly proposeMs: number;
  readonly prevoteMs: number;
  readonly precommitMs: number;
  readonly backOffMs: number;
  readonly maxFrameBytes: number;
  /** Of frames that wait for one peer. */
  readonly maxQueueBytes: number;
  readonly packetsPerSecond: number;
  /** Memory of ordered blocks' transactions, about; older ones are read from the log. */
  readonly maxHeldBytes: number;
}

/**
 * Whether a leader may propose before the others give its round up; where not, no leader ever gets a turn. What is not set is as
 * by default.
 */
export function leavesTimeToPropose(
  settings: Partial<Pick<HonorSettings, "checkpointIntervalMs" | "proposeMs">>,
): boolean {
  const { checkpointIntervalMs, proposeMs } = defaultHonorSettings;
  return (settings.checkpointIntervalMs ?? checkpointIntervalMs) < (settings.proposeMs ?? proposeMs);
}

export const defaultHonorSettings: HonorSettings = {
  checkpointIntervalMs: 250,
  emptyAfterMs: 700,
  gossipMs: 1_000,
  clockToleranceMs: 500,
  maxTransactionsPerBlock: 4_000,
  poolCapacity: 50_000,
  maxWaitingBlocks: 1_000,
  maxWaitingBytes: 67_108_864,
  proposeMs: 1_200,
  prevoteMs: 500,
  precommitMs: 500,
  backOffMs: 300,
  maxFrameBytes: 4_194_304,
  maxQueueBytes: 16_777_216,
  packetsPerSecond: 2_000,
  maxHeldBytes: 67_108_864,
};
