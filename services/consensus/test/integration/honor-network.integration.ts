import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { HonorProcesses } from "../support/honor-processes.js";
import { wallets } from "../support/test-chain.js";

/** More by command: HONOR_ROUNDS=20 HONOR_SEATS=6. */
const ROUNDS = Number(process.env["HONOR_ROUNDS"] ?? 1);
const SEATS = Number(process.env["HONOR_SEATS"] ?? 4);
const TO = `0x${"45".repeat(20)}`;
const FOLLOWER = SEATS;
const FEES = {
  type: 2,
  chainId: 26_070,
  to: TO,
  value: 1n,
  gasLimit: 21_000n,
  maxFeePerGas: 10_000_000_000n,
  maxPriorityFeePerGas: 1n,
};
const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 60_000, interval: 100 });

describe(`${SEATS} honor nodes and a follower, each a process`, () => {
  let network: HonorProcesses;
  let sent = 0;
  const nonces = wallets.map(() => 0);

  beforeAll(async () => {
    network = await HonorProcesses.start({ seats: SEATS, followers: 1, tickMs: 600, hasProxies: true });
  });
  afterAll(() => network[Symbol.asyncDispose]());

  const all = (): number[] => [...network.nodes.keys()];

  /** One transfer of each of the first three accounts, each to another node. Returns their hashes. */
  async function transfer(through: readonly number[]): Promise<string[]> {
    const hashes: string[] = [];
    for (const user of [0, 1, 2]) {
      const nonce = nonces[user] ?? 0;
      const raw = await wallets[user]?.signTransaction({ ...FEES, nonce });
      hashes.push(await network.ask(through[user % through.length] ?? 0, "eth_sendRawTransaction", [raw]));
      nonces[user] = nonce + 1;
      sent += 1;
    }
    return hashes;
  }

  /** A certificate attests the state after the block of each. */
  async function untilFinal(hashes: readonly string[], at: readonly number[]): Promise<void> {
    for (const node of at)
      for (const hash of hashes)
        await until(async () => {
          const receipt = await network.ask<{ blockNumber: string; status: string } | null>(
            node,
            "eth_getTransactionReceipt",
            [hash],
          );
          expect(receipt?.status).toBe("0x1");
          expect(await network.finalized(node)).toBeGreaterThanOrEqual(Number(receipt?.blockNumber));
        });
  }

  /** All nodes have the same blocks up to the least height, which is beyond where they are now. */
  async function untilAgreed(): Promise<void> {
    const target = Math.max(...(await Promise.all(all().map((node) => network.height(node))))) + 1;
    await until(async () => {
      for (const node of all()) expect(await network.finalized(node)).toBeGreaterThanOrEqual(target);
    });
    for (let height = 0; height <= target; height++) {
      const hashes = await Promise.all(all().map((node) => network.hash(node, height)));
      expect(new Set(hashes).size, `blocks of height ${height}: ${hashes.join()}`).toBe(1);
    }
    const balances = await Promise.all(
      all().map((node) => network.ask<string>(node, "eth_getBalance", [TO, `0x${target.toString(16)}`])),
    );
    expect(balances.map(Number)).toEqual(all().map(() => sent));
  }

  it("finalise transfers by certificate, the same on every node", async () => {
    await untilFinal(await transfer([0, 1, FOLLOWER]), all());
    await untilAgreed();
  });

  it("go on while one is gone, and take it back after kill -9", { timeout: ROUNDS * 240_000 }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const victim = round % (SEATS + 1);
      const others = all().filter((node) => node !== victim);
      const before = await transfer(others);
      await network.kill(victim);
      await untilFinal([...before, ...(await transfer(others))], others);
      await network.restart(victim);
      await untilFinal(await transfer([victim]), all());
      await untilAgreed();
    }
  });

  it("go on after all are killed at once", async () => {
    const hashes = await transfer([0, 1, 2]);
    await Promise.all(all().map((node) => network.kill(node)));
    await Promise.all(all().map((node) => network.restart(node)));
    await untilFinal(hashes, all());
    await untilAgreed();
  });

  it("go on while one hangs, and take it back", { timeout: ROUNDS * 240_000 }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const victim = (round + 1) % SEATS;
      const others = all().filter((node) => node !== victim);
      network.node(victim).child.kill("SIGSTOP");
      await untilFinal(await transfer(others), others);
      network.node(victim).child.kill("SIGCONT");
      await untilAgreed();
    }
  });

  it("stop where no side has a quorum, and go on in one history after it", async () => {
    const side = all().slice(0, SEATS / 2);
    network.separate(side, true);
    const hashes = [...(await transfer([0])), ...(await transfer([FOLLOWER]))];
    const heights = await Promise.all(all().map((node) => network.height(node)));
    await vi.waitFor(async () => expect(await network.ask(0, "net_peerCount")).not.toBe(undefined));
    network.separate(side, false);
    await untilFinal(hashes, all());
    await untilAgreed();
    expect(Math.min(...(await Promise.all(all().map((node) => network.height(node)))))).toBeGreaterThan(
      Math.max(...heights),
    );
  });
});
