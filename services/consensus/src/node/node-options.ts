import type { Clock } from "@aios/kernel/clock";
import type { RpcThreadObserver } from "../adapters/rpc-thread/rpc-thread.js";
import type { ProducerObserver } from "../application/single-producer.js";
import type { Genesis } from "../domain/genesis.js";
import type { ReportedOffence } from "../domain/honor-ports.js";
import type { HonorOptions } from "./honor-options.js";
import type { NodeSettings } from "./node-settings.js";

export interface NodeOptions {
  readonly genesis: Genesis;
  readonly dataDir: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly host?: string;
  readonly clock?: Clock;
  readonly settings?: Partial<NodeSettings>;
  readonly producerObserver?: ProducerObserver;
  readonly rpcObserver?: RpcThreadObserver;
  readonly onListenerError?: (error: unknown) => void;
  /** Aborts some time before `stop`: callers over HTTP are told to connect elsewhere. */
  readonly leaving?: AbortSignal;
  /** The node of an honor chain; absent: it makes every checkpoint by itself. */
  readonly honor?: HonorOptions;
  readonly onOffence?: (offence: ReportedOffence) => void;
  /** What an honor node refused of its peers since the last time, by reason. */
  readonly onRefused?: (counts: ReadonlyMap<string, number>) => void;
  /** What was refused of the snapshots of peers, by reason, when this node began with one. */
  readonly onSnapshotsRefused?: (refused: ReadonlyMap<string, number>) => void;
  /** False: the thread that runs calls starts with the first one, and costs a node that votes and serves nobody nothing. */
  readonly expectsCalls?: boolean;
}

/** What every part of a node is opened with. */
export interface NodeContext {
  /** Without its accounts: nothing that lives as long as the node may hold on to them. */
  readonly genesis: Genesis;
  readonly options: Omit<NodeOptions, "genesis">;
  readonly settings: NodeSettings;
  readonly clock: Clock;
  /** Closes what was opened, the last first: when the node stops, and when a later part cannot be opened. */
  readonly resources: AsyncDisposableStack;
}
