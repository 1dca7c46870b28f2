import type { LiveNode } from "./live-node.js";

type Requests = readonly (readonly unknown[])[];

/** Methods that must answer with an error: the node holds no keys, or the method is of a fork after Osaka. */
export const REFUSED: ReadonlySet<string> = new Set([
  "eth_sign",
  "eth_signTransaction",
  "eth_sendTransaction",
  "eth_getBlockAccessList",
  "debug_getRawBlockAccessList",
]);

/** Parameters with which each method is asked; every list is one request. */
export async function requestsOf(live: LiveNode): Promise<Readonly<Record<string, Requests>>> {
  const { account, contract, blockHash, blockNumber, transactionHash } = live;
  const call = { from: account, to: contract };
  const filter = async (method: string, params: readonly unknown[]): Promise<unknown> =>
    (await live.ask(method, params)).result;
  const logFilter = await filter("eth_newFilter", [{ fromBlock: "earliest", address: contract }]);
  const blockFilter = await filter("eth_newBlockFilter", []);
  const pendingFilter = await filter("eth_newPendingTransactionFilter", []);
  // Without news an answer is an empty list, which fits every kind of filter and so shows nothing.
  await live.advance();
  return {
    eth_getBlockByHash: [
      [blockHash, true],
      [blockHash, false],
      [`0x${"00".repeat(32)}`, false],
    ],
    eth_getBlockByNumber: [
      [blockNumber, true],
      ["earliest", false],
      ["finalized", true],
    ],
    eth_getBlockTransactionCountByHash: [[blockHash]],
    eth_getBlockTransactionCountByNumber: [[blockNumber]],
    eth_getBlockReceipts: [[blockNumber], ["latest"], [blockHash]],
    eth_getBlockAccessList: [[blockNumber]],
    eth_capabilities: [[]],
    eth_chainId: [[]],
    eth_syncing: [[]],
    eth_coinbase: [[]],
    eth_accounts: [[]],
    eth_blockNumber: [[]],
    eth_config: [[]],
    net_version: [[]],
    eth_call: [[call, "latest"], [call]],
    eth_estimateGas: [[call], [{ from: account, to: account, value: "0x1" }, "latest"]],
    eth_createAccessList: [[call, "latest"]],
    eth_simulateV1: [
      [{ blockStateCalls: [{ calls: [call] }, {}], traceTransfers: true }, "latest"],
      [{ blockStateCalls: [{ calls: [call] }], returnFullTransactions: true }, "latest"],
    ],
    eth_gasPrice: [[]],
    eth_baseFee: [[]],
    eth_blobBaseFee: [[]],
    eth_maxPriorityFeePerGas: [[]],
    eth_feeHistory: [
      ["0x2", "latest", []],
      ["0x2", blockNumber, [10, 90]],
    ],
    eth_fillTransaction: [[{ from: account, to: contract, value: "0x1" }]],
    eth_newFilter: [[{ address: contract }]],
    eth_newBlockFilter: [[]],
    eth_newPendingTransactionFilter: [[]],
    eth_getFilterChanges: [[logFilter], [blockFilter], [pendingFilter]],
    eth_getFilterLogs: [[logFilter]],
    eth_uninstallFilter: [["0xfff"]],
    eth_getLogs: [[{ fromBlock: "earliest", address: contract }], [{ blockHash }]],
    eth_sign: [[account, "0x00"]],
    eth_signTransaction: [[call]],
    eth_sendTransaction: [[call]],
    eth_getBalance: [[account, "latest"], [account]],
    eth_getStorageAt: [[contract, "0x0", "latest"]],
    eth_getStorageValues: [[{ [contract]: ["0x0"] }, "latest"]],
    eth_getTransactionCount: [
      [account, "latest"],
      [account, "pending"],
    ],
    eth_getCode: [
      [contract, "latest"],
      [account, "latest"],
    ],
    eth_getProof: [[contract, ["0x0"], "latest"]],
    eth_sendRawTransaction: [[live.unsent]],
    eth_getTransactionByHash: [[transactionHash], [`0x${"00".repeat(32)}`]],
    eth_getTransactionByBlockHashAndIndex: [[blockHash, "0x0"]],
    eth_getTransactionByBlockNumberAndIndex: [
      [blockNumber, "0x0"],
      [blockNumber, "0x9"],
    ],
    eth_getTransactionReceipt: [[transactionHash], [`0x${"00".repeat(32)}`]],
    debug_getRawHeader: [[blockNumber]],
    debug_getRawBlock: [[blockNumber]],
    debug_getRawTransaction: [[transactionHash]],
    debug_getRawReceipts: [[blockNumber]],
    debug_getRawBlockAccessList: [[blockNumber]],
    debug_getBadBlocks: [[]],
    debug_traceBlockByNumber: [[blockNumber], [blockNumber, { enableMemory: true, enableReturnData: true }]],
    debug_traceBlockByHash: [[blockHash], [blockHash, { tracer: "callTracer" }]],
    debug_traceTransaction: [[transactionHash], [transactionHash, { tracer: "prestateTracer" }]],
    txpool_status: [[]],
    txpool_content: [[]],
    txpool_contentFrom: [[account]],
  };
}
