import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { keccak256, type TransactionLike } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type RpcReply, rpc, startTestChain, wallets } from "../support/test-chain.js";

const sender = wallets[5];
const TO = `0x${"99".repeat(20)}`;
const GOOD = {
  type: 2,
  chainId: 26_070,
  nonce: 0,
  to: TO,
  value: 1n,
  gasLimit: 21_000n,
  maxFeePerGas: 2_000_000_000n,
  maxPriorityFeePerGas: 1n,
};

async function post(url: string, body: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { method: "POST", body });
  return { status: response.status, text: await response.text() };
}

describe("bad input", () => {
  let chain: Awaited<ReturnType<typeof startTestChain>>;
  let url: string;

  beforeAll(async () => {
    chain = await startTestChain({
      settings: {
        maxBodyBytes: 400_000,
        maxBatch: 5,
        maxLogBlocks: 10,
        maxResponseBytes: 100_000,
        maxSubscriptionsPerConnection: 2,
      },
    });
    url = chain.node.url;
  });

  afterAll(async () => {
    // Whatever came in, nothing broke inside and the node answers.
    expect(chain.problems).toEqual([]);
    expect((await rpc(url, "eth_chainId")).result).toBe("0x65d6");
    await chain[Symbol.asyncDispose]();
  });

  const signed = async (change: TransactionLike): Promise<string> =>
    (await sender?.signTransaction({ ...GOOD, ...change })) ?? "";
  const refusal = async (raw: string): Promise<string> =>
    (await rpc(url, "eth_sendRawTransaction", [raw])).error?.message ?? "accepted";

  it.each([
    ["wrong chain id", { chainId: 1 }, /invalid chain id/],
    ["nonce far beyond the account's", { nonce: 100_000 }, /nonce too high/],
    ["gas below the intrinsic", { gasLimit: 20_000n }, /intrinsic gas too low/],
    ["gas beyond the transaction cap", { gasLimit: 20_000_000n }, /exceeds block gas limit/],
    ["more than the account has", { value: 10n ** 30n }, /insufficient funds/],
    ["too many bytes", { data: `0x${"11".repeat(140_000)}`, gasLimit: 16_000_000n }, /oversized data/],
    [
      "initcode over the limit",
      { to: null, data: `0x${"00".repeat(50_000)}`, gasLimit: 16_000_000n },
      /rlp|initcode/,
    ],
  ])("refuses a transaction with %s", async (_name, change, message) => {
    expect(await refusal(await signed(change))).toMatch(message);
  });

  it("answers each request of a batch by itself, in its place", async () => {
    const request = (id: number | undefined, method: string, ...params: unknown[]) => ({
      ...(id === undefined ? {} : { id }),
      ...{ jsonrpc: "2.0", method, params },
    });
    const raw = await signed({ chainId: 1 });
    const body = JSON.stringify([
      request(1, "eth_sendRawTransaction", raw),
      request(2, "eth_chainId"),
      request(undefined, "eth_sendRawTransaction", raw),
      request(3, "eth_sendRawTransaction", 7),
      request(4, "eth_sendRawTransaction", "0x02"),
    ]);
    expect(JSON.parse((await post(url, body)).text)).toMatchObject([
      { id: 1, error: { code: -32000, message: expect.stringMatching(/invalid chain id/) } },
      { id: 2, result: "0x65d6" },
      { id: 3, error: { code: -32602 } },
      { id: 4, error: { code: -32000, message: expect.stringMatching(/rlp/) } },
    ]);
  });

  it("refuses malformed, blob, unprotected and tampered transactions", async () => {
    const raw = await signed({});
    expect(await refusal("0x")).toMatch(/rlp/);
    expect(await refusal("0x02")).toMatch(/rlp/);
    expect(await refusal("0x02c0")).toMatch(/rlp/);
    expect(await refusal(`${raw}00`)).toMatch(/rlp/);
    expect(await refusal(raw.slice(0, -2))).toMatch(/rlp/);
    expect(await refusal(`0x03${raw.slice(4)}`)).toMatch(/type not supported: 3/);
    expect(await refusal(`0x7f${raw.slice(4)}`)).toMatch(/type not supported: 127/);
    const legacy = { type: 0, nonce: 0, to: TO, gasLimit: 21_000n, gasPrice: 2_000_000_000n };
    expect(await refusal((await sender?.signTransaction(legacy)) ?? "")).toMatch(/replay-protected/);
    // An s beyond the order of the curve is no signature.
    expect(await refusal(raw.replace(/a0[0-9a-f]{64}$/, `a0${"f".repeat(64)}`))).toMatch(
      /invalid sender|rlp/,
    );
    expect((await rpc(url, "eth_sendRawTransaction", ["0xzz"])).error?.code).toBe(-32602);
    expect((await rpc(url, "eth_sendRawTransaction", [`0x${"00".repeat(90_000)}`])).error?.message).toMatch(
      /rlp|oversized/,
    );
  });

  it("refuses reuse, a cheap replacement, and accepts a dear one", async () => {
    const waiting = await signed({ nonce: 5 });
    expect((await rpc(url, "eth_sendRawTransaction", [waiting])).error).toBeUndefined();
    expect(await refusal(waiting)).toMatch(/already known/);
    expect(await refusal(await signed({ nonce: 5, value: 2n }))).toMatch(
      /replacement transaction underpriced/,
    );
    const dearer = await rpc(url, "eth_sendRawTransaction", [
      await signed({ nonce: 5, value: 2n, maxFeePerGas: 3_000_000_000n, maxPriorityFeePerGas: 2n }),
    ]);
    expect(dearer.error).toBeUndefined();
    expect((await rpc(url, "aios_whyPending", [dearer.result])).result).toMatchObject({
      status: "pending",
      reason: { code: "nonce-gap", missingNonce: expect.any(String) },
    });
    const replaced = await rpc(url, "aios_whyPending", [keccak256(waiting)]);
    expect(replaced.result).toMatchObject({ status: "dropped", code: "replaced" });
    expect((await rpc(url, "txpool_status")).result).toMatchObject({ queued: "0x1" });
  });

  it("knows what is in a block, and refuses another transaction with its nonce", async () => {
    const other = wallets[4];
    const from = async (change: TransactionLike): Promise<string> =>
      (await other?.signTransaction({ ...GOOD, ...change })) ?? "";
    const included = await from({});
    const { result: hash } = await rpc(url, "eth_sendRawTransaction", [included]);
    await expect
      .poll(async () => (await rpc(url, "eth_getTransactionReceipt", [hash])).result, { timeout: 10_000 })
      .not.toBeNull();
    expect(await refusal(included)).toMatch(/already known/);
    expect(await refusal(await from({ value: 2n }))).toMatch(/nonce too low/);
  });

  it("answers broken JSON-RPC with its standard codes", async () => {
    const code = async (body: string): Promise<number | undefined> =>
      (JSON.parse((await post(url, body)).text) as RpcReply).error?.code;
    expect(await code("{")).toBe(-32700);
    expect(await code("[]")).toBe(-32600);
    expect(await code("1")).toBe(-32600);
    expect(await code('{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}')).toBe(-32600);
    expect(await code('{"jsonrpc":"2.0","id":1,"method":5}')).toBe(-32600);
    expect(await code('{"jsonrpc":"2.0","id":1,"method":"eth_nope"}')).toBe(-32601);
    expect(await code('{"jsonrpc":"2.0","id":1,"method":"__proto__"}')).toBe(-32601);
    expect(await code('{"jsonrpc":"2.0","id":1,"method":"constructor"}')).toBe(-32601);
    expect(await code('{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{"a":1}}')).toBe(-32602);
    expect(await code('{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["nope","latest"]}')).toBe(
      -32602,
    );
    expect(await code("[".repeat(10_000))).toBe(-32600);
    expect(
      await code(
        `[${Array.from({ length: 6 }, () => '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}').join(",")}]`,
      ),
    ).toBe(-32005);
    expect((await post(url, '{"jsonrpc":"2.0","method":"eth_chainId"}')).status).toBe(204);
    const mixed = JSON.parse(
      (await post(url, '[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},5]')).text,
    ) as RpcReply[];
    expect(mixed.map((reply) => reply.error?.code)).toEqual([undefined, -32600]);
    expect((await rpc(url, "eth_sendTransaction", [{}])).error?.code).toBe(-32004);
  });

  it("bounds bodies, log ranges, answers, subscriptions", async () => {
    expect((await post(url, " ".repeat(500_000))).status).toBe(413);
    expect((await fetch(url)).status).toBe(405);
    const range = await rpc(url, "eth_getLogs", [{ fromBlock: "0x5", toBlock: "0x1" }]);
    expect(range.error?.message).toMatch(/invalid block range/);
    expect(
      (await rpc(url, "eth_getLogs", [{ topics: Array.from({ length: 5 }, () => null) }])).error?.code,
    ).toBe(-32602);
    expect(
      (await rpc(url, "eth_getProof", [TO, Array.from({ length: 2_000 }, () => "0x0"), "latest"])).error
        ?.code,
    ).toBe(-32602);
    expect((await rpc(url, "eth_getBlockByNumber", ["0xfffffffffff", false])).result).toBeNull();
    expect((await rpc(url, "eth_call", [{ to: TO }, "0xffffff"])).error?.message).toMatch(/block not found/);
    expect((await rpc(url, "eth_getFilterChanges", ["0x99"])).error?.message).toBe("filter not found");
    const socket = new WebSocket(chain.node.webSocketUrl);
    await once(socket, "open");
    const ask = async (): Promise<RpcReply> => {
      socket.send('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}');
      const [message] = (await once(socket, "message")) as [Buffer];
      return JSON.parse(message.toString()) as RpcReply;
    };
    expect((await ask()).result).toMatch(/^0x/);
    expect((await ask()).result).toMatch(/^0x/);
    expect((await ask()).error?.code).toBe(-32005);
    socket.send("x".repeat(500_000));
    const [closeCode] = (await once(socket, "close")) as [number];
    expect(closeCode).toBe(1009);
  });

  it("refuses floods at once: 10 MB, 10,000 requests, depth, a log query beyond the head", async () => {
    expect((await post(url, "x".repeat(10_000_000))).status).toBe(413);
    const one = '{"jsonrpc":"2.0","id":1,"method":"x"}';
    const flood = await post(url, `[${Array.from({ length: 10_000 }, () => one).join(",")}]`);
    expect((JSON.parse(flood.text) as RpcReply).error?.code).toBe(-32005);
    const deep = `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":${"[".repeat(5_000)}${"]".repeat(5_000)}}`;
    expect((JSON.parse((await post(url, deep)).text) as RpcReply).error?.code).toBe(-32600);
    const beyond = await rpc(url, "eth_getLogs", [{ fromBlock: "0x0", toBlock: "0xffffff" }]);
    expect(beyond.error?.message).toMatch(/beyond the current head/);
    const simulated = { blockStateCalls: Array.from({ length: 257 }, () => ({})) };
    expect((await rpc(url, "eth_simulateV1", [simulated, "latest"])).error?.code).toBe(-38026);
    const far = { blockStateCalls: [{ blockOverrides: { number: "0xffffff" } }] };
    expect((await rpc(url, "eth_simulateV1", [far, "latest"])).error?.code).toBe(-38026);
  });

  it("answers others while sockets trickle their requests", async () => {
    const sockets = Array.from({ length: 50 }, () => connectTcp(chain.node.port, "127.0.0.1"));
    for (const socket of sockets) {
      socket.on("error", () => undefined);
      await once(socket, "connect");
      socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
    }
    expect((await rpc(url, "eth_chainId")).result).toBe("0x65d6");
    for (const socket of sockets) socket.destroy();
  });

  it("survives a peer that speaks no HTTP", async () => {
    const socket = connectTcp(chain.node.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(Buffer.alloc(4_096, 0xff));
    await once(socket, "close");
  });

  it("never breaks on random parameters of any method", async () => {
    const methods = [
      "eth_call",
      "eth_estimateGas",
      "eth_getBalance",
      "eth_getStorageAt",
      "eth_getLogs",
      "eth_feeHistory",
      "eth_getProof",
      "eth_newFilter",
      "eth_getBlockByNumber",
      "eth_getTransactionByHash",
      "eth_createAccessList",
      "debug_traceTransaction",
      "debug_traceCall",
      "debug_traceBlockByNumber",
      "debug_getRawBlock",
      "eth_simulateV1",
      "eth_fillTransaction",
      "eth_getStorageValues",
      "txpool_contentFrom",
      "aios_getCheckpoint",
      "aios_getDag",
      "aios_getCertificate",
      "aios_whyPending",
      "eth_getBlockReceipts",
      "eth_sendRawTransaction",
    ];
    const scalar = fc.oneof(
      fc.constantFrom("latest", "pending", "0x", "0x0", "0xzz", "", TO, `0x${"ab".repeat(32)}`),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.string(),
    );
    const object = fc.dictionary(
      fc.constantFrom(
        "from",
        "to",
        "data",
        "input",
        "value",
        "gas",
        "gasPrice",
        "topics",
        "address",
        "fromBlock",
        "blockHash",
        "accessList",
        "authorizationList",
      ),
      fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...methods),
        fc.array(fc.oneof(scalar, object, fc.array(scalar)), { maxLength: 4 }),
        async (method, parameters) => {
          const reply = await rpc(url, method, parameters);
          expect(reply.error?.code).not.toBe(-32603);
          expect("result" in reply || reply.error !== undefined).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });
});
