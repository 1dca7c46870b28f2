import type { ChainTimeParameters } from "@aios/core-committee/chain-time";
import { type CertifiedCheckpoint, LightClient } from "@aios/core-committee/light-client";
import { blsSignatures } from "@aios/core-finality/bls-signatures";
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
interface Status {
  readonly signingChainId: string;
  readonly tick: string;
  readonly peers: readonly string[];
  readonly time: ChainTimeParameters;
}

interface CertifiedJson {
  readonly checkpoint: Readonly<Record<string, string>>;
  readonly certificate: { readonly round: string; readonly signers: string; readonly signature: string };
}

/** A certified checkpoint out of what `aios_getCertificate` says. */
function certified({ checkpoint, certificate }: CertifiedJson): CertifiedCheckpoint {
  const field = (name: string): string => checkpoint[name] ?? "";
  const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.slice(2), "hex"));
  const fields = {
    height: Number(field("height")),
    parentId: field("parentId"),
    parentRound: Number(field("parentRound")),
    tip: field("tip"),
    tick: Number(field("tick")),
    attestedRoot: field("attestedRoot").slice(2),
    nextSetId: field("nextSetId"),
    ...(checkpoint["attestedDag"] === undefined ? {} : { attestedDag: checkpoint["attestedDag"] }),
  };
  return {
    checkpoint: fields,
    certificate: {
      height: fields.height,
      round: Number(certificate.round),
      checkpointId: field("id"),
      signers: bytes(certificate.signers),
      signature: bytes(certificate.signature),
    },
  };
}

const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 150_000, interval: 100 });

describe(`${SEATS} honor nodes and a follower, each a process`, { timeout: ROUNDS * 300_000 }, () => {
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

  /** Waits until no node has decided anything for ten ticks; returns the heights. */
  async function untilStill(): Promise<number[]> {
    let heights: number[] = [];
    let sinceTick = Number.POSITIVE_INFINITY;
    await until(async () => {
      const states = await Promise.all(
        all().map((node) => network.ask<{ height: string; tick: string }>(node, "aios_honorStatus")),
      );
      const now = states.map(({ height }) => Number(height) - 1);
      const tick = Math.max(...states.map((state) => Number(state.tick)));
      if (now.join() !== heights.join()) {
        heights = now;
        sinceTick = tick;
      }
      expect(tick).toBeGreaterThanOrEqual(sinceTick + 10);
    });
    return heights;
  }

  it("finalise transfers by certificate, the same on every node", async () => {
    await untilFinal(await transfer([0, 1, FOLLOWER]), all());
    await untilAgreed();
  });

  it("show the DAG, the set, and certificates that a light client believes", async () => {
    const status = await network.ask<Status>(0, "aios_honorStatus");
    const set = await network.ask<{ members: { publicKey: string; account: string }[] }>(
      0,
      "aios_getHonorSet",
    );
    expect(set.members).toHaveLength(SEATS);
    expect(status.peers).toHaveLength(SEATS);
    const tick = Number(status.tick);
    const dag = await network.ask<{ id: string; parents: string[]; transactions: string[] }[]>(
      0,
      "aios_getDag",
      [`0x${Math.max(0, tick - 100).toString(16)}`, status.tick],
    );
    expect(new Set(dag.flatMap(({ transactions }) => transactions)).size).toBe(sent);
    const height = await network.finalized(FOLLOWER);
    const decision = await network.ask<CertifiedJson>(FOLLOWER, "aios_getCertificate", [
      `0x${(height + 1).toString(16)}`,
    ]);
    const block = await network.ask<{ stateRoot: string }>(1, "eth_getBlockByNumber", [
      `0x${height.toString(16)}`,
      false,
    ]);
    expect(decision.checkpoint.attestedRoot).toBe(block.stateRoot);
    const members = set.members.map(({ account, publicKey }) => ({ account, publicKey: publicKey.slice(2) }));
    const client = new LightClient(
      { chainId: status.signingChainId, time: status.time, scheme: blsSignatures, trustPeriodMs: 3_600_000 },
      { set: { number: 0, members }, fromHeight: 1, fromTick: 0 },
    );
    client.verify(certified(decision), Date.now());
    const forged = {
      ...decision,
      checkpoint: { ...decision.checkpoint, attestedRoot: `0x${"00".repeat(32)}` },
    };
    expect(() => client.verify(certified(forged), Date.now())).toThrow(
      expect.objectContaining({ code: "invalid-certificate" }),
    );
    expect(await network.ask(0, "aios_getEvidence")).toEqual([]);
  });

  it("go on while one is gone, and take it back after kill -9", async () => {
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

  it("go on while one hangs, and take it back", async () => {
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
    // Rounds go by, and nobody decides anything alone: for ten ticks no height moves.
    const heights = await untilStill();
    network.separate(side, false);
    await untilFinal(hashes, all());
    await untilAgreed();
    expect(Math.min(...(await Promise.all(all().map((node) => network.height(node)))))).toBeGreaterThan(
      Math.max(...heights),
    );
  });
});
