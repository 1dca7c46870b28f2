import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { systemClock } from "@aios/service-kit/system-clock";
import { HonorThread } from "./adapters/honor-thread/honor-thread.js";
import { RpcDispatcher, type RpcObserver } from "./adapters/json-rpc/dispatcher.js";
import { rpcMethods } from "./adapters/json-rpc/methods.js";
import { RpcServer } from "./adapters/json-rpc/server.js";
import { ChainDatabase } from "./adapters/lmdb/chain-database.js";
import { LmdbBlockStore } from "./adapters/lmdb/lmdb-block-store.js";
import { LmdbEvidenceStore } from "./adapters/lmdb/lmdb-evidence-store.js";
import { LmdbMempoolJournal } from "./adapters/lmdb/lmdb-mempool-journal.js";
import { LmdbStateStore } from "./adapters/lmdb/lmdb-state-store.js";
import { settleIncoming } from "./adapters/lmdb/snapshot/incoming.js";
import { SnapshotDirectory } from "./adapters/lmdb/snapshot/snapshot-directory.js";
import { SnapshotMaker } from "./adapters/lmdb/snapshot/snapshot-maker.js";
import { TrieSweep } from "./adapters/lmdb/trie-sweep.js";
import { OperatorAccount } from "./adapters/secp256k1/operator-account.js";
import { recoverPublicKey } from "./adapters/secp256k1/recover-public-key.js";
import { RecoveryPool } from "./adapters/secp256k1/recovery-pool.js";
import { WorkerEngine } from "./adapters/worker/worker-engine.js";
import { CallContract } from "./application/call-contract.js";
import { ChainEvents } from "./application/chain-events.js";
import { ChainView } from "./application/chain-view.js";
import { ConsensusStatus } from "./application/consensus-status.js";
import { FeeOracle } from "./application/fee-oracle.js";
import { FilterRegistry } from "./application/filter-registry.js";
import { EvidenceReporter } from "./application/honor/evidence-reporter.js";
import { HonorProducer } from "./application/honor/honor-producer.js";
import { signedOf } from "./application/honor/ordered-transaction.js";
import { StakingCandidates } from "./application/honor/staking-candidates.js";
import { Mempool } from "./application/mempool.js";
import { PendingBlock } from "./application/pending-block.js";
import { QueryLogs } from "./application/query-logs.js";
import { type ProducerObserver, SingleProducer } from "./application/single-producer.js";
import { WhyPending } from "./application/why-pending.js";
import { beginFromPeers, beginsWithSnapshot } from "./begin-with-snapshot.js";
import type { CallWorkerData } from "./call-worker.js";
import { ArrivalOrder } from "./domain/arrival-order.js";
import type { BlockHeader } from "./domain/block.js";
import { finalizedHeight, heightOfTag } from "./domain/block-tag.js";
import { corruptStore, genesisMismatch } from "./domain/errors.js";
import { type Genesis, withoutAllocation } from "./domain/genesis.js";
import { honorChainSettings, requireStakingGenesis, stakingStart } from "./domain/honor-chain.js";
import type { HonorHost, ReportedOffence } from "./domain/honor-ports.js";
import type { HonorView } from "./domain/honor-view.js";
import { networkRules } from "./domain/network-rules.js";
import type { BlockStore, CheckpointProducer, ExecutedBlock, StateStore } from "./domain/ports.js";
import { AdmissionCodec } from "./domain/transaction-codec.js";
import { readState } from "./domain/with-state.js";
import { genesisDigest } from "./genesis-digest.js";
import { defaultHonorSettings, type HonorOptions } from "./honor-options.js";
import type { HonorWorkerData } from "./honor-worker.js";
import { type NodeSettings, settingsOn } from "./node-settings.js";
import { type EngineParts, openEngine } from "./open-engine.js";

export interface NodeOptions {
  readonly genesis: Genesis;
  readonly dataDir: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly host?: string;
  readonly clock?: Clock;
  readonly settings?: Partial<NodeSettings>;
  readonly producerObserver?: ProducerObserver;
  readonly rpcObserver?: RpcObserver;
  readonly onListenerError?: (error: unknown) => void;
  /** Aborts some time before `stop`: callers over HTTP are told to connect elsewhere. */
  readonly leaving?: AbortSignal;
  /** The node of an honor chain; absent: it makes every checkpoint by itself. */
  readonly honor?: HonorOptions;
  readonly onOffence?: (offence: ReportedOffence) => void;
  /** What was refused of the snapshots of peers, by reason, when this node began with one. */
  readonly onSnapshotsRefused?: (refused: ReadonlyMap<string, number>) => void;
  /** False: the thread that runs calls starts with the first one, and costs a node that votes and serves nobody nothing. */
  readonly expectsCalls?: boolean;
}

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
  readonly dispatcher: RpcDispatcher;
  stop(): Promise<void>;
}

const RECOVERY_BATCH = 128;
const GENESIS_DIGEST = "genesis-digest";
export const CLIENT_VERSION = "aios-consensus/0.1.0";

