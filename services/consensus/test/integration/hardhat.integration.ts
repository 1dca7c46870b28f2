import { Interface } from "ethers";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { compileCounter, compilePermitToken } from "../support/contracts.js";
import { permitArguments, permitDocument, permitMessage } from "../support/permit.js";
import { startTestChain, wallets } from "../support/test-chain.js";

const counter = compileCounter();
const token = compilePermitToken();
const counterAbi = new Interface(counter.abi);
const tokenAbi = new Interface(token.abi);

interface Receipt {
  readonly status: string;
  readonly contractAddress: string;
  readonly logs: readonly { readonly topics: string[]; readonly data: string }[];
}

type Request = (method: string, ...params: readonly unknown[]) => Promise<unknown>;

describe("Hardhat 3 as a client", () => {
  let chain: Awaited<ReturnType<typeof startTestChain>>;
  let request: Request;
  let close: () => Promise<void>;
  let from: string;
  let other: string;
  let address: string;

  /** Hardhat signs with its own accounts and chooses gas and fees. */
  async function send(transaction: object): Promise<{ readonly hash: string; readonly receipt: Receipt }> {
    const hash = (await request("eth_sendTransaction", { from, ...transaction })) as string;
    const receipt = await vi.waitFor(
      async () => {
        const found = (await request("eth_getTransactionReceipt", hash)) as Receipt | null;
        if (found === null) throw new Error(`${hash} is not mined`);
        return found;
      },
      { timeout: 30_000, interval: 50 },
    );
    expect(receipt.status).toBe("0x1");
    return { hash, receipt };
  }

  beforeAll(async () => {
    chain = await startTestChain();
    const hre = await createHardhatRuntimeEnvironment({
      networks: {
        aios: {
          type: "http",
          chainType: "l1",
          chainId: 26_070,
          url: chain.node.url,
          accounts: wallets.slice(0, 2).map((wallet) => wallet.privateKey),
        },
      },
    });
    const { provider } = await hre.network.connect({ network: "aios", chainType: "l1" });
    request = (method, ...params) => provider.request({ method, params: [...params] });
    close = () => provider.close();
    [from, other] = (await request("eth_accounts")) as [string, string];
    address = (await send({ data: counter.bytecode })).receipt.contractAddress;
  });

  afterAll(async () => {
    await close();
    expect(chain.problems).toEqual([]);
    await chain[Symbol.asyncDispose]();
  });

  it("deploys with its own accounts, gas and fee handling", async () => {
    expect(from).toBe(wallets[0]?.address.toLowerCase());
    expect(await request("eth_getCode", address, "latest")).not.toBe("0x");
  });

  it("writes, calls, reads the event and traces", async () => {
    const data = counterAbi.encodeFunctionData("add", [7n, "hardhat"]);
    const { hash, receipt } = await send({ to: address, data });
    expect(receipt.logs.map((log) => counterAbi.parseLog(log)?.args.note)).toEqual(["hardhat"]);
    const call = { to: address, data: counterAbi.encodeFunctionData("count") };
    expect(BigInt((await request("eth_call", call, "latest")) as string)).toBe(7n);
    const trace = await request("debug_traceTransaction", hash, { tracer: "callTracer" });
    expect(trace).toMatchObject({ type: "CALL", to: address });
  });

  it("shows the reason of a revert", async () => {
    const data = counterAbi.encodeFunctionData("add", [13n, "x"]);
    await expect(request("eth_call", { from, to: address, data }, "latest")).rejects.toThrow(/unlucky/);
  });

  it("signs a permit that is brought to the token (EIP-712)", async () => {
    const target = (await send({ data: token.bytecode })).receipt.contractAddress;
    const message = permitMessage(other, from, 33);
    const signature = (await request(
      "eth_signTypedData_v4",
      other,
      permitDocument(target, message),
    )) as string;
    await send({
      to: target,
      data: tokenAbi.encodeFunctionData("permit", permitArguments(message, signature)),
    });
    const data = tokenAbi.encodeFunctionData("allowance", [other, from]);
    expect(BigInt((await request("eth_call", { to: target, data }, "latest")) as string)).toBe(33n);
  });

  it("carries a delegation of an account to a contract (EIP-7702)", async () => {
    const delegating = wallets[2];
    const signed = await delegating?.authorize({ address, nonce: 0n, chainId: 26_070n });
    if (delegating === undefined || signed === undefined) throw new Error("no wallet");
    const authorization = {
      chainId: "0x65d6",
      address,
      nonce: "0x0",
      yParity: `0x${signed.signature.yParity}`,
      r: signed.signature.r,
      s: signed.signature.s,
    };
    const data = counterAbi.encodeFunctionData("add", [5n, "delegated"]);
    const to = delegating.address.toLowerCase();
    await send({ to, data, gas: "0x493e0", authorizationList: [authorization] });
    expect(await request("eth_getCode", to, "latest")).toBe(`0xef0100${address.slice(2)}`);
  });
});
