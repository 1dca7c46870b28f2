import type { CallContract } from "../../application/call-contract.js";
import type { ChainView } from "../../application/chain-view.js";
import type { FeeOracle } from "../../application/fee-oracle.js";
import type { FilterRegistry } from "../../application/filter-registry.js";
import type { Mempool } from "../../application/mempool.js";
import type { QueryLogs } from "../../application/query-logs.js";
import type { WhyPending } from "../../application/why-pending.js";
import type { BlockStore, ExecutionEngine, StateStore } from "../../domain/ports.js";
import type { RpcMethods } from "./method.js";
import { blockMethods } from "./methods/blocks.js";
import { debugMethods } from "./methods/debug.js";
import { fillMethods } from "./methods/fill.js";
import { type HonorBackend, honorMethods } from "./methods/honor.js";
import { logMethods } from "./methods/logs.js";
import { nodeMethods } from "./methods/node.js";
import { refusedMethods } from "./methods/refused.js";
import { simulateMethods } from "./methods/simulate.js";
import { stateMethods } from "./methods/state.js";
import { transactionMethods } from "./methods/transactions.js";

export interface RpcBackend extends HonorBackend {
  readonly chain: ChainView;
  readonly blocks: BlockStore;
  readonly states: StateStore;
  readonly mempool: Mempool;
  readonly engine: ExecutionEngine;
  readonly calls: CallContract;
  readonly fees: FeeOracle;
  readonly logs: QueryLogs;
  readonly filters: FilterRegistry;
  readonly whyPending: WhyPending;
  /** Most gas that the calls of one simulation may use together. */
  readonly simulationGasCap: bigint;
  readonly clientVersion: string;
}

/** Every method that a node answers, but for subscriptions, which belong to a connection. */
export function rpcMethods(backend: RpcBackend): RpcMethods {
  const { chain, blocks, states, mempool, engine, calls, fees } = backend;
  return {
    ...blockMethods(chain, blocks, mempool),
    ...stateMethods(chain, states, mempool, calls),
    ...transactionMethods(chain, mempool, fees),
    ...fillMethods(chain, states, mempool, calls, fees),
    ...logMethods(backend.logs, backend.filters),
    ...debugMethods(chain, blocks, mempool, engine, calls),
    ...simulateMethods(chain, engine, backend.simulationGasCap),
    ...nodeMethods(chain, blocks, backend.whyPending, backend.clientVersion),
    ...honorMethods(backend),
    ...refusedMethods,
  };
}
