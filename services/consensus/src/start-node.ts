import { systemClock } from "@aios/service-kit/system-clock";
import { LmdbMempoolJournal } from "./adapters/lmdb/lmdb-mempool-journal.js";
import { settleIncoming } from "./adapters/lmdb/snapshot/incoming.js";
import { ParentHashBeacon } from "./adapters/plain/parent-hash-beacon.js";
import { ChainEvents } from "./application/chain-events.js";
import { ConsensusStatus } from "./application/consensus-status.js";
import { Mempool } from "./application/mempool.js";
import { beginFromPeers, beginsWithSnapshot } from "./begin-with-snapshot.js";
import { ArrivalOrder } from "./domain/arrival-order.js";
import { type Genesis, withoutAllocation } from "./domain/genesis.js";
import type { HonorView } from "./domain/honor-view.js";
import type { CheckpointProducer } from "./domain/ports.js";
import { openExecution } from "./node/node-execution.js";
import type { NodeContext, NodeOptions } from "./node/node-options.js";
import { type ChainParts, startProtocol } from "./node/node-protocol.js";
import { serveRpc } from "./node/node-rpc.js";
import { settingsOn } from "./node/node-settings.js";
import { openStorage } from "./node/node-storage.js";

/** A running node. */
export interface ConsensusNode {
  readonly url: string;
  readonly webSocketUrl: string;
  readonly port: number;
  readonly status: ConsensusStatus;
  readonly producer: CheckpointProducer;
  /** Present where this node takes part in an honor chain. */
  readonly honor?: { readonly view: HonorView; readonly peerPort: number };
  readonly mempool: Mempool;
  stop(): Promise<void>;
}

/**
 * Opens the data directory, restores what waited, and serves JSON-RPC. Where it fails, nothing of it is left running.
 * Throws `genesis-mismatch`, `corrupt-store`.
 */
export async function startNode({ genesis: whole, ...options }: NodeOptions): Promise<ConsensusNode> {
  await using starting = new AsyncDisposableStack();
  const genesis = withoutAllocation(whole);
  const context: NodeContext = {
    genesis,
    options,
    settings: settingsOn(genesis, options.honor !== undefined, options.settings),
    clock: options.clock ?? systemClock,
    resources: starting,
  };
  await beginChain(whole, options);
  const parts = await openChain(context, whole);
  const protocol = await startProtocol(context, parts);
  const { chain, host, port } = await serveRpc(context, parts, protocol);
  const running = starting.move();
  let stopped: Promise<void> | undefined;
  return {
    ...(protocol.honor === undefined ? {} : { honor: protocol.honor }),
    url: `http://${host}:${port}`,
    webSocketUrl: `ws://${host}:${port}`,
    port,
    status: new ConsensusStatus(chain, parts.storage.blocks, parts.mempool, parts.events),
    producer: protocol.producer,
    mempool: parts.mempool,
    stop() {
      stopped ??= running.disposeAsync();
      return stopped;
    },
  };
}

/** Ends what an import left half done; a node without a chain begins with its peers' where it is to. */
async function beginChain(genesis: Genesis, options: NodeContext["options"]): Promise<void> {
  const { dataDir, honor } = options;
  await settleIncoming(dataDir);
  if (honor === undefined || !(await beginsWithSnapshot(dataDir, honor))) return;
  await beginFromPeers({ dataDir, genesis, honor, onRefused: options.onSnapshotsRefused });
}

async function openChain(context: NodeContext, whole: Genesis): Promise<ChainParts> {
  const { genesis, options, settings, clock } = context;
  const storage = openStorage(context);
  const execution = await openExecution(context, whole, storage);
  const events = new ChainEvents(options.onListenerError ?? (() => undefined));
  const mempool = new Mempool(
    genesis,
    storage.codec,
    storage.blocks,
    storage.states,
    new LmdbMempoolJournal(storage.database),
    events,
    clock,
    settings,
  );
  await mempool.restore();
  // What comes from now on is recovered where it comes in.
  await storage.recovery.rest();
  const [ordering, beacon] = [new ArrivalOrder(), new ParentHashBeacon()];
  return { storage, execution, events, mempool, ordering, beacon };
}
