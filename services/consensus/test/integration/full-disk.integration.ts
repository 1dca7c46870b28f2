import { eventually } from "@aios/testkit/eventually";
import { canMountDisks, SmallDisk } from "@aios/testkit/small-disk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RpcReply, rpc, startTestChain, wallets } from "../support/test-chain.js";

const DISK_BYTES = 24 * 1024 ** 2;
const TO = `0x${"45".repeat(20)}`;
const FULL = "the node's disk is full: nothing was written. Free some space; it goes on by itself";
const MOST_TRIES = 300;

/** Needs a file system of its own: runs as root on Linux. */
describe.skipIf(!canMountDisks())("a node whose disk is full", () => {
  let disk: SmallDisk;
  let chain: Awaited<ReturnType<typeof startTestChain>>;
  beforeEach(async () => {
    disk = SmallDisk.mount(DISK_BYTES);
    chain = await startTestChain({ dataDir: `${disk.path}/data` });
  });
  afterEach(async () => {
    disk?.free();
    await chain?.[Symbol.asyncDispose]();
    disk?.unmount();
  });

  const send = async (nonce: number, data = "0x"): Promise<RpcReply> => {
    const raw = await wallets[0]?.signTransaction({
      type: 2,
      chainId: 26_070,
      to: TO,
      value: 1n,
      nonce,
      data,
      gasLimit: 10_000_000n,
      maxFeePerGas: 10_000_000_000n,
      maxPriorityFeePerGas: 1n,
    });
    return rpc(chain.node.url, "eth_sendRawTransaction", [raw]);
  };
  /** How many transfers are in blocks. */
  const received = async (): Promise<number> =>
    Number((await rpc(chain.node.url, "eth_getBalance", [TO, "latest"])).result);

  it("says so, loses nothing that it answered for, and goes on by itself when there is space", async () => {
    let accepted = 0;
    expect((await send(accepted++)).error).toBeUndefined();
    await eventually(async () => expect(await received()).toBe(accepted));

    disk.fill();
    // Pages that LMDB had freed inside its file still take a few.
    let refusal: RpcReply["error"];
    for (let tries = 0; tries < MOST_TRIES && refusal === undefined; tries += 1) {
      refusal = (await send(accepted, `0x${"5a".repeat(20_000)}`)).error;
      if (refusal === undefined) accepted += 1;
    }
    expect(refusal?.message).toBe(FULL);
    expect(chain.node.mempool.pool.nextNonce(wallets[0]?.address.toLowerCase() as never, 1n)).toBe(
      BigInt(accepted),
    );

    disk.free();
    await eventually(async () => expect(await received()).toBe(accepted));
    expect((await send(accepted++)).error).toBeUndefined();
    await eventually(async () => expect(await received()).toBe(accepted));
    await chain.node.stop();
    chain = await startTestChain({ dataDir: `${disk.path}/data` });
    expect(await received()).toBe(accepted);
  }, 60_000);

  it("says why it does not start, and starts when there is space", async () => {
    await chain.node.stop();
    disk.fill();
    await expect(startTestChain({ dataDir: `${disk.path}/data` })).rejects.toMatchObject({
      code: "disk-full",
      message: FULL,
    });
    disk.free();
    chain = await startTestChain({ dataDir: `${disk.path}/data` });
    expect(await received()).toBe(0);
  });
});
