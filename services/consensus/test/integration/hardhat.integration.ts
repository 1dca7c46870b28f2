import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCounter } from "../support/contracts.js";
import { startTestChain, wallets } from "../support/test-chain.js";

const { bytecode } = compileCounter();

describe("Hardhat 3 as a client", () => {
  let chain: Awaited<ReturnType<typeof startTestChain>>;

  beforeAll(async () => {
    chain = await startTestChain();
  });

  afterAll(async () => {
    expect(chain.problems).toEqual([]);
    await chain[Symbol.asyncDispose]();
  });

  it("deploys with its own accounts, gas and fee handling", async () => {
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
    const [from] = (await provider.request({ method: "eth_accounts" })) as string[];
    expect(from).toBe(wallets[0]?.address.toLowerCase());
    const hash = (await provider.request({
      method: "eth_sendTransaction",
      params: [{ from, data: bytecode }],
    })) as string;
    let receipt: { status: string; contractAddress: string } | null = null;
    await expect
      .poll(async () => {
        receipt = (await provider.request({
          method: "eth_getTransactionReceipt",
          params: [hash],
        })) as typeof receipt;
        return receipt?.status;
      })
      .toBe("0x1");
    const to = (receipt as { contractAddress: string } | null)?.contractAddress;
    expect(await provider.request({ method: "eth_getCode", params: [to, "latest"] })).not.toBe("0x");
    await provider.close();
  });
});
