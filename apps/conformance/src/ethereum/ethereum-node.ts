import { RpcDispatcher } from "@aios/consensus/adapters/json-rpc/dispatcher";
import { rpcMethods } from "@aios/consensus/adapters/json-rpc/methods";
import { ParentHashBeacon } from "@aios/consensus/adapters/plain/parent-hash-beacon";
import { Admission } from "@aios/consensus/application/admission";
import { CallContract } from "@aios/consensus/application/call-contract";
import { ChainEvents } from "@aios/consensus/application/chain-events";
import { ChainView } from "@aios/consensus/application/chain-view";
import { FeeOracle } from "@aios/consensus/application/fee-oracle";
import { FilterRegistry } from "@aios/consensus/application/filter-registry";
import { Mempool } from "@aios/consensus/application/mempool";
import { MempoolView } from "@aios/consensus/application/mempool-view";
import { PendingBlock } from "@aios/consensus/application/pending-block";
import { QueryLogs } from "@aios/consensus/application/query-logs";
import { SessionEngine } from "@aios/consensus/application/session-engine";
import { WhyPending } from "@aios/consensus/application/why-pending";
import { ArrivalOrder } from "@aios/consensus/domain/arrival-order";
import type { BlockHeader } from "@aios/consensus/domain/block";
import type { BlockTag } from "@aios/consensus/domain/block-tag";
import type { Genesis } from "@aios/consensus/domain/genesis";
import type { TransactionCodec } from "@aios/consensus/domain/ports";
import type { SignedTransaction } from "@aios/consensus/domain/transaction";
import { refusable } from "@aios/consensus/domain/transaction-codec";
import { defaultNodeSettings } from "@aios/consensus/node/node-settings";
import { decodeBlobWrapper } from "@aios/core-transactions/blob-wrapper";
import { checkTransaction } from "@aios/core-transactions/check-transaction";
import { decodeTransaction } from "@aios/core-transactions/decode-transaction";
import type { TransactionFork } from "@aios/core-transactions/fork-rules";
import { minimumGas } from "@aios/core-transactions/intrinsic-gas";
import type { Clock } from "@aios/kernel/clock";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { systemClock } from "@aios/service-kit/system-clock";
import { readChain, signedTransaction } from "./chain-file.js";
import { ChainFileError, type ForkChoice, readBytes, readForkChoice, readJson } from "./chain-folder.js";
import { type ChainConfig, EthereumRules } from "./ethereum-rules.js";
import { EthereumSessions } from "./ethereum-sessions.js";
import { parseGenesis } from "./geth-genesis.js";
import { importBlock } from "./import-chain.js";
import { importGenesis } from "./import-genesis.js";
import { MemoryBlockStore } from "./memory-block-store.js";
import { MemoryStateStore } from "./memory-state-store.js";
import { EmptyPendingBlock } from "./pending-block.js";

const BLOB_TYPE = 3;
const MAX_TRANSACTION_BYTES = 4 * 1024 * 1024;
/** Geth's default, which the expected answers were made with. */
const RPC_GAS_CAP = 50_000_000n;

/** Decodes for one fork; blob transactions come with their blobs, which are not kept. */
export function ethereumCodec(chainId: number, fork: TransactionFork = "osaka"): TransactionCodec {
  const rules = { fork, chainId: BigInt(chainId) };
  const decode = (raw: Uint8Array): SignedTransaction => {
    const transaction = raw[0] === BLOB_TYPE ? decodeBlobWrapper(raw).transaction : decodeTransaction(raw);
    checkTransaction(transaction, rules);
    return { ...signedTransaction(transaction), minimumGas: minimumGas(transaction, rules) };
  };
  return {
    decode,
    admit: async (raw) => decode(raw),
    admitAll: async (raws) => raws.map((raw) => refusable(() => decode(raw))),
  };
}

function genesisOf(config: ChainConfig, head: BlockHeader): Genesis {
  return {
    chainId: config.chainId,
    hardfork: "osaka",
    timestamp: 0,
    gasLimit: head.gasLimit,
    baseFeePerGas: head.baseFeePerGas,
    minimumBaseFeePerGas: 0n,
    feeRecipient: head.feeRecipient,
    baseFeeShares: [],
    alloc: new Map(),
  };
}

