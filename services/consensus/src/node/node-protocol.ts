import { CodedError } from "@aios/kernel/coded-error";
import { HonorThread } from "../adapters/honor-thread/honor-thread.js";
import { LmdbEvidenceStore } from "../adapters/lmdb/lmdb-evidence-store.js";
import { SnapshotDirectory } from "../adapters/lmdb/snapshot/snapshot-directory.js";
import { SnapshotMaker } from "../adapters/lmdb/snapshot/snapshot-maker.js";
import { OpenTransactions } from "../adapters/plain/open-transactions.js";
import { OperatorAccount } from "../adapters/secp256k1/operator-account.js";
import type { ChainEvents } from "../application/chain-events.js";
import { EvidenceReporter } from "../application/honor/evidence-reporter.js";
import { HonorProducer } from "../application/honor/honor-producer.js";
import { signedOf } from "../application/honor/ordered-transaction.js";
import { StakingCandidates } from "../application/honor/staking-candidates.js";
import type { Mempool } from "../application/mempool.js";
import { SingleProducer } from "../application/single-producer.js";
import type { ArrivalOrder } from "../domain/arrival-order.js";
import { finalizedHeight } from "../domain/block-tag.js";
import { honorChainSettings, stakingStart } from "../domain/honor-chain.js";
import type { HonorHost, ReportedOffence } from "../domain/honor-ports.js";
import type { Beacon, CheckpointProducer, ExecutedBlock } from "../domain/ports.js";
import { readState } from "../domain/with-state.js";
import { defaultHonorSettings, type HonorOptions } from "./honor-options.js";
import type { HonorWorkerData } from "./honor-worker.js";
import type { NodeExecution } from "./node-execution.js";
import type { NodeContext } from "./node-options.js";
import type { NodeStorage } from "./node-storage.js";

/** What checkpoints are made of and go to. */
export interface ChainParts {
  readonly storage: NodeStorage;
  readonly execution: NodeExecution;
  readonly events: ChainEvents;
  readonly mempool: Mempool;
  readonly ordering: ArrivalOrder;
  readonly beacon: Beacon;
}

export interface NodeProtocol {
  readonly producer: CheckpointProducer;
  /** Present, like `evidence`, where the node takes part in an honor chain. */
  readonly honor: { readonly view: HonorThread; readonly peerPort: number } | undefined;
  readonly evidence: EvidenceReporter | undefined;
  finalizedAt(latestHeight: number): number;
}

/** Starts what makes checkpoints: this node alone, or the honor set that it takes part in. */
export async function startProtocol(context: NodeContext, parts: ChainParts): Promise<NodeProtocol> {
  const { honor: options } = context.options;
  if (options === undefined) {
    const producer = singleProducer(context, parts);
    await start(context, parts, producer);
    return { producer, honor: undefined, evidence: undefined, finalizedAt: finalizedHeight };
  }
  const evidence = evidenceReporter(context, parts, options);
  const producer = honorProducer(context, parts, options, evidence);
  await start(context, parts, producer);
  const { protocol: view, peerPort } = producer;
  if (options.makesSnapshots === true) makeSnapshots(context, parts, view);
  return {
    producer,
    honor: { view, peerPort },
    evidence,
    finalizedAt: (latestHeight) => producer.finalizedAt(latestHeight),
  };
}

async function start(
  { resources }: NodeContext,
  { mempool }: ChainParts,
  producer: CheckpointProducer,
): Promise<void> {
  resources.defer(() => producer.stop());
  mempool.whenAdmitted(() => producer.wake());
  await producer.start();
}

function singleProducer(
  { genesis, options, settings, clock }: NodeContext,
  { storage, execution, events, mempool, ordering, beacon }: ChainParts,
): SingleProducer {
  return new SingleProducer(
    genesis,
    execution.engine,
    storage.blocks,
    mempool,
    ordering,
    beacon,
    events,
    clock,
    settings,
    producerObserver(options),
  );
}

function producerObserver({ producerObserver: told }: NodeContext["options"]) {
  return {
    produced: (block: ExecutedBlock, durationMs: number): void => told?.produced(block, durationMs),
    failed: (error: unknown, attempt: number): void => told?.failed(error, attempt),
  };
}

function evidenceReporter(
  { genesis, options, resources }: NodeContext,
  { storage, events, mempool }: ChainParts,
  { operatorSecret }: HonorOptions,
): EvidenceReporter {
  const evidence = new EvidenceReporter({
    chainId: genesis.chainId,
    minimumBaseFeePerGas: genesis.minimumBaseFeePerGas,
    contract: genesis.honor?.stakingContract,
    signer: operatorSecret === undefined ? undefined : new OperatorAccount(operatorSecret),
    store: new LmdbEvidenceStore(storage.database),
    states: storage.states,
    blocks: storage.blocks,
    mempool,
    onError: options.onListenerError ?? (() => undefined),
  });
  resources.defer(() => evidence.idle());
  events.on("head", ({ header }) => evidence.onHead(header));
  return evidence;
}

function honorProducer(
  context: NodeContext,
  parts: ChainParts,
  honor: HonorOptions,
  evidence: EvidenceReporter,
): HonorProducer<HonorThread> {
  const { genesis, options, clock } = context;
  const { storage, execution, events, mempool, beacon } = parts;
  return new HonorProducer({
    genesis,
    engine: execution.engine,
    blocks: storage.blocks,
    states: storage.states,
    mempool,
    events,
    clock,
    observer: {
      ...producerObserver(options),
      offence(offence: ReportedOffence) {
        options.onOffence?.(offence);
        evidence.found(offence);
      },
      refused: (counts) => options.onRefused?.(counts),
    },
    signedOf: (transaction) => signedOf(storage.codec, transaction),
    opener: new OpenTransactions(storage.codec, (hash) => mempool.pool.get(hash)?.transaction),
    beacon,
    candidates: new StakingCandidates(storage.states, genesis.honor?.stakingContract),
    open: openProtocol(context, parts, honor),
  });
}

/** The thread that runs the protocol. Throws `not-an-honor-chain` where genesis names no honor set. */
function openProtocol(
  { genesis, options, settings: { maxTransactionBytes } }: NodeContext,
  { storage: { blocks, states }, execution: { genesisHeader } }: ChainParts,
  honor: HonorOptions,
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
    dataDir: options.dataDir,
    executedHeight: head.number,
    maxTransactionBytes,
    honor: rest,
    settings: { ...defaultHonorSettings, ...settings },
  };
  return (host) => new HonorThread(new URL("./honor-worker.js", import.meta.url), data, host);
}

function makeSnapshots(
  { genesis, options, resources }: NodeContext,
  { storage, events }: ChainParts,
  view: HonorThread,
): void {
  if (genesis.honor === undefined) return;
  const snapshots = new SnapshotMaker({
    database: storage.database,
    states: storage.states,
    blocks: storage.blocks,
    directory: new SnapshotDirectory(options.dataDir),
    events,
    chainAt: (height) => view.snapshot(height),
    intervalBlocks: genesis.honor.snapshotInterval,
    onFailure: (error) => options.onListenerError?.(error),
  });
  resources.defer(() => snapshots.stop());
}
