import type { HonorSet } from "@aios/core-committee/honor-set";
import type { Decision } from "@aios/core-honor-node/node-protocol";
import type { NamedBlock, ReportedOffence } from "./honor-ports.js";

/** Where an honor node stands. */
export interface HonorStatus {
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
  /** Packets dropped, by reason. */
  readonly droppedPackets: ReadonlyMap<string, number>;
  readonly traffic: {
    readonly received: number;
    readonly sent: number;
    readonly dropped: number;
    readonly refused: number;
  };
}

/** What users may ask of the protocol that this node takes part in. */
export interface HonorView {
  status(): Promise<HonorStatus>;
  /** Blocks that this node holds, of the ticks from `fromTick` to `toTick`, inclusive. */
  dag(fromTick: number, toTick: number): Promise<readonly NamedBlock[]>;
  decision(height: number): Promise<Decision | undefined>;
  honorSet(): Promise<HonorSet>;
  offences(): Promise<readonly ReportedOffence[]>;
  /** Where a transaction waits on its way into the order. `transaction`: its hash without 0x. */
  place(transaction: string): Promise<{ readonly inBlockOfTick: number | undefined } | undefined>;
}