/** Heights of the tags, as the consensus layer's last message sets them. */
function tagHeights(
  { head, safe, finalized }: ForkChoice,
  blocks: MemoryBlockStore,
): Record<BlockTag, number | undefined> {
  const heightOf = (hash: Bytes32): number => {
    const height = blocks.heightOf(hash);
    if (height === undefined)
      throw new ChainFileError("headfcu.json", `names a block that the chain lacks: ${hash}`);
    return height;
  };
  const latest = heightOf(head);
  return {
    earliest: 0,
    latest,
    pending: latest,
    safe: safe === undefined ? undefined : heightOf(safe),
    finalized: finalized === undefined ? undefined : heightOf(finalized),
  };
}

/** The fork whose transactions the block after the head takes. */
function transactionFork(rules: EthereumRules, head: BlockHeader): TransactionFork {
  const hardfork = rules.executionRules(rules.contextOf(head))?.hardfork;
  if (hardfork === undefined) return "istanbul";
  return hardfork === "paris" ? "london" : hardfork;
}

/**
 * The product's dispatcher and methods over a chain of Ethereum, imported block by block from a folder of
 * execution-apis; every root of every block is checked.
 */
export async function openEthereumNode(folder: string): Promise<RpcDispatcher> {
  const genesisJson = await readJson(folder, "genesis.json");
  const parsed = parseGenesis(genesisJson);
  const choice = await readForkChoice(folder);
  const rules = new EthereumRules(parsed.config, parsed.timestamp);
  const states = new MemoryStateStore();
  const blocks = new MemoryBlockStore();
  const sessions = await EthereumSessions.create(genesisJson, rules, states, blocks);
  const engine = new SessionEngine(new EmptyPendingBlock(rules, sessions, states), rules, sessions, states);
  let head = await importGenesis(parsed, rules, states, blocks);
  for (const block of readChain(await readBytes(folder, "chain.rlp"))) {
    // Some tools write genesis too. What comes after the head is no part of the chain.
    if (block.header.number === 0 || blocks.heightOf(choice.head) !== undefined) continue;
    await importBlock(block, rules, sessions, states, blocks);
    head = block.header;
  }
  const heights = tagHeights(choice, blocks);
  const genesis = genesisOf(parsed.config, head);
  // Time stands at the head, so that a call sees what the expected answers saw.
  const clock: Clock = {
    now: () => (head.timestamp * 1_000) as TimestampMs,
    wait: (ms, signal) => systemClock.wait(ms, signal),
  };
  const settings = { ...defaultNodeSettings, maxTransactionBytes: MAX_TRANSACTION_BYTES };
  const events = new ChainEvents((error) => {
    throw error;
  });
  const codec = ethereumCodec(genesis.chainId, transactionFork(rules, head));
  const mempool = new Mempool(
    genesis,
    codec,
    blocks,
    states,
    { add: async () => undefined, remove: async () => undefined, entries: () => [] },
    events,
    clock,
    settings,
  );
  const pending = new PendingBlock(
    genesis,
    engine,
    blocks,
    mempool,
    new ArrivalOrder(),
    new ParentHashBeacon(),
    clock,
    settings.maxPendingTransactions,
  );
  const chain = new ChainView(genesis, blocks, pending, clock, rules, (tag) => heights[tag]);
  const logs = new QueryLogs(chain, blocks, { maxBlocks: settings.maxLogBlocks, maxLogs: settings.maxLogs });
  const methods = rpcMethods({
    chain,
    blocks,
    states,
    pool: new MempoolView(mempool, chain, states),
    admission: new Admission(codec, settings.maxTransactionBytes, (all) => mempool.admitAll(all)),
    engine,
    logs,
    calls: new CallContract(chain, engine, states, settings.callGasCap),
    fees: new FeeOracle(chain, blocks, settings.defaultTipPerGas, settings.minTipPerGas),
    filters: new FilterRegistry(chain, logs, events, clock, {
      maxFilters: settings.maxFilters,
      idleMs: settings.filterIdleMs,
      maxQueuedHashes: settings.maxLogs,
      maxBlocksPerPoll: settings.maxLogBlocks,
    }),
    whyPending: new WhyPending(chain, blocks, mempool),
    simulationGasCap: RPC_GAS_CAP,
    clientVersion: "aios-conformance",
  });
  const rethrow = (_method: string, error: unknown): void => {
    internalErrors.push(error);
  };
  return new RpcDispatcher(methods, settings, { called: () => undefined, internalError: rethrow }, () =>
    clock.now(),
  );
}

/** What went wrong inside, which callers of a node never see. */
export const internalErrors: unknown[] = [];
