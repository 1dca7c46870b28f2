import {
  BaseContract,
  Contract,
  ContractFactory,
  isError,
  JsonRpcProvider,
  type Log,
  Transaction,
  WebSocketProvider,
} from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCounter, compilePermitToken } from "../support/contracts.js";
import { PERMIT_TYPES, permitArguments, permitDomain, permitMessage } from "../support/permit.js";
import {
  PRODUCER,
  rpc,
  STAKERS,
  startTestChain,
  TREASURY,
  untilHeight,
  wallets,
} from "../support/test-chain.js";

const { abi, bytecode } = compileCounter();
const RECIPIENT = `0x${"12".repeat(20)}`;

describe("ethers against the node", () => {
  let chain: Awaited<ReturnType<typeof startTestChain>>;
  let provider: JsonRpcProvider;
  let counter: BaseContract;
  let address: string;

  beforeAll(async () => {
    chain = await startTestChain();
    provider = new JsonRpcProvider(chain.node.url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
    const signer = wallets[0]?.connect(provider);
    counter = await new ContractFactory(abi, bytecode, signer).deploy();
    await counter.waitForDeployment();
    address = await counter.getAddress();
  });

  afterAll(async () => {
    expect(chain.problems).toEqual([]);
    provider.destroy();
    await chain[Symbol.asyncDispose]();
  });

  it("sends coins and splits the fee: tip to the producer, base fee to reserve and treasury, the rest burned", async () => {
    const sender = wallets[1]?.connect(provider);
    if (sender === undefined) throw new Error("no wallet");
    const parties = [sender.address, RECIPIENT, PRODUCER, STAKERS, TREASURY];
    const before = await Promise.all(parties.map((party) => provider.getBalance(party)));
    const receipt = await (
      await sender.sendTransaction({ to: RECIPIENT, value: 12_345n, maxPriorityFeePerGas: 7n })
    ).wait();
    const block = await provider.getBlock(receipt?.blockNumber ?? 0);
    const after = await Promise.all(parties.map((party) => provider.getBalance(party)));
    const delta = after.map((amount, index) => amount - (before[index] ?? 0n));
    const baseFees = (block?.baseFeePerGas ?? 0n) * 21_000n;
    expect(receipt?.gasUsed).toBe(21_000n);
    expect(receipt?.gasPrice).toBe((block?.baseFeePerGas ?? 0n) + 7n);
    expect(delta).toEqual([
      -(12_345n + baseFees + 7n * 21_000n),
      12_345n,
      7n * 21_000n,
      (baseFees * 3_000n) / 10_000n,
      (baseFees * 5_000n) / 10_000n,
    ]);
  });

  it("calls, estimates, writes, reads events and decodes reverts", async () => {
    const signer = wallets[0]?.connect(provider);
    const contract = new Contract(address, abi, signer);
    const transaction = await contract.getFunction("add")(5n, "five");
    const receipt = await transaction.wait();
    expect(receipt.status).toBe(1);
    expect(await contract.getFunction("count")()).toBe(5n);
    const events = (await contract.queryFilter("Counted")) as Log[];
    expect(events).toHaveLength(1);
    expect(events[0]?.transactionHash).toBe(transaction.hash);
    const [, logsOfOther] = await Promise.all([
      contract.queryFilter("Counted"),
      provider.getLogs({ address: RECIPIENT, fromBlock: 0, toBlock: "latest" }),
    ]);
    expect(logsOfOther).toEqual([]);
    const custom = await contract
      .getFunction("add")
      .staticCall(101n, "")
      .catch((error: unknown) => error);
    expect(isError(custom, "CALL_EXCEPTION") && custom.revert?.name).toBe("TooMuch");
    expect(isError(custom, "CALL_EXCEPTION") && [...(custom.revert?.args ?? [])]).toEqual([101n, 100n]);
    const required = await contract
      .getFunction("add")
      .staticCall(13n, "")
      .catch((error: unknown) => error);
    expect(isError(required, "CALL_EXCEPTION") && required.reason).toBe("unlucky");
    const panic = await contract
      .getFunction("overflow")(0n)
      .catch((error: unknown) => error);
    expect(isError(panic, "CALL_EXCEPTION") && panic.revert?.name).toBe("Panic");
  });

  it("mines a failing transaction with status 0", async () => {
    const contract = new Contract(address, abi, wallets[0]?.connect(provider));
    const sent = await contract.getFunction("add")(101n, "", { gasLimit: 200_000n });
    const failure = await sent.wait().catch((error: unknown) => error);
    expect(isError(failure, "CALL_EXCEPTION") && failure.receipt?.status).toBe(0);
  });

  it("gives contracts the time of now, and the same in a call and in the block that follows", async () => {
    const contract = new Contract(address, abi, provider);
    // The empty checkpoint after the last test's transaction may still be on its way.
    const last = chain.node.status.head();
    if (last.gasUsed > 0n) await untilHeight(chain.node, last.number + 1);
    const seconds = (): number => Math.floor(Date.now() / 1_000);
    const earliest = seconds();
    const [time, number, previous] = await contract.getFunction("now_")();
    expect(Number(time)).toBeGreaterThanOrEqual(earliest);
    expect(Number(time)).toBeLessThanOrEqual(seconds());
    const head = await provider.getBlock("latest");
    expect(Number(number)).toBe(head?.number);
    expect(previous).toBe(head?.parentHash);
  });

  it("makes the last transaction final by an empty checkpoint, then rests", async () => {
    const sender = wallets[2]?.connect(provider);
    const receipt = await (await sender?.sendTransaction({ to: RECIPIENT, value: 1n }))?.wait();
    const height = receipt?.blockNumber ?? 0;
    await untilHeight(chain.node, height + 1);
    expect((await provider.getBlock("finalized"))?.number).toBe(height);
    expect((await provider.getBlock("safe"))?.number).toBe(height + 1);
    expect((await provider.getBlock(height + 1))?.transactions).toEqual([]);
    // Woken without work it makes none: the next block is that of the next transaction.
    chain.node.producer.wake();
    const next = await (await sender?.sendTransaction({ to: RECIPIENT, value: 1n }))?.wait();
    expect(next?.blockNumber).toBe(height + 2);
    expect((await rpc(chain.node.url, "aios_whyPending", [receipt?.hash])).result).toMatchObject({
      status: "included",
      finalized: true,
    });
  });

  it("reads earlier states by number, and proves accounts against the state root", async () => {
    const contract = new Contract(address, abi, wallets[0]?.connect(provider));
    const before = await provider.getBlockNumber();
    const countBefore = await contract.getFunction("count")();
    await (await contract.getFunction("add")(3n, "three")).wait();
    expect(await contract.getFunction("count")({ blockTag: before })).toBe(countBefore);
    expect(await contract.getFunction("count")()).toBe(countBefore + 3n);
    const proof = (await provider.send("eth_getProof", [address, ["0x0"], "latest"])) as {
      storageProof: { value: string; proof: string[] }[];
      accountProof: string[];
    };
    expect(BigInt(proof.storageProof[0]?.value ?? "0x0")).toBe(countBefore + 3n);
    expect(proof.accountProof.length).toBeGreaterThan(0);
  });

  it("creates contracts from contracts and traces the calls", async () => {
    const contract = new Contract(address, abi, wallets[0]?.connect(provider));
    const transaction = await contract.getFunction("make")();
    await transaction.wait();
    const trace = (await provider.send("debug_traceTransaction", [
      transaction.hash,
      { tracer: "callTracer" },
    ])) as {
      type: string;
      to: string;
      calls: { type: string; from: string; to: string }[];
    };
    expect(trace).toMatchObject({ type: "CALL", to: address.toLowerCase() });
    expect(trace.calls).toHaveLength(1);
    expect(trace.calls[0]).toMatchObject({ type: "CREATE", from: address.toLowerCase() });
    expect(await provider.getCode(trace.calls[0]?.to ?? "")).not.toBe("0x");
  });

  it("takes every admitted transaction type and shows them as they were", async () => {
    const sender = wallets[3]?.connect(provider);
    if (sender === undefined) throw new Error("no wallet");
    for (const type of [0, 1, 2] as const) {
      const sent = await sender.sendTransaction({ to: RECIPIENT, value: 1n, type });
      await sent.wait();
      const seen = await provider.getTransaction(sent.hash);
      expect(seen?.type).toBe(type);
      expect(Transaction.from(seen ?? "").serialized).toBe(Transaction.from(sent).serialized);
    }
    const authorization = await sender.authorize({
      address,
      nonce: (await sender.getNonce()) + 1,
      chainId: 26_070n,
    });
    const delegated = await sender.sendTransaction({
      to: sender.address,
      type: 4,
      authorizationList: [authorization],
      gasLimit: 200_000n,
    });
    await delegated.wait();
    expect(await provider.getCode(sender.address)).toBe(`0xef0100${address.slice(2).toLowerCase()}`);
    // An account that delegates is still externally owned.
    await (await sender.sendTransaction({ to: RECIPIENT, value: 1n })).wait();
  });

  it("signs a permit that somebody else brings to the token (EIP-712)", async () => {
    const [owner, spender] = [wallets[3], wallets[4]?.connect(provider)];
    if (owner === undefined || spender === undefined) throw new Error("no wallet");
    const { abi: tokenAbi, bytecode: tokenCode } = compilePermitToken();
    const factory = new ContractFactory(tokenAbi, tokenCode, spender);
    const token = await (await factory.deploy()).waitForDeployment();
    const message = permitMessage(owner.address, spender.address, 1_234);
    const signature = await owner.signTypedData(
      permitDomain(await token.getAddress()),
      PERMIT_TYPES,
      message,
    );
    await (await token.getFunction("permit")(...permitArguments(message, signature))).wait();
    expect(await token.getFunction("allowance")(owner.address, spender.address)).toBe(1_234n);
    await expect(token.getFunction("permit")(...permitArguments(message, signature))).rejects.toMatchObject({
      reason: "not signed by the owner",
    });
  });

  it("keeps a burst of one sender in order and loses none", async () => {
    const sender = wallets[4]?.connect(provider);
    if (sender === undefined) throw new Error("no wallet");
    const nonce = await sender.getNonce();
    const fees = {
      maxFeePerGas: 5_000_000_000n,
      maxPriorityFeePerGas: 1n,
      gasLimit: 21_000n,
      chainId: 26_070n,
    };
    const raw = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        sender.signTransaction({ to: RECIPIENT, value: 1n, type: 2, nonce: nonce + i, ...fees }),
      ),
    );
    const hashes = await Promise.all(
      [...raw].reverse().map((item) => provider.send("eth_sendRawTransaction", [item]) as Promise<string>),
    );
    await expect
      .poll(() => provider.getTransactionCount(sender.address), { timeout: 50_000, interval: 100 })
      .toBe(nonce + 60);
    const receipts = await Promise.all(hashes.map((hash) => provider.getTransactionReceipt(hash)));
    expect(receipts.map((receipt) => receipt?.status)).toEqual(hashes.map(() => 1));
  });

  it("subscribes over WebSocket: heads without gaps, logs, waiting transactions", async () => {
    const socket = new WebSocketProvider(chain.node.webSocketUrl);
    const contract = new Contract(address, abi, wallets[0]?.connect(provider));
    const heads: number[] = [];
    const pending: string[] = [];
    await socket.on("block", (height: number) => heads.push(height));
    await socket.on("pending", (hash: string) => pending.push(hash));
    const logged = new Promise<Log>((resolve) => {
      void socket.on({ address }, (log: Log) => resolve(log));
    });
    // Answers come in order: when this one is here, the subscriptions stand.
    await socket.getBlockNumber();
    const sent = await contract.getFunction("add")(1n, "socket");
    const receipt = await sent.wait();
    expect((await logged).transactionHash).toBe(sent.hash);
    await untilHeight(chain.node, receipt.blockNumber + 1);
    await socket.getBlockNumber();
    expect(heads.slice(-2)).toEqual([receipt.blockNumber, receipt.blockNumber + 1]);
    expect(pending).toContain(sent.hash);
    await socket.destroy();
  });

  it("ends a call that would run too long, while checkpoints go on", async () => {
    const slow = await startTestChain({ settings: { callTimeoutMs: 1_000 } });
    const own = new JsonRpcProvider(slow.node.url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
    const { url } = slow.node;
    // Multiplies a point of BN254 until the gas is gone: seconds of work.
    const code = "0x60015f526002602052" + "5f19604052" + "5b604060806060" + "5f60075afa50600e56";
    const endless = rpc(url, "eth_call", [{ data: code, gas: "0xffffff" }]);
    const sent = await wallets[0]
      ?.connect(own)
      .sendTransaction({ to: RECIPIENT, value: 1n, gasLimit: 21_000n });
    expect((await sent?.wait())?.status).toBe(1);
    expect((await endless).error?.message).toMatch(/timeout/);
    expect((await rpc(url, "eth_call", [{ to: RECIPIENT }])).result).toBe("0x");
    own.destroy();
    await slow[Symbol.asyncDispose]();
  });
});
