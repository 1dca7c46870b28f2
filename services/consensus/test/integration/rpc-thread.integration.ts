import { Worker } from "node:worker_threads";
import { eventually } from "@aios/testkit/eventually";
import { StartedThreads } from "@aios/testkit/started-threads";
import { describe, expect, it } from "vitest";
import { rpc, startTestChain, untilHeight, wallets } from "../support/test-chain.js";

/** Asks while the thread that started it stands still, and wakes it with whether there was an answer. */
const CLIENT = `
const { workerData } = require("node:worker_threads");
const state = new Int32Array(workerData.memory);
const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getBlockByNumber", params: ["latest", true] });
const headers = { "content-type": "application/json" };
fetch(workerData.url, { method: "POST", headers, body })
  .then((response) => response.json())
  .then(({ result }) => Atomics.store(state, 0, Number(result.number) === 0 ? 1 : 2))
  .catch(() => Atomics.store(state, 0, 3))
  .finally(() => Atomics.notify(state, 0));
`;
const PATIENCE_MS = 30_000;

describe("the thread that serves JSON-RPC", () => {
  it("answers what is stored while the thread that makes blocks does nothing but stand still", async () => {
    await using chain = await startTestChain();
    const memory = new SharedArrayBuffer(4);
    const client = new Worker(CLIENT, { eval: true, workerData: { memory, url: chain.node.url } });
    try {
      expect(Atomics.wait(new Int32Array(memory), 0, 0, PATIENCE_MS)).not.toBe("timed-out");
      expect(Atomics.load(new Int32Array(memory), 0)).toBe(1);
    } finally {
      await client.terminate();
    }
  });

  it("is replaced on the same port when it ends by itself, and its end is told", async () => {
    using threads = new StartedThreads();
    await using chain = await startTestChain();
    const [wallet] = wallets;
    const send = async (nonce: number): Promise<unknown> => {
      const raw = await wallet?.signTransaction({
        type: 2,
        chainId: 26_070,
        nonce,
        to: `0x${"46".repeat(20)}`,
        gasLimit: 21_000n,
        maxFeePerGas: 10n ** 10n,
        maxPriorityFeePerGas: 1n,
      });
      return (await rpc(chain.node.url, "eth_sendRawTransaction", [raw])).result;
    };
    const before = await send(0);
    await untilHeight(chain.node, 1);
    expect(await threads.crash()).toBeGreaterThan(0);
    const receipt = await eventually(
      async () => (await rpc(chain.node.url, "eth_getTransactionReceipt", [before])).result,
      PATIENCE_MS,
    );
    expect(receipt).toMatchObject({ transactionHash: before, status: "0x1" });
    expect(chain.problems).toHaveLength(1);
    expect(String(chain.problems[0])).toContain("the thread that serves JSON-RPC has ended");
    expect(await send(1)).toMatch(/^0x[0-9a-f]{64}$/);
    await untilHeight(chain.node, 3);
  });
});
