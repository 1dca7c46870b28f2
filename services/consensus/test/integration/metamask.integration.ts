import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RpcReply, rpc, startTestChain, untilHeight, wallets } from "../support/test-chain.js";

const TO = `0x${"34".repeat(20)}`;

/** What the wallet's provider asks from adding a network to showing a payment as done. */
describe("MetaMask's sequence of requests", () => {
  let chain: Awaited<ReturnType<typeof startTestChain>>;
  const wallet = wallets[2];
  const ask = async (method: string, ...params: unknown[]): Promise<unknown> => {
    const reply = await rpc(chain.node.url, method, params);
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result;
  };

  beforeAll(async () => {
    chain = await startTestChain();
  });

  afterAll(async () => {
    expect(chain.problems).toEqual([]);
    await chain[Symbol.asyncDispose]();
  });

  it("adds the network, looks at the account, pays, and sees it done", async () => {
    const from = wallet?.address ?? "";
    expect(await ask("eth_chainId")).toBe("0x65d6");
    expect(await ask("net_version")).toBe("26070");
    expect(await ask("eth_getBlockByNumber", "latest", false)).toMatchObject({ baseFeePerGas: "0x3b9aca00" });
    const response = await fetch(chain.node.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([
        { jsonrpc: "2.0", id: "a", method: "eth_getBalance", params: [from, "latest"] },
        { jsonrpc: "2.0", id: "b", method: "eth_getCode", params: [TO, "latest"] },
      ]),
    });
    const batch = (await response.json()) as RpcReply[];
    expect(batch.map(({ id, result }) => [id, result])).toEqual([
      ["a", `0x${(10n ** 24n).toString(16)}`],
      ["b", "0x"],
    ]);
    const history = (await ask("eth_feeHistory", "0x5", "latest", [10, 20, 30])) as {
      readonly baseFeePerGas: readonly string[];
      readonly reward: readonly (readonly string[])[];
    };
    expect(history.baseFeePerGas).toHaveLength(history.reward.length + 1);
    const maxFeePerGas = BigInt(history.baseFeePerGas.at(-1) ?? 0) * 2n + 1n;
    const gas = await ask("eth_estimateGas", { from, to: TO, value: "0x1" });
    const nonce = Number(await ask("eth_getTransactionCount", from, "pending"));
    const raw = await wallet?.signTransaction({
      type: 2,
      chainId: 26_070,
      nonce,
      to: TO,
      value: 1n,
      gasLimit: String(gas),
      maxFeePerGas,
      maxPriorityFeePerGas: 1n,
    });
    const hash = await ask("eth_sendRawTransaction", raw);
    await untilHeight(chain.node, 1);
    expect(await ask("eth_getTransactionReceipt", hash)).toMatchObject({
      status: "0x1",
      from: from.toLowerCase(),
    });
    expect(await ask("eth_getTransactionByHash", hash)).toMatchObject({ nonce: "0x0", blockNumber: "0x1" });
    expect(await ask("eth_getBalance", TO, "latest")).toBe("0x1");
    expect(await ask("eth_accounts")).toEqual([]);
  });
});
