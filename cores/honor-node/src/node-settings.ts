import type { ChainTimeParameters } from "@aios/core-committee/chain-time";
import type { ElectionRules, HonorElection } from "@aios/core-committee/election";
import type { HonorSet } from "@aios/core-committee/honor-set";
import type { RoundTimeouts } from "@aios/core-finality/finality-height";
import type { SignatureScheme } from "@aios/core-finality/signature-scheme";
import type { GhostdagParameters } from "@aios/core-ghostdag/ghostdag-parameters";
import type { ChainHistory } from "./chain-history.js";
import type { OrderedTransaction } from "./dag-block.js";
import type { ExecutionResult } from "./node-protocol.js";
import type { OrderingPolicy } from "./ordering-policy.js";

/** Part of genesis: the same on every node. */
export interface ChainSettings {
  readonly chainId: string;
  readonly time: ChainTimeParameters;
  readonly ghostdag: GhostdagParameters;
  readonly genesisSet: HonorSet;
  readonly genesis: ExecutionResult;
  readonly electionRules: ElectionRules;
  /** Bytes of transactions in a block; a larger one is not in the DAG. */
  readonly maxBlockBytes: number;
  /** Gas that the transactions of a block may use together, as that of a checkpoint: the rest would be ordered twice. */
  readonly maxBlockGas: number;
  /** A checkpoint orders at most so many blocks. */
  readonly maxBlocksPerCheckpoint: number;
  /** Certified heights back to which a leader's failures cost it turns. */
  readonly reputationWindow: number;
  /** The most that any node of the chain may take as `clockToleranceMs`. */
  readonly maxClockToleranceMs: number;
  /** After heights that this divides the next checkpoint attests the DAG's colouring too, so that nodes may begin there. */
  readonly snapshotInterval: number;
}

/** The secrets that a node votes with: it has a seat where one of them is a member's. */
export interface SeatKeys {
  /** Whether the secret of a public key (96 hex digits) is here. */
  has(publicKey: string): boolean;
  /** Signs with the secret of a public key that is here; hex. */
  sign(publicKey: string, bytes: Uint8Array): string;
}

/** What was read of late of what peers sent, and what is being read. */
export interface ReadPackets {
  /** A transaction whose id begins so (`shortIdOf`), whether it waits in the protocol's pool or not. */
  find(shortId: string): OrderedTransaction | undefined;
  /** Whether a block came and is handed on once its transactions are read. Nobody vouches for what the packet says. */
  isUnderway(block: string): boolean;
}

/** Of one node. */
export interface NodeSettings {
  readonly chain: ChainSettings;
  readonly keys: SeatKeys;
  readonly scheme: SignatureScheme;
  readonly election: HonorElection;
  /** The same on every node of the chain. */
  readonly ordering: OrderingPolicy;
  readonly timeouts: RoundTimeouts;
  /** A leader proposes no earlier than this after the checkpoint before. */
  readonly checkpointIntervalMs: number;
  /**
   * A leader without anything new waits so much longer before it proposes an empty checkpoint, but proposes before half of
   * `timeouts.proposeMs` is over: the others give its round up after that time.
   */
  readonly emptyAfterMs: number;
  readonly gossipMs: number;
  /** Blocks of a tick that begins later than this are not taken in yet; at most the chain's `maxClockToleranceMs`. */
  readonly clockToleranceMs: number;
  readonly maxTransactionsPerBlock: number;
  readonly poolCapacity: number;
  /** Blocks that may wait for a parent, and their memory. */
  readonly maxWaitingBlocks: number;
  readonly maxWaitingBytes: number;
  readonly maxRoundsAhead: number;
  /** Memory of ordered blocks' transactions, about; older ones are read from `history`. */
  readonly maxHeldBytes: number;
  /** The past of the last height but so many is pruned: until then a snapshot can be made of a height. */
  readonly unprunedHeights: number;
  /** What this node wrote down, as `persist` told it to. */
  readonly history: ChainHistory;
  /** With it a block is put together by the names of its transactions; the pool alone, where it is absent. */
  readonly read?: ReadPackets;
}
