import { Interface } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCounter, compilePermitToken } from "../support/contracts.js";
import { PERMIT_TYPES, permitArguments, permitDomain, permitMessage } from "../support/permit.js";
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

  /** What the wallet does when a page asks it to send: estimates, looks at fees and nonce, signs, waits. */
  async function pay(request: { readonly to?: string; readonly data: string }, more: object = {}) {
    const from = wallet?.address ?? "";
    const gas = BigInt(String(await ask("eth_estimateGas", { from, ...request, ...more })));
    const nonce = Number(await ask("eth_getTransactionCount", from, "pending"));
    const raw = await wallet?.signTransaction({
      type: 2,
      chainId: 26_070,
      nonce,
      ...request,
      ...more,
      gasLimit: (gas * 3n) / 2n + 50_000n,
      maxFeePerGas: 5_000_000_000n,
      maxPriorityFeePerGas: 1n,
    });
    const hash = await ask("eth_sendRawTransaction", raw);
    let receipt: unknown = null;
    await expect
      .poll(async () => {
        receipt = await ask("eth_getTransactionReceipt", hash);
        return receipt;
      })
      .not.toBeNull();
    return receipt as {
      readonly status: string;
      readonly transactionHash: string;
      readonly contractAddress: string;
      readonly logs: readonly { readonly topics: string[]; readonly data: string }[];
    };
  }

  it("deploys and calls for a page, shows the event, the reason of a failure and the trace", async () => {
    const { abi, bytecode } = compileCounter();
    const counter = new Interface(abi);
    const { contractAddress: to } = await pay({ data: bytecode });
    const receipt = await pay({ to, data: counter.encodeFunctionData("add", [7n, "page"]) });
    expect(receipt.logs.map((log) => counter.parseLog(log)?.args.note)).toEqual(["page"]);
    const call = { to, data: counter.encodeFunctionData("count") };
    expect(BigInt(String(await ask("eth_call", call, "latest")))).toBe(7n);
    const failing = { from: wallet?.address, to, data: counter.encodeFunctionData("add", [13n, "x"]) };
    const refusal = await rpc(chain.node.url, "eth_estimateGas", [failing]);
    expect(refusal.error).toMatchObject({ code: 3, message: "execution reverted: unlucky" });
    const trace = await ask("debug_traceTransaction", receipt.transactionHash, { tracer: "callTracer" });
    expect(trace).toMatchObject({ type: "CALL", to });
  });

  it("signs a permit, and turns the account into a smart one (EIP-712, EIP-7702)", async () => {
    if (wallet === undefined) throw new Error("no wallet");
    const { abi, bytecode } = compilePermitToken();
    const token = new Interface(abi);
    const { contractAddress: to } = await pay({ data: bytecode });
    const message = permitMessage(wallet.address, TO, 11);
    const signature = await wallet.signTypedData(permitDomain(to), PERMIT_TYPES, message);
    await pay({ to, data: token.encodeFunctionData("permit", permitArguments(message, signature)) });
    const allowance = { to, data: token.encodeFunctionData("allowance", [wallet.address, TO]) };
    expect(BigInt(String(await ask("eth_call", allowance, "latest")))).toBe(11n);
    const nonce = Number(await ask("eth_getTransactionCount", wallet.address, "pending"));
    const authorization = await wallet.authorize({ address: to, nonce: nonce + 1, chainId: 26_070n });
    const raw = await wallet.signTransaction({
      type: 4,
      chainId: 26_070,
      nonce,
      to: wallet.address,
      gasLimit: 100_000n,
      maxFeePerGas: 5_000_000_000n,
      maxPriorityFeePerGas: 1n,
      authorizationList: [authorization],
    });
    await ask("eth_sendRawTransaction", raw);
    await expect.poll(() => ask("eth_getCode", wallet.address, "latest")).toBe(`0xef0100${to.slice(2)}`);
  });
});
