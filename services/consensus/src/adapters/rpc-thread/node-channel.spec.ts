import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { describe, expect, it, vi } from "vitest";
import { errorAcross } from "../../domain/error-across.js";
import { nonceTooLow } from "../../domain/errors.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import { NodeChannel } from "./node-channel.js";
import { packTransactions } from "./packed-transactions.js";
import { RemotePool } from "./remote-pool.js";
import type { FromRpcThread } from "./rpc-protocol.js";

type Ask = Extract<FromRpcThread, { kind: "ask" }>;

const SENDER = `0x${"5e".repeat(20)}` as Address;
const LIMITS = { questions: 2, timeoutMs: 1_000 };

function channelOf() {
  const asked: Ask[] = [];
  const channel = new NodeChannel({ postMessage: (message) => asked.push(message as Ask) }, LIMITS);
  return { channel, asked };
}

describe("the way to the thread that makes blocks", () => {
  it("brings each question its own answer, in whatever order they come", async () => {
    const { channel, asked } = channelOf();
    const both = [channel.ask("nextNonce", [SENDER]), channel.ask("now", [])];
    expect(asked.map(({ name, given }) => [name, given])).toEqual([
      ["nextNonce", [SENDER]],
      ["now", []],
    ]);
    for (const { number, name } of asked.toReversed())
      channel.receive({ kind: "answer", number, value: name === "now" ? 7 : 3n });
    expect(await Promise.all(both)).toEqual([3n, 7]);
  });

  it("throws what the answer threw, with its code and words", async () => {
    const { channel, asked } = channelOf();
    const question = channel.ask("nextNonce", [SENDER]);
    const number = asked[0]?.number ?? -1;
    channel.receive({ kind: "refused", number, error: errorAcross(nonceTooLow(3n, 1n)) });
    await expect(question).rejects.toMatchObject({
      code: "nonce-too-low",
      message: nonceTooLow(3n, 1n).message,
    });
  });

  it("takes no more questions at once than it bears", async () => {
    const { channel, asked } = channelOf();
    const open = [channel.ask("now", []), channel.ask("now", [])];
    await expect(channel.ask("now", [])).rejects.toMatchObject({ code: "node-busy" });
    for (const { number } of asked) channel.receive({ kind: "answer", number, value: 1 });
    await Promise.all(open);
    const next = channel.ask("now", []);
    channel.receive({ kind: "answer", number: asked.at(-1)?.number ?? -1, value: 2 });
    expect(await next).toBe(2);
  });

  it("waits for an answer for so long and no longer", async () => {
    vi.useFakeTimers();
    try {
      const { channel, asked } = channelOf();
      const question = expect(channel.ask("now", [])).rejects.toMatchObject({ code: "node-timeout" });
      await vi.advanceTimersByTimeAsync(LIMITS.timeoutMs);
      await question;
      channel.receive({ kind: "answer", number: asked[0]?.number ?? -1, value: 1 });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("the pool in another thread", () => {
  const RAW = Uint8Array.from(
    Buffer.from(
      "02f86a8265d6800184b2d05e0082520894464646464646464646464646464646464646464601" +
        "80c080a0" +
        "11".repeat(32) +
        "a0" +
        "22".repeat(32),
      "hex",
    ),
  );
  const transaction = (serial: number): SignedTransaction =>
    ({
      raw: RAW,
      sender: SENDER,
      hash: `0x${serial.toString(16).padStart(64, "0")}`,
      minimumGas: 21_000n,
    }) as never;
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it("gets what comes in one turn as one message, and each its own refusal", async () => {
    const { channel, asked } = channelOf();
    const pool = new RemotePool(channel, 8);
    const first = pool.admit([transaction(1), transaction(2)]);
    const second = pool.admit([transaction(3)]);
    await turn();
    expect(asked).toHaveLength(1);
    expect(asked[0]?.given).toEqual([packTransactions([1, 2, 3].map(transaction))]);
    const refusals = [[1, errorAcross(nonceTooLow(3n, 1n))]];
    channel.receive({ kind: "answer", number: asked[0]?.number ?? -1, value: refusals });
    expect(await first).toEqual([undefined, expect.objectContaining({ code: "nonce-too-low" })]);
    expect(await second).toEqual([undefined]);
  });

  it("refuses what is more than may be on its way, and takes the next when there is room", async () => {
    const { channel, asked } = channelOf();
    const pool = new RemotePool(channel, 2);
    const first = pool.admit([transaction(1), transaction(2)]);
    expect(await pool.admit([transaction(3)])).toEqual([expect.objectContaining({ code: "recovery-busy" })]);
    await turn();
    channel.receive({ kind: "answer", number: asked[0]?.number ?? -1, value: [] });
    expect(await first).toEqual([undefined, undefined]);
    const again = pool.admit([transaction(3)]);
    await turn();
    channel.receive({ kind: "answer", number: asked[1]?.number ?? -1, value: [] });
    expect(await again).toEqual([undefined]);
  });

  it("has none of a hash that does not wait", async () => {
    const { channel, asked } = channelOf();
    const question = new RemotePool(channel, 1).get(`0x${"ab".repeat(32)}` as Bytes32);
    channel.receive({ kind: "answer", number: asked[0]?.number ?? -1, value: packTransactions([]) });
    expect(await question).toBeUndefined();
  });
});
