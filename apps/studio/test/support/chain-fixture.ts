export const address = (digit: string): string => `0x${digit.repeat(40)}`;
export const transaction = (digit: string): string => `0x${digit.repeat(64)}`;

/** What the node of the fake platform answers. */
export function rpc(method: string, params: readonly string[]): unknown {
  if (method === "eth_blockNumber") return "0x2a";
  if (method === "eth_getBlockByNumber") {
    const number = { latest: 42, finalized: 41 }[String(params[0])] ?? Number(params[0]);
    return {
      number: `0x${number.toString(16)}`,
      hash: transaction((number % 10).toString()),
      parentHash: transaction("0"),
      timestamp: "0x6560a000",
      gasUsed: "0x1d4c0",
      gasLimit: "0x1c9c380",
      transactions:
        number % 2 === 0
          ? [
              {
                hash: `0x${number.toString(16).padStart(64, "0")}`,
                from: address("1"),
                to: address("2"),
                input: "0x",
                value: "0x0",
                nonce: "0x0",
                blockNumber: "0x2a",
              },
            ]
          : [],
    };
  }
  if (method === "eth_getTransactionByHash")
    return {
      hash: params[0],
      from: address("1"),
      to: address("2"),
      input: "0x12345678",
      value: "0x0",
      nonce: "0x1",
      blockNumber: "0x2a",
    };
  if (method === "eth_getTransactionReceipt") {
    return {
      transactionHash: params[0],
      blockHash: transaction("1"),
      blockNumber: "0x2a",
      from: address("1"),
      to: address("2"),
      gasUsed: "0x1d4c0",
      status: "0x1",
      logs: [],
    };
  }
  return null;
}