/**
 * Stores block 0, or makes sure that it is the stored one: by the digest of an earlier start, else by making it. Nothing
 * that lives as long as the node may hold on to the accounts.
 */
async function openGenesis(
  database: ChainDatabase,
  genesis: Genesis,
  parts: Omit<EngineParts, "genesis"> & { readonly blocks: BlockStore },
): Promise<BlockHeader> {
  const { blocks, states, settings } = parts;
  const execute = async (): Promise<ExecutedBlock> => {
    requireStakingGenesis(genesis);
    return (await openEngine(settings.engine, { ...parts, genesis })).executeGenesis();
  };
  const digest = genesisDigest(genesis);
  const head = blocks.head();
  if (head === undefined) {
    const made = await execute();
    await blocks.append(made);
    await database.meta.put(GENESIS_DIGEST, digest);
    return made.header;
  }
  const stored = blocks.header(0);
  if (stored === undefined) throw corruptStore("genesis is missing");
  if (database.meta.get(GENESIS_DIGEST)?.equals(digest) !== true) {
    const { header } = await execute();
    if (stored.hash !== header.hash) throw genesisMismatch(stored.hash, header.hash);
    await database.meta.put(GENESIS_DIGEST, digest);
  }
  states.snapshot(head.stateRoot)[Symbol.dispose]();
  return stored;
}

/** The thread that runs the protocol. Throws `not-an-honor-chain` where genesis names no honor set. */
function openProtocol(
  { genesis, dataDir }: Pick<NodeOptions, "genesis" | "dataDir">,
  honor: HonorOptions,
  genesisHeader: BlockHeader,
  { blocks, states }: { readonly blocks: BlockStore; readonly states: StateStore },
  { maxTransactionBytes }: NodeSettings,
): (host: HonorHost) => HonorThread {
  if (genesis.honor === undefined)
    throw new CodedError({
      code: "not-an-honor-chain",
      kind: "invalid",
      field: "honor",
      message:
        "The genesis file names no honor set: run this chain with a single producer, or use another file.",
    });
  const { settings, operatorSecret: _, ...rest } = honor;
  const head = blocks.head() ?? genesisHeader;
  const { stakingContract: contract } = genesis.honor;
  const staking =
    contract === undefined
      ? undefined
      : readState(states, head.stateRoot, (view) => stakingStart(view, contract, head.number === 0));
  const data: HonorWorkerData = {
    genesis: { chainId: genesis.chainId, hardfork: genesis.hardfork },
    stakingContract: contract,
    chain: honorChainSettings(genesis.chainId, genesis.honor, genesisHeader, staking),
    dataDir,
    executedHeight: head.number,
    maxTransactionBytes,
    honor: rest,
    settings: { ...defaultHonorSettings, ...settings },
  };
  return (host) => new HonorThread(new URL("./honor-worker.js", import.meta.url), data, host);
}

