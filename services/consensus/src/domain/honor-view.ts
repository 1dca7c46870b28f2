import type { ChainTimeParameters } from "@aios/core-committee/chain-time";
import type { HonorSet } from "@aios/core-committee/honor-set";
import type { NodeSizes } from "@aios/core-honor-node/honor-node";
import type { Decision } from "@aios/core-honor-node/node-protocol";
import type { PoolPlace } from "@aios/core-honor-node/transaction-pool";
import type { BlockSummary, HonorLogSizes } from "./honor-ports.js";

/** Where an honor node stands. */
export interface HonorStatus {
  /** What everything that is signed names. */
  readonly chainId: string;
  readonly time: ChainTimeParameters;
  /** The height that is to be decided. */
  readonly height: number;
  /** Tick of the node's clock. */
  readonly tick: number;
  /** Own seat in the set; absent for a node that follows. */
  readonly seat: number | undefined;
  /** Node keys of the peers with a stream. */
  readonly peers: readonly string[];
  /** The node's own key among peers. */
  readonly nodeKey: string;
  readonly tips: readonly string[];
  /** From a transaction's block to its certificate, of the last ones; `count`: since the start. */
  readonly orderDelays: { readonly count: number; readonly p50Ms: number; readonly p95Ms: number };
  /** What was refused of peers since the start, by reason (`PACKET_FAULTS`). */
  readonly droppedPackets: ReadonlyMap<string, number>;
  /** Peers, by node key, that have points for it now. */
  readonly peerScores: ReadonlyMap<string, { readonly points: number; readonly isBanned: boolean }>;
  readonly traffic: {
    readonly received: number;
    readonly sent: number;
    readonly dropped: number;
    readonly refused: number;
    readonly incompatible: number;
  };
  /** In memory. */
  readonly held: NodeSizes;
  /** On disk. */
  readonly log: HonorLogSizes;
}

/** What users may ask of the protocol that this node takes part in. */
export interface HonorView {
  status(): Promise<HonorStatus>;
  /** Blocks that this node holds, of the ticks from `fromTick` to `toTick`, inclusive; undefined: too much for one answer. */
  dag(fromTick: number, toTick: number): Promise<readonly BlockSummary[] | undefined>;
  decision(height: number): Promise<Decision | undefined>;
  /** The set of a number, the present one unless given; undefined for one that is not known. */
  honorSet(number?: number): Promise<HonorSet | undefined>;
  /** Decisions that handed over to the sets from `fromSet` on, oldest first, at most `limit`. */
  handOvers(fromSet: number, limit: number): Promise<readonly Decision[]>;
  /** Where a transaction waits on its way into the order. `transaction`: its hash without 0x. */
  place(transaction: string): Promise<{ readonly place: PoolPlace | undefined } | undefined>;
}
