import {
  type Abi,
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  defineChain,
  type Hex,
  http,
  parseEther,
  webSocket,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCounter, compilePermitToken } from "../support/contracts.js";
import { permitArguments, permitDocument, permitMessage } from "../support/permit.js";
import { startTestChain, wallets } from "../support/test-chain.js";

const counter = compileCounter();
const abi = counter.abi as Abi;
const bytecode = counter.bytecode as Hex;
const RECIPIENT: Hex = `0x${"34".repeat(20)}`;

describe.each(["http", "webSocket"] as const)("viem over %s", (transportName) => {
  let node: Awaited<ReturnType<typeof startTestChain>>;
  let clients: ReturnType<typeof connect>;
  let address: Hex;

  function connect(url: string, webSocketUrl: string) {
    const chain = defineChain({
      id: 26_070,
      name: "AiOS test",
      nativeCurrency: { name: "AIOS", symbol: "AIOS", decimals: 18 },
      rpcUrls: { default: { http: [url], webSocket: [webSocketUrl] } },
    });
    const transport = transportName === "http" ? http(url, { batch: true }) : webSocket(webSocketUrl);
    const account = privateKeyToAccount(wallets[0]?.privateKey as Hex);
    return {
      open: createPublicClient({ chain, transport, pollingInterval: 50 }),
      wallet: createWalletClient({ chain, transport, account, pollingInterval: 50 }),
    };
  }

  beforeAll(async () => {
    node = await startTestChain();
    clients = connect(node.node.url, node.node.webSocketUrl);
    const hash = await clients.wallet.deployContract({ abi, bytecode });
    const receipt = await clients.open.waitForTransactionReceipt({ hash });
    address = receipt.contractAddress as Hex;
  });

  afterAll(async () => {
    expect(node.problems).toEqual([]);
    await node[Symbol.asyncDispose]();
  });

  it("sends, waits and reads balances", async () => {
    const hash = await clients.wallet.sendTransaction({ to: RECIPIENT, value: parseEther("1.5") });
    const receipt = await clients.open.waitForTransactionReceipt({ hash });
    expect(receipt.status).toBe("success");
    expect(await clients.open.getBalance({ address: RECIPIENT })).toBe(parseEther("1.5"));
    expect((await clients.open.getBlock({ blockHash: receipt.blockHash })).transactions).toEqual([hash]);
  });

  it("simulates, writes, reads events and batches reads", async () => {
    const account = clients.wallet.account;
    const { request, result } = await clients.open.simulateContract({
      account,
      address,
      abi,
      functionName: "add",
      args: [4n, "viem"],
    });
    expect(result).toBe(4n);
    const receipt = await clients.open.waitForTransactionReceipt({
      hash: await clients.wallet.writeContract(request),
    });
    const events = await clients.open.getContractEvents({
      address,
      abi,
      eventName: "Counted",
      fromBlock: 0n,
    });
    expect(events.map((event) => event.transactionHash)).toEqual([receipt.transactionHash]);
    const reads = await Promise.all(
      Array.from({ length: 8 }, () => clients.open.readContract({ address, abi, functionName: "count" })),
    );
    expect(reads).toEqual(reads.map(() => 4n));
  });

  it("decodes custom errors", async () => {
    const failure = await clients.open
      .simulateContract({ address, abi, functionName: "add", args: [500n, ""] })
      .catch((error: unknown) => error);
    const revert =
      failure instanceof BaseError
        ? failure.walk((error) => error instanceof ContractFunctionRevertedError)
        : null;
    expect((revert as ContractFunctionRevertedError | null)?.data?.errorName).toBe("TooMuch");
  });

  it("pretends state in a call", async () => {
    const count = await clients.open.readContract({
      address,
      abi,
      functionName: "count",
      stateOverride: [
        { address, stateDiff: [{ slot: `0x${"00".repeat(32)}`, value: `0x${"00".repeat(31)}2a` }] },
      ],
    });
    expect(count).toBe(42n);
  });

  it("watches blocks and events", async () => {
    const logged = new Promise<Hex | null>((resolve, reject) => {
      const stop = clients.open.watchContractEvent({
        address,
        abi,
        eventName: "Counted",
        onError: reject,
        onLogs: (logs) => {
          stop();
          resolve(logs[0]?.transactionHash ?? null);
        },
      });
    });
    const height = await clients.open.getBlockNumber();
    const seen = new Promise<bigint>((resolve, reject) => {
      const stop = clients.open.watchBlockNumber({
        onError: reject,
        onBlockNumber: (number) => {
          if (number <= height) return;
          stop();
          resolve(number);
        },
      });
    });
    // The subscription or filter has to stand before the event; a poller's first round makes it.
    await clients.open.getBlockNumber({ cacheTime: 0 });
    const hash = await clients.wallet.writeContract({
      address,
      abi,
      functionName: "add",
      args: [1n, "watched"],
    });
    await clients.open.waitForTransactionReceipt({ hash });
    expect(await logged).toBe(hash);
    expect(await seen).toBeGreaterThan(height);
  });

  it("signs a permit that is brought to the token (EIP-712)", async () => {
    const token = compilePermitToken();
    const { account } = clients.wallet;
    const deployed = await clients.wallet.deployContract({
      abi: token.abi as Abi,
      bytecode: token.bytecode as Hex,
    });
    const { contractAddress } = await clients.open.waitForTransactionReceipt({ hash: deployed });
    const target = { address: contractAddress as Hex, abi: token.abi as Abi };
    const message = permitMessage(account.address, RECIPIENT, 77);
    const signature = await clients.wallet.signTypedData(permitDocument(target.address, message) as never);
    const hash = await clients.wallet.writeContract({
      ...target,
      functionName: "permit",
      args: permitArguments(message, signature),
    });
    expect((await clients.open.waitForTransactionReceipt({ hash })).status).toBe("success");
    const read = { ...target, functionName: "allowance", args: [account.address, RECIPIENT] };
    expect(await clients.open.readContract(read)).toBe(77n);
  });

  it("delegates an account to a contract (EIP-7702), and traces the call", async () => {
    const delegating = privateKeyToAccount(wallets[1]?.privateKey as Hex);
    const authorization = await clients.wallet.signAuthorization({
      account: delegating,
      contractAddress: address,
    });
    const hash = await clients.wallet.writeContract({
      address: delegating.address,
      abi,
      functionName: "add",
      args: [3n, "delegated"],
      authorizationList: [authorization],
    });
    expect((await clients.open.waitForTransactionReceipt({ hash })).status).toBe("success");
    expect(await clients.open.getCode({ address: delegating.address })).toBe(
      `0xef0100${address.slice(2).toLowerCase()}`,
    );
    const trace = await clients.open.request<{
      Method: "debug_traceTransaction";
      Parameters: [Hex, { readonly tracer: string }];
      ReturnType: { readonly type: string; readonly to: string; readonly error?: string };
    }>({ method: "debug_traceTransaction", params: [hash, { tracer: "callTracer" }] });
    expect(trace).toMatchObject({ type: "CALL", to: delegating.address.toLowerCase() });
    expect(trace.error).toBeUndefined();
  });

  it("offers fees that are accepted", async () => {
    const history = await clients.open.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] });
    expect(history.baseFeePerGas).toHaveLength(5);
    expect(history.reward?.every((row) => row.length === 2)).toBe(true);
    const fees = await clients.open.estimateFeesPerGas();
    expect(fees.maxFeePerGas).toBeGreaterThan(history.baseFeePerGas.at(-1) ?? 0n);
  });
});