/** Opens the data directory, restores what waited, and serves JSON-RPC. Throws `genesis-mismatch`, `corrupt-store`. */
export async function startNode({ genesis: whole, ...options }: NodeOptions): Promise<ConsensusNode> {
  const genesis = withoutAllocation(whole);
  const settings = settingsOn(genesis, options.honor !== undefined, options.settings);
  const clock = options.clock ?? systemClock;
  const recovery = new RecoveryPool(recoverPublicKey, {
    script: new URL("./recovery-worker.js", import.meta.url),
    workers: settings.recoveryWorkers,
    maxQueued: settings.maxQueuedRecoveries,
    batchSize: RECOVERY_BATCH,
  });
  const codec = new AdmissionCodec(genesis, recoverPublicKey, recovery);
  await settleIncoming(options.dataDir);
  if (options.honor !== undefined && (await beginsWithSnapshot(options.dataDir, options.honor)))
    await beginFromPeers({
      dataDir: options.dataDir,
      genesis: whole,
      honor: options.honor,
      onRefused: options.onSnapshotsRefused,
    });
  const database = new ChainDatabase(options.dataDir);
  try {
    const states = new LmdbStateStore(database);
    const sweep = new TrieSweep(database, clock);
    const blocks = new LmdbBlockStore(
      database,
      codec,
      Number.isFinite(settings.keptBlocks)
        ? {
            keptBlocks: settings.keptBlocks,
            sweep,
            onFailure: (error) => options.producerObserver?.failed(error, 1),
          }
        : undefined,
    );
    const parts = { states, blocks, recover: recoverPublicKey, settings, now: () => clock.now() };
    const local = await openEngine(settings.engine, { ...parts, genesis });
    const genesisHeader = await openGenesis(database, whole, parts);
    const engine = new WorkerEngine(local, {
      script: new URL("./call-worker.js", import.meta.url),
      workerData: { genesis, dataDir: options.dataDir, settings } satisfies CallWorkerData,
      maxQueuedCalls: settings.maxQueuedCalls,
      callTimeoutMs: settings.callTimeoutMs,
      maxHeapMiB: settings.callHeapMiB,
    });

    if (options.expectsCalls !== false) engine.warmUp();
    const events = new ChainEvents(options.onListenerError ?? (() => undefined));
    const ordering = new ArrivalOrder();
    const mempool = new Mempool(
      genesis,
      codec,
      blocks,
      states,
      new LmdbMempoolJournal(database),
      events,
      clock,
      settings,
    );
    await mempool.restore();
    const pending = new PendingBlock(
      genesis,
      engine,
      blocks,
      mempool,
      ordering,
      clock,
      settings.maxPendingTransactions,
    );
    const chain = new ChainView(
      genesis,
      blocks,
      pending,
      clock,
      networkRules(genesis),
      heightOfTag,
      (latest) => (honor === undefined ? finalizedHeight(latest) : honor.finalizedAt(latest)),
    );
    const logs = new QueryLogs(chain, blocks, {
      maxBlocks: settings.maxLogBlocks,
      maxLogs: settings.maxLogs,
    });
    const fees = new FeeOracle(chain, blocks, settings.defaultTipPerGas, settings.minTipPerGas);
    const filters = new FilterRegistry(chain, logs, events, clock, {
      maxFilters: settings.maxFilters,
      idleMs: settings.filterIdleMs,
      maxQueuedHashes: settings.maxLogs,
      maxBlocksPerPoll: settings.maxLogBlocks,
    });
    const calls = new CallContract(chain, engine, states, settings.callGasCap);
    const observer = {
      produced: (block: ExecutedBlock, durationMs: number) =>
        options.producerObserver?.produced(block, durationMs),
      failed: (error: unknown, attempt: number) => options.producerObserver?.failed(error, attempt),
      offence: (offence: ReportedOffence) => {
        options.onOffence?.(offence);
        evidence?.found(offence);
      },
    };
    const stakingContract = genesis.honor?.stakingContract;
    const operatorSecret = options.honor?.operatorSecret;
    const evidence =
      options.honor === undefined
        ? undefined
        : new EvidenceReporter({
            chainId: genesis.chainId,
            minimumBaseFeePerGas: genesis.minimumBaseFeePerGas,
            contract: stakingContract,
            signer: operatorSecret === undefined ? undefined : new OperatorAccount(operatorSecret),
            store: new LmdbEvidenceStore(database),
            states,
            blocks,
            mempool,
            onError: options.onListenerError ?? (() => undefined),
          });
    events.on("head", ({ header }) => evidence?.onHead(header));
    const honor =
      options.honor === undefined
        ? undefined
        : new HonorProducer({
            genesis,
            engine,
            blocks,
            states,
            mempool,
            events,
            clock,
            observer,
            signedOf: (transaction) => signedOf(codec, transaction),
            candidates: new StakingCandidates(states, stakingContract),
            open: openProtocol(
              { genesis, dataDir: options.dataDir },
              options.honor,
              genesisHeader,
              { blocks, states },
              settings,
            ),
          });
    const producer: CheckpointProducer =
      honor ??
      new SingleProducer(genesis, engine, blocks, mempool, ordering, events, clock, settings, observer);
    mempool.whenAdmitted(() => producer.wake());

    await producer.start();
    const view = honor?.protocol;
    const snapshots =
      view === undefined || genesis.honor === undefined || options.honor?.makesSnapshots !== true
        ? undefined
        : new SnapshotMaker({
            database,
            states,
            blocks,
            directory: new SnapshotDirectory(options.dataDir),
            events,
            chainAt: (height) => view.snapshot(height),
            intervalBlocks: genesis.honor.snapshotInterval,
            onFailure: (error) => options.onListenerError?.(error),
          });
    const dispatcher = new RpcDispatcher(
      rpcMethods({
        chain,
        blocks,
        states,
        mempool,
        engine,
        calls,
        fees,
        logs,
        filters,
        whyPending: new WhyPending(chain, blocks, mempool, view),
        honor: view,
        evidence,
        stakingContract,
        simulationGasCap: settings.simulationGasCap,
        clientVersion: CLIENT_VERSION,
      }),
      settings,
      options.rpcObserver ?? { called: () => undefined, internalError: () => undefined },
      () => clock.now(),
    );
    const server = new RpcServer(dispatcher, events, options.leaving ?? new AbortController().signal);
    const host = options.host ?? "127.0.0.1";
    const { port } = await server.listen(host, options.port);
    return {
      ...(honor === undefined ? {} : { honor: { view: honor.protocol, peerPort: honor.peerPort } }),
      url: `http://${host}:${port}`,
      webSocketUrl: `ws://${host}:${port}`,
      port,
      status: new ConsensusStatus(chain, blocks, mempool, events),
      producer,
      mempool,
      dispatcher,
      async stop() {
        await server.close();
        await snapshots?.stop();
        await producer.stop();
        await evidence?.idle();
        await engine.close();
        await recovery.close();
        await sweep.stop();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
