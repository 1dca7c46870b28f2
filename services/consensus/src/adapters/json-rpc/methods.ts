import type { Admission } from "../../application/admission.js";
import type { CallContract } from "../../application/call-contract.js";
import type { ChainView } from "../../application/chain-view.js";
import type { FeeOracle } from "../../application/fee-oracle.js";
import type { FilterRegistry } from "../../application/filter-registry.js";
import type { QueryLogs } from "../../application/query-logs.js";
import type { WhyPending } from "../../application/why-pending.js";
import type { BlockReader, CallEngine, StateStore } from "../../domain/ports.js";
import type { WaitingTransactions } from "../../domain/waiting-transactions.js";
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
  readonly blocks: BlockReader;
  readonly states: StateStore;
  readonly pool: WaitingTransactions;
  readonly admission: Pick<Admission, "submitAll">;
  readonly engine: CallEngine;
  readonly calls: CallContract;
  readonly fees: FeeOracle;
  readonly logs: QueryLogs;
  readonly filters: FilterRegistry;
  readonly whyPending: Pick<WhyPending, "explain">;
  /** Most gas that the calls of one simulation may use together. */
  readonly simulationGasCap: bigint;
  readonly clientVersion: string;
}

/** Every method that a node answers, but for subscriptions, which belong to a connection. */
export function rpcMethods(backend: RpcBackend): RpcMethods {
  const { chain, blocks, states, pool, engine, calls, fees } = backend;
  return {
    ...blockMethods(chain, blocks, pool),
    ...stateMethods(chain, states, pool, calls),
    ...transactionMethods(chain, pool, backend.admission, fees),
    ...fillMethods(chain, pool, calls, fees),
    ...logMethods(backend.logs, backend.filters),
    ...debugMethods(chain, blocks, pool, engine, calls),
    ...simulateMethods(chain, engine, backend.simulationGasCap),
    ...nodeMethods(chain, blocks, backend.whyPending, backend.clientVersion),
    ...honorMethods(backend),
    ...refusedMethods,
  };
}
