import { Contract, ContractFactory, Interface, JsonRpcProvider, keccak256, Transaction } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCounter } from "../support/contracts.js";
import { rpc, startTestChain, wallets } from "../support/test-chain.js";

const { abi, bytecode } = compileCounter();
const counterInterface = new Interface(abi);
const RICH = `0x${"c0".repeat(20)}`;
const POOR = `0x${"c1".repeat(20)}`;
const COIN = `0x${"ee".repeat(20)}`;

describe("traces and simulations", () => {
  let chain: Awaited<ReturnType<typeof startTestChain>>;
  let provider: JsonRpcProvider;
  let address: string;
  let added: { readonly hash: string; readonly blockNumber: number; readonly gasUsed: bigint };
  const sender = wallets[0];
  const ask = async (method: string, ...params: unknown[]): Promise<unknown> => {
    const reply = await rpc(chain.node.url, method, params);
    if (reply.error !== undefined) throw new Error(`${reply.error.code}: ${reply.error.message}`);
    return reply.result;
  };
  const add = (amount: number): string => counterInterface.encodeFunctionData("add", [amount, "hi"]);

  beforeAll(async () => {
    chain = await startTestChain();
    provider = new JsonRpcProvider(chain.node.url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
    const signer = sender?.connect(provider);
    const counter = await new ContractFactory(abi, bytecode, signer).deploy();
    await counter.waitForDeployment();
    address = (await counter.getAddress()).toLowerCase();
    const sent = await new Contract(address, abi, signer).getFunction("add")(7, "hi");
    const receipt = await sent.wait();
    added = { hash: sent.hash, blockNumber: receipt.blockNumber, gasUsed: receipt.gasUsed };
  });

  afterAll(async () => {
    expect(chain.problems).toEqual([]);
    provider.destroy();
    await chain[Symbol.asyncDispose]();
  });

  it("logs every instruction with stack and cumulative storage", async () => {
    const trace = (await ask("debug_traceTransaction", added.hash, { enableMemory: true })) as {
      readonly gas: number;
      readonly failed: boolean;
      readonly structLogs: readonly {
        readonly op: string;
        readonly gas: number;
        readonly gasCost: number;
        readonly depth: number;
        readonly stack: readonly string[];
        readonly memory: readonly string[];
        readonly storage?: Readonly<Record<string, string>>;
      }[];
    };
    expect(BigInt(trace.gas)).toBe(added.gasUsed);
    expect(trace.failed).toBe(false);
    const logs = trace.structLogs;
    expect(logs[0]).toMatchObject({ pc: 0, op: "PUSH1", gasCost: 3, depth: 1, stack: [] });
    for (const [index, log] of logs.slice(0, -1).entries())
      expect(logs[index + 1]?.gas).toBe(log.gas - log.gasCost);
    const stores = logs.filter((log) => log.op === "SSTORE");
    expect(stores).toHaveLength(2);
    expect(stores[0]?.storage?.[`0x${"0".repeat(64)}`]).toBe(`0x${"7".padStart(64, "0")}`);
    expect(Object.keys(stores[1]?.storage ?? {})).toHaveLength(2);
    expect(logs.filter((log) => log.storage !== undefined).map((log) => log.op)).toEqual(
      logs.map((log) => log.op).filter((op) => op === "SLOAD" || op === "SSTORE"),
    );
    const bare = (await ask("debug_traceTransaction", added.hash, {
      disableStack: true,
      disableStorage: true,
      limit: 3,
    })) as { readonly structLogs: readonly object[] };
    expect(bare.structLogs).toHaveLength(3);
    expect(bare.structLogs[0]).not.toHaveProperty("stack");
  });

  it("shows the calls, their logs and the reason of a revert", async () => {
    const options = { tracer: "callTracer", tracerConfig: { withLog: true } };
    const block = (await ask("debug_traceBlockByNumber", `0x${added.blockNumber.toString(16)}`, options)) as {
      readonly txHash: string;
      readonly result: unknown;
    }[];
    expect(block).toHaveLength(1);
    expect(block[0]?.txHash).toBe(added.hash);
    expect(block[0]?.result).toMatchObject({
      type: "CALL",
      to: address,
      gasUsed: `0x${added.gasUsed.toString(16)}`,
      logs: [{ address, position: "0x0", index: "0x0" }],
    });
    const reverted = await ask("debug_traceCall", { to: address, data: add(13) }, "latest", options);
    expect(reverted).toMatchObject({ error: "execution reverted", revertReason: "unlucky" });
    expect(reverted).not.toHaveProperty("logs");
  });

  it("shows accounts before, and what changed", async () => {
    const from = sender?.address.toLowerCase() ?? "";
    const before = (await ask("debug_traceTransaction", added.hash, { tracer: "prestateTracer" })) as Record<
      string,
      { readonly balance: string; readonly nonce?: number; readonly storage?: object }
    >;
    expect(before[from]).toMatchObject({ nonce: 1 });
    expect(before[address]?.storage).toMatchObject({ [`0x${"0".repeat(64)}`]: `0x${"0".repeat(64)}` });
    const { pre, post } = (await ask("debug_traceTransaction", added.hash, {
      tracer: "prestateTracer",
      tracerConfig: { diffMode: true },
    })) as Record<"pre" | "post", Record<string, { readonly nonce?: number; readonly storage?: object }>>;
    expect(pre[from]?.nonce).toBe(1);
    expect(post[from]?.nonce).toBe(2);
    expect(pre[address]).not.toHaveProperty("storage");
    expect(post[address]).toMatchObject({
      storage: { [`0x${"0".repeat(64)}`]: `0x${"7".padStart(64, "0")}` },
    });
    expect(post[address]).not.toHaveProperty("balance");
    const selectors = await ask("debug_traceTransaction", added.hash, { tracer: "4byteTracer" });
    expect(selectors).toEqual({ [`${add(7).slice(0, 10)}-${(add(7).length - 10) / 2}`]: 1 });
  });

  it("refuses what it cannot trace, and bounds what it can", async () => {
    const code = async (method: string, ...params: unknown[]) =>
      (await rpc(chain.node.url, method, params)).error?.code;
    expect(await code("debug_traceTransaction", added.hash, { tracer: "{ step: 1 }" })).toBe(-32602);
    expect(await code("debug_traceTransaction", `0x${"01".repeat(32)}`)).toBe(-32000);
    expect(await code("debug_traceBlockByNumber", "0x0")).toBe(-32000);
    const endless = { to: address, data: counterInterface.encodeFunctionData("spin"), gas: "0xffffff" };
    expect(await code("debug_traceCall", endless, "latest", { enableMemory: true })).toBe(-32005);
    expect(await ask("eth_chainId")).toBe("0x65d6");
  });

  it("simulates blocks that see each other's changes", async () => {
    const [first, second] = (await ask(
      "eth_simulateV1",
      {
        blockStateCalls: [
          {
            stateOverrides: { [RICH]: { balance: "0x7d0" } },
            blockOverrides: { time: "0xffffffff" },
            calls: [
              { from: RICH, to: POOR, value: "0x3e8" },
              { from: RICH, to: address, data: add(5) },
            ],
          },
          { calls: [{ from: POOR, to: address, value: "0x1", data: add(101) }] },
        ],
        traceTransfers: true,
        returnFullTransactions: true,
      },
      "latest",
    )) as Record<string, unknown>[];
    expect(first).toMatchObject({
      timestamp: "0xffffffff",
      calls: [
        {
          status: "0x1",
          gasUsed: "0x5208",
          logs: [{ address: COIN, data: `0x${(1000).toString(16).padStart(64, "0")}`, logIndex: "0x0" }],
        },
        {
          status: "0x1",
          returnData: `0x${(12).toString(16).padStart(64, "0")}`,
          logs: [{ address, logIndex: "0x1", blockHash: first?.["hash"] }],
        },
      ],
      transactions: [
        { from: RICH, nonce: "0x0" },
        { from: RICH, nonce: "0x1" },
      ],
    });
    expect(second).toMatchObject({
      parentHash: first?.["hash"],
      timestamp: "0x10000000b",
      calls: [{ status: "0x0", logs: [], error: { code: 3 } }],
    });
    expect(await ask("eth_getBalance", POOR, "latest")).toBe("0x0");
    const refusals = [
      [{ blockOverrides: { time: "0x1" } }, -38021],
      [{ blockOverrides: { number: "0x0" } }, -38020],
      [{ calls: [{ from: POOR, to: RICH, value: "0x1" }] }, -38014],
      [{ blockOverrides: { gasLimit: "0x5208" }, calls: [{ from: POOR, gas: "0x5209" }] }, -38015],
    ] as const;
    for (const [block, code] of refusals) {
      const reply = await rpc(chain.node.url, "eth_simulateV1", [{ blockStateCalls: [block] }, "latest"]);
      expect(reply.error?.code).toBe(code);
    }
  });

  it("moves precompiled contracts within a simulation", async () => {
    const elsewhere = `0x${"12".repeat(20)}`;
    const identity = `0x${"4".padStart(40, "0")}`;
    const [block] = (await ask(
      "eth_simulateV1",
      {
        blockStateCalls: [
          {
            stateOverrides: { [identity]: { movePrecompileToAddress: elsewhere } },
            calls: [
              { to: elsewhere, data: "0x1234" },
              { to: identity, data: "0x1234" },
            ],
          },
        ],
      },
      "latest",
    )) as { readonly calls: readonly { readonly returnData: string }[] }[];
    expect(block?.calls.map((call) => call.returnData)).toEqual(["0x1234", "0x"]);
    expect(await ask("eth_call", { to: identity, data: "0x1234" }, "latest")).toBe("0x1234");
  });

  it("gives simulated blocks the hashes of those simulated before them", async () => {
    // BLOCKHASH of the number in the call data.
    const code = "0x5f35405f5260205ff3";
    const hashOf = (number: number) => ({ to: COIN, input: `0x${number.toString(16).padStart(64, "0")}` });
    const head = Number(await ask("eth_blockNumber"));
    const base = head - 1;
    const blocks = (await ask(
      "eth_simulateV1",
      {
        blockStateCalls: [
          { stateOverrides: { [COIN]: { code } } },
          { calls: [hashOf(base + 1), hashOf(base), hashOf(base + 2)] },
        ],
      },
      `0x${base.toString(16)}`,
    )) as { readonly hash: string; readonly parentHash: string; readonly calls: { returnData: string }[] }[];
    const real = (await ask("eth_getBlockByNumber", `0x${base.toString(16)}`, false)) as { hash: string };
    expect(blocks[1]?.calls.map(({ returnData }) => returnData)).toEqual([
      blocks[0]?.hash,
      real.hash,
      `0x${"0".repeat(64)}`,
    ]);
  });

  it("tells the gas of a call that brings the access list it needs", async () => {
    // Reads two slots of its own: 2,400 for the address, 1,900 for each slot, and 100 to read each then.
    const call = { from: RICH, to: COIN };
    const overrides = { [COIN]: { code: "0x5f545060015450" } };
    const simulated = (await ask("eth_simulateV1", {
      blockStateCalls: [{ stateOverrides: overrides, calls: [call] }],
    })) as { readonly calls: { readonly gasUsed: string }[] }[];
    const plain = BigInt(simulated[0]?.calls[0]?.gasUsed ?? 0);
    const deployed = await new ContractFactory(
      [],
      "0x66 5f5450600154505f5260076019f3".replace(" ", ""),
      sender?.connect(provider),
    ).deploy();
    await deployed.waitForDeployment();
    const listed = (await ask(
      "eth_createAccessList",
      { from: RICH, to: await deployed.getAddress() },
      "latest",
    )) as {
      readonly accessList: { readonly storageKeys: readonly string[] }[];
      readonly gasUsed: string;
    };
    expect(listed.accessList.map(({ storageKeys }) => storageKeys.length)).toEqual([2]);
    expect(BigInt(listed.gasUsed) - plain).toBe(2_400n + 2n * (1_900n + 100n - 2_100n));
  });

  it("estimates with the fees that are offered, and searches for a contract that only stops", async () => {
    const poor = { from: POOR, to: RICH, maxFeePerGas: "0x1" };
    await expect(ask("eth_estimateGas", poor)).rejects.toThrow(/less than block base fee/);
    const stops = { [COIN]: { code: "0x00" } };
    const gas = BigInt((await ask("eth_estimateGas", { from: POOR, to: COIN }, "latest", stops)) as string);
    expect(gas).toBeGreaterThan(21_000n);
    expect(gas).toBeLessThan(21_400n);
    const funded = { [POOR]: { balance: "0x1" } };
    const dear = { from: POOR, to: RICH, value: "0x2", maxFeePerGas: "0xffffffffffff" };
    await expect(ask("eth_estimateGas", dear, "latest", funded)).rejects.toThrow(/insufficient funds/);
  });

  it("fills in what a wallet leaves open, ready to sign", async () => {
    const from = wallets[1]?.address ?? "";
    const filled = (await ask("eth_fillTransaction", { from, to: POOR, value: "0x5" })) as {
      readonly raw: string;
      readonly tx: { readonly nonce: string; readonly gas: string; readonly chainId: string };
    };
    expect(filled.tx).toMatchObject({ nonce: "0x0", gas: "0x5208", chainId: "0x65d6", type: "0x2" });
    const { maxFeePerGas, maxPriorityFeePerGas } = filled.tx as unknown as Record<string, string>;
    const signed = await wallets[1]?.signTransaction({
      type: 2,
      to: POOR,
      value: 5n,
      nonce: 0,
      gasLimit: filled.tx.gas,
      chainId: 26_070,
      maxFeePerGas: maxFeePerGas ?? 0n,
      maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n,
    });
    const hash = await ask("eth_sendRawTransaction", signed);
    const sent = await provider.waitForTransaction(String(hash));
    expect(sent?.status).toBe(1);
    expect(Transaction.from(signed ?? "").hash).toBe(hash);
  });

  it("hands out raw blocks whose hashes are right, storage in bulk, and what it keeps", async () => {
    const number = `0x${added.blockNumber.toString(16)}`;
    const block = (await ask("eth_getBlockByNumber", number, false)) as Record<string, string>;
    expect(keccak256(String(await ask("debug_getRawHeader", number)))).toBe(block["hash"]);
    expect((String(await ask("debug_getRawBlock", number)).length - 2) / 2).toBe(Number(block["size"]));
    expect(keccak256(String(await ask("debug_getRawTransaction", added.hash)))).toBe(added.hash);
    expect(await ask("debug_getRawReceipts", number)).toEqual([expect.stringMatching(/^0x02f9/)]);
    expect(await ask("eth_getStorageValues", { [address]: ["0x0", "0x9"] }, "latest")).toEqual({
      [address]: [`0x${"7".padStart(64, "0")}`, `0x${"0".repeat(64)}`],
    });
    expect(await ask("eth_capabilities")).toMatchObject({ state: { disabled: false, oldestBlock: "0x0" } });
    expect(await ask("eth_accounts")).toEqual([]);
    for (const method of ["eth_getBlockAccessList", "debug_getRawBlockAccessList", "eth_sign"])
      expect((await rpc(chain.node.url, method, ["latest"])).error?.code).toBe(-32004);
  });

  it("numbers logs as receipts do, through the whole block", async () => {
    const signer = sender?.connect(provider);
    if (signer === undefined) throw new Error("no wallet");
    const nonce = await signer.getNonce();
    const sent = [];
    for (const index of [0, 1, 2])
      sent.push(
        await signer.sendTransaction({ to: address, data: add(1), nonce: nonce + index, gasLimit: 200_000n }),
      );
    for (const { hash } of sent) {
      const receipt = await provider.waitForTransaction(hash);
      const options = { tracer: "callTracer", tracerConfig: { withLog: true } };
      const trace = (await ask("debug_traceTransaction", hash, options)) as {
        readonly logs: readonly { readonly index: string }[];
      };
      expect(trace.logs.map(({ index }) => Number(index))).toEqual(receipt?.logs.map(({ index }) => index));
    }
  });
});
