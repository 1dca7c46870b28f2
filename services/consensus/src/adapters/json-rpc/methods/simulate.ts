import { toHex } from "@aios/core-rlp/hex";
import { executionFault } from "../../../application/call-contract.js";
import { blockNotFound, type ChainView } from "../../../application/chain-view.js";
import type { CallEngine } from "../../../domain/ports.js";
import type { SimulatedBlock, SimulatedCallResult } from "../../../domain/simulation.js";
import { formatBlock, hexNumber, type RpcValue } from "../format.js";
import type { RpcMethods } from "../method.js";
import { blockSelector } from "../parameters.js";
import { RPC, toRpcError } from "../rpc-error.js";
import { simulationRequest } from "../simulation-parameters.js";

const VM_ERROR = -32015;

/** `eth_simulateV1`: whole blocks on top of a stored one, made and forgotten. */
export function simulateMethods(chain: ChainView, engine: CallEngine, gasCap: bigint): RpcMethods {
  return {
    eth_simulateV1: async ([payload, block]) => {
      const { request, full } = simulationRequest(payload, gasCap);
      const selector = blockSelector(block, "block");
      const isPending = selector.kind === "tag" && selector.tag === "pending";
      const parent = isPending ? chain.head() : chain.header(selector);
      if (parent === undefined) throw blockNotFound("header not found");
      const blocks = await engine.simulate(parent, request);
      return blocks.map((simulated) => formatSimulated(simulated, full));
    },
  };
}

function formatSimulated(block: SimulatedBlock, full: boolean): RpcValue {
  return {
    ...formatBlock(block, full),
    calls: block.calls.map((result, index) => formatCall(block, result, index)),
  };
}

function formatCall(block: SimulatedBlock, result: SimulatedCallResult, index: number): RpcValue {
  const { header, transactions } = block;
  return {
    returnData: toHex(result.output),
    logs: result.logs.map((log) => ({
      address: log.address,
      topics: [...log.topics],
      data: toHex(log.data),
      blockNumber: hexNumber(header.number),
      transactionHash: transactions[index]?.hash ?? null,
      transactionIndex: hexNumber(index),
      blockHash: header.hash,
      blockTimestamp: hexNumber(header.timestamp),
      logIndex: hexNumber(log.logIndex),
      removed: false,
    })),
    gasUsed: hexNumber(result.gasUsed),
    maxUsedGas: hexNumber(result.maxGasUsed),
    status: result.error === undefined ? "0x1" : "0x0",
    ...(result.error === undefined ? {} : { error: formatFault(result.error, result.output) }),
  };
}

function formatFault(fault: string, output: Uint8Array): RpcValue {
  const { code, message, data } = toRpcError(executionFault(fault, output), () => undefined);
  return code === RPC.executionReverted
    ? { code, message, data: typeof data === "string" ? data : "0x" }
    : { code: VM_ERROR, message };
}
