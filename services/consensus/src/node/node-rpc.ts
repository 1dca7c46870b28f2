import { RpcDispatcher } from "../adapters/json-rpc/dispatcher.js";
import { rpcMethods } from "../adapters/json-rpc/methods.js";
import { RpcServer } from "../adapters/json-rpc/server.js";
import { CallContract } from "../application/call-contract.js";
import { ChainView } from "../application/chain-view.js";
import { FeeOracle } from "../application/fee-oracle.js";
import { FilterRegistry } from "../application/filter-registry.js";
import { PendingBlock } from "../application/pending-block.js";
import { QueryLogs } from "../application/query-logs.js";
import { WhyPending } from "../application/why-pending.js";
import { heightOfTag } from "../domain/block-tag.js";
import { networkRules } from "../domain/network-rules.js";
import type { NodeContext } from "./node-options.js";
import type { ChainParts, NodeProtocol } from "./node-protocol.js";

export const CLIENT_VERSION = "aios-consensus/0.1.0";

export interface NodeRpc {
  readonly chain: ChainView;
  readonly dispatcher: RpcDispatcher;
  readonly host: string;
  readonly port: number;
}

/** Serves JSON-RPC. Throws what keeps it from listening: `EADDRINUSE` where the port is taken. */
export async function serveRpc(
  context: NodeContext,
  parts: ChainParts,
  protocol: NodeProtocol,
): Promise<NodeRpc> {
  const { options, resources } = context;
  const chain = chainView(context, parts, protocol);
  const dispatcher = rpcDispatcher(context, parts, protocol, chain);
  const server = new RpcServer(dispatcher, parts.events, options.leaving ?? new AbortController().signal);
  resources.defer(() => server.close());
  const host = options.host ?? "127.0.0.1";
  const { port } = await server.listen(host, options.port);
  return { chain, dispatcher, host, port };
}

function chainView(
  { genesis, settings, clock }: NodeContext,
  { storage: { blocks }, execution: { engine }, mempool, ordering, beacon }: ChainParts,
  protocol: NodeProtocol,
): ChainView {
  const pending = new PendingBlock(
    genesis,
    engine,
    blocks,
    mempool,
    ordering,
    beacon,
    clock,
    settings.maxPendingTransactions,
  );
  return new ChainView(genesis, blocks, pending, clock, networkRules(genesis), heightOfTag, (latest) =>
    protocol.finalizedAt(latest),
  );
}

function rpcDispatcher(
  { genesis, options, settings, clock }: NodeContext,
  { storage: { blocks, states }, execution: { engine }, events, mempool }: ChainParts,
  { honor, evidence }: NodeProtocol,
  chain: ChainView,
): RpcDispatcher {
  const logs = new QueryLogs(chain, blocks, { maxBlocks: settings.maxLogBlocks, maxLogs: settings.maxLogs });
  const filters = new FilterRegistry(chain, logs, events, clock, {
    maxFilters: settings.maxFilters,
    idleMs: settings.filterIdleMs,
    maxQueuedHashes: settings.maxLogs,
    maxBlocksPerPoll: settings.maxLogBlocks,
  });
  const methods = rpcMethods({
    chain,
    blocks,
    states,
    mempool,
    engine,
    calls: new CallContract(chain, engine, states, settings.callGasCap),
    fees: new FeeOracle(chain, blocks, settings.defaultTipPerGas, settings.minTipPerGas),
    logs,
    filters,
    whyPending: new WhyPending(chain, blocks, mempool, honor?.view),
    honor: honor?.view,
    evidence,
    stakingContract: genesis.honor?.stakingContract,
    simulationGasCap: settings.simulationGasCap,
    clientVersion: CLIENT_VERSION,
  });
  const observer = options.rpcObserver ?? { called: () => undefined, internalError: () => undefined };
  return new RpcDispatcher(methods, settings, observer, () => clock.now());
}
