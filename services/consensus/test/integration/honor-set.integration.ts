import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { HOME_FILES, type NodeFile, readSecret } from "@aios/consensus/honor-home";
import { addSeatKey, openOperator, seatOf } from "@aios/consensus/make-home";
import { STAKERS_RESERVE, STAKING_CONTRACT } from "@aios/consensus/testnet/staking-genesis";
import { abi as stakingAbi } from "@aios/contracts/abi/honor-staking";
import { blsSign } from "@aios/core-finality/bls-signatures";
import { signedBytes, type Vote } from "@aios/core-finality/messages";
import { encodePacket, toWire } from "@aios/core-honor-node/packet-codec";
import { PACKET_FAULTS } from "@aios/core-honor-node/packet-faults";
import { nodeIdentity } from "@aios/peer-network/node-certificate";
import { PeerNetwork } from "@aios/peer-network/peer-network";
import { systemClock } from "@aios/service-kit/system-clock";
import {
  type CertifiedJson,
  DocumentedLightClient,
  type GenesisJson,
  type SetJson,
} from "@aios/testkit/documented-light-client";
import { Interface, keccak256 } from "ethers";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { HonorProcesses } from "../support/honor-processes.js";
import { testGenesisJson, wallets } from "../support/test-chain.js";

const DAY_MS = 24 * 3_600_000;
const SEATS = 4;
const CANDIDATE = 4;
const NODES = [0, 1, 2, 3, 4];
const AIOS = 10n ** 18n;
const DEPOSIT = 10n * AIOS;
const ELECTED_WITHIN_MS = 150_000;
const staking = new Interface(stakingAbi);
const until = <T>(check: () => Promise<T>) => vi.waitFor(check, { timeout: 150_000, interval: 200 });

describe("an honor set that is elected from deposits, each node a process", { timeout: 300_000 }, () => {
  let network: HonorProcesses;
  let nonce = 0;

  beforeAll(async () => {
    network = await HonorProcesses.start({
      seats: SEATS,
      candidates: 1,
      tickMs: 600,
      genesis: {
        ...testGenesisJson(),
        baseFeeSplit: {
          burnedBps: 7_000,
          recipients: [{ name: "stakers", address: STAKERS_RESERVE, shareBps: 3_000 }],
        },
      },
      time: { ticksPerSlot: 2, slotsPerEpoch: 2, epochsPerCycle: 3 },
      staking: {
        paidBy: wallets[0]?.address ?? "",
        operatorWei: AIOS,
        minimumDepositWei: DEPOSIT,
        treasury: `0x${"7e".repeat(20)}` as never,
      },
    });
  }, 120_000);
  afterAll(() => network[Symbol.asyncDispose]());

  const home = (node: number): string => network.node(node).home;
  const seatOfNode = async (node: number): Promise<number | null> => {
    const { seat } = await network.ask<{ seat: string | null }>(node, "aios_honorStatus");
    return seat === null ? null : Number(seat);
  };
  const setAt = (node: number, ...number: string[]) => network.ask<SetJson>(node, "aios_getHonorSet", number);
  const accountsAt = async (node: number): Promise<string[]> =>
    (await setAt(node)).members.map(({ account }) => account);
  const stakedAs = async (node: number): Promise<string> => {
    const { key } = await seatOf(home(node));
    const data = staking.encodeFunctionData("ownerOfKey", [keccak256(key.publicKey)]);
    const answer = await network.ask<string>(0, "eth_call", [{ to: STAKING_CONTRACT, data }, "latest"]);
    return `0x${answer.slice(26)}`;
  };

  /** Coins to an account, final. */
  async function pay(to: string, value: bigint): Promise<void> {
    const fees = { maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1n, gasLimit: 21_000n };
    const raw = await wallets[1]?.signTransaction({ type: 2, chainId: 26_070, to, value, nonce, ...fees });
    nonce += 1;
    const hash = await network.ask<string>(0, "eth_sendRawTransaction", [raw]);
    await until(async () => {
      const receipt = await network.ask<{ status: string } | null>(0, "eth_getTransactionReceipt", [hash]);
      expect(receipt?.status).toBe("0x1");
    });
  }

  /** A client that knows the genesis file follows to the present set and believes what this node finalised. */
  async function followFrom(node: number): Promise<number> {
    const genesis = JSON.parse(await readFile(join(home(0), HOME_FILES.genesis), "utf8")) as GenesisJson;
    const client = new DocumentedLightClient(genesis);
    const now = systemClock.now();
    const handOvers = await network.ask<CertifiedJson[]>(node, "aios_getHandOvers", ["0x1"]);
    for (const handOver of handOvers) client.follow(handOver, now);
    const height = await network.finalized(node);
    const certified = await network.ask<CertifiedJson>(node, "aios_getCertificate", [
      `0x${(height + 1).toString(16)}`,
    ]);
    const block = await network.ask<{ stateRoot: string }>(node, "eth_getBlockByNumber", [
      `0x${height.toString(16)}`,
      false,
    ]);
    expect(client.attestedRoot(certified, now)).toBe(block.stateRoot);
    expect(() => client.attestedRoot(certified, now + 21 * DAY_MS)).toThrow("too long");
    const [first] = handOvers;
    if (first !== undefined) {
      const stranger = new DocumentedLightClient(genesis);
      expect(() => stranger.follow(first, now + 21 * DAY_MS)).toThrow("too long");
      const forged = { ...first, checkpoint: { ...first.checkpoint, tip: "ab".repeat(32) } };
      expect(() => stranger.follow(forged, now)).toThrow("not their signature");
      const other = { ...first, nextSet: { ...(first.nextSet as SetJson), members: genesis.honor.members } };
      expect(() => stranger.follow(other, now)).toThrow("another set than is named");
      stranger.follow(first, now);
    }
    return client.latest;
  }

  /** A set may hand over between what the client asks: then it asks again. */
  const followsFrom = (node: number, beyond: number) =>
    until(async () => expect(await followFrom(node)).toBeGreaterThan(beyond));

  it("begins with the members of genesis, whose deposits are in the contract", async () => {
    const data = staking.encodeFunctionData("nodes", [0, 10]);
    const answer = await network.ask<string>(0, "eth_call", [{ to: STAKING_CONTRACT, data }, "latest"]);
    const [accounts, records, eligible] = staking.decodeFunctionResult("nodes", answer);
    const set = await setAt(0, "0x0");
    expect([...accounts].map((one: string) => one.toLowerCase())).toEqual(
      set.members.map((one) => one.account),
    );
    expect(records.map((one: { publicKey: string }) => one.publicKey)).toEqual(
      set.members.map((one) => one.publicKey),
    );
    expect(records.map((one: { depositWei: bigint }) => one.depositWei)).toEqual(Array(SEATS).fill(DEPOSIT));
    expect([...eligible]).toEqual(Array(SEATS).fill(true));
    expect(BigInt(await network.ask<string>(0, "eth_getBalance", [STAKING_CONTRACT, "latest"]))).toBe(
      DEPOSIT * BigInt(SEATS),
    );
    const name = staking.encodeFunctionData("chainName", []);
    const named = await network.ask<string>(0, "eth_call", [{ to: STAKING_CONTRACT, data: name }, "latest"]);
    expect(staking.decodeFunctionResult("chainName", named)[0]).toBe(set.signingChainId);
  });

  it("takes a candidate in that nobody knew, and lets a member go, without a restart", async () => {
    const { key, node } = await seatOf(home(CANDIDATE));
    const file = JSON.parse(await readFile(join(home(CANDIDATE), HOME_FILES.node), "utf8")) as NodeFile;
    const { host, port } = file.peerListen;
    expect(await seatOfNode(CANDIDATE)).toBeNull();
    const operator = await openOperator(home(CANDIDATE), network.node(0).url);
    await expect(operator.unbond()).rejects.toMatchObject({ code: "node-refused" });
    await pay(operator.address, 60n * AIOS);
    await operator.register(key, node, `${host}:${port}`, 2n * DEPOSIT);
    await operator.untilElected({ publicKey: key.publicKey, withinMs: ELECTED_WITHIN_MS });
    const account = await stakedAs(CANDIDATE);
    await until(async () => {
      for (const node of NODES) expect(await accountsAt(node)).toContain(account);
      const seats = await Promise.all(NODES.map(seatOfNode));
      expect(seats[CANDIDATE]).not.toBeNull();
      expect(seats.filter((seat) => seat === null)).toHaveLength(1);
    });
    await pay(`0x${"45".repeat(20)}`, 1n);
    await followsFrom(1, 0);
    await followsFrom(CANDIDATE, 0);
  });

  it("is paid the stakers' part of base fees, each member as its deposit is, to the last wei", async () => {
    const read = async (method: string, ...args: unknown[]): Promise<bigint> => {
      const data = staking.encodeFunctionData(method, args);
      return BigInt(await network.ask<string>(0, "eth_call", [{ to: STAKING_CONTRACT, data }, "latest"]));
    };
    const balanceOf = async (account: string): Promise<bigint> =>
      BigInt(await network.ask<string>(0, "eth_getBalance", [account, "latest"]));
    const operator = await openOperator(home(0), network.node(0).url);
    const { address } = operator;
    expect(await balanceOf(STAKERS_RESERVE)).toBe(0n);
    const depositedWei = await read("totalDepositedWei");
    const restWei = (await balanceOf(STAKING_CONTRACT)) - depositedWei;
    const rewardsWei = await Promise.all(
      NODES.map(async (node) =>
        read("rewardsOf", (await openOperator(home(node), network.node(0).url)).address),
      ),
    );
    const sumWei = rewardsWei.reduce((sum, each) => sum + each, 0n);
    expect(rewardsWei[0]).toBeGreaterThan(0n);
    expect(restWei - sumWei).toBeGreaterThanOrEqual(0n);
    // Less than a wei of each is not paid yet, and less than 2^-64 wei for each wei deposited waits for the next income.
    expect(restWei - sumWei).toBeLessThanOrEqual(BigInt(NODES.length) + (depositedWei >> 64n) + 1n);
    const before = await balanceOf(address);
    const hash = await operator.withdrawRewards();
    const { gasUsed, effectiveGasPrice } = await network.ask<Record<"gasUsed" | "effectiveGasPrice", string>>(
      0,
      "eth_getTransactionReceipt",
      [hash],
    );
    const costWei = BigInt(gasUsed) * BigInt(effectiveGasPrice);
    expect((await balanceOf(address)) + costWei - before).toBe(rewardsWei[0]);
  });

  it("votes with a new key from the next hand-over on", async () => {
    const operator = await openOperator(home(CANDIDATE), network.node(0).url);
    const key = await addSeatKey(home(CANDIDATE));
    await operator.rotateKey(key);
    await operator.untilElected({ publicKey: key.publicKey, withinMs: ELECTED_WITHIN_MS });
    const publicKey = `0x${Buffer.from(key.publicKey).toString("hex")}`;
    await until(async () => {
      const seat = (await setAt(0)).members.findIndex((member) => member.publicKey === publicKey);
      expect(await seatOfNode(CANDIDATE)).toBe(seat);
      const height = await network.finalized(0);
      const { certificate } = await network.ask<{ certificate: { seats: string[] } }>(
        0,
        "aios_getCertificate",
        [`0x${height.toString(16)}`],
      );
      expect(certificate.seats.map(Number)).toContain(seat);
    });
    await followsFrom(0, 1);
  });

  it("loses a member that said two things, and nobody else a coin", async () => {
    const victim = await until(async () => {
      for (const node of [3, 2, 1]) if ((await seatOfNode(node)) !== null) return node;
      throw new Error("no member");
    });
    const account = await stakedAs(victim);
    await network.kill(victim);
    const others = NODES.filter((node) => node !== victim);
    await doubleVote(victim, others, account);
    for (const node of others) await until(async () => expect(await accountsAt(node)).not.toContain(account));
    const slashed = staking.getEvent("NodeSlashed")?.topicHash;
    const logs = await network.ask<{ topics: string[] }[]>(others[0] ?? 0, "eth_getLogs", [
      { address: STAKING_CONTRACT, fromBlock: "0x0", topics: [slashed] },
    ]);
    expect(logs.map(({ topics }) => `0x${topics[1]?.slice(26)}`)).toEqual([account]);
    await pay(`0x${"46".repeat(20)}`, 1n);
    // Who found it still shows it after a power loss.
    const finder = await until(async () => {
      for (const node of others) if ((await evidenceAt(node)).length > 0) return node;
      throw new Error("no evidence");
    });
    await network.kill(finder);
    await network.restart(finder);
    expect(await evidenceAt(finder)).toMatchObject([{ kind: "double-message", account, state: "convicted" }]);
    await followsFrom(finder, 2);
  });

  const evidenceAt = (node: number) =>
    network.ask<{ account: string; state: string }[]>(node, "aios_getEvidence");

  /** In the place of a node, with its keys, until somebody holds the proof. */
  async function doubleVote(node: number, others: readonly number[], account: string): Promise<void> {
    const secret = await readSecret(join(home(node), HOME_FILES.seatKey));
    const identity = nodeIdentity(await readFile(join(home(node), HOME_FILES.nodeKey), "utf8"));
    const file = JSON.parse(await readFile(join(home(node), HOME_FILES.node), "utf8")) as NodeFile;
    const liar = new PeerNetwork(
      {
        identity,
        ...file.peerListen,
        maxFrameBytes: 4_194_304,
        maxQueueBytes: 16_777_216,
        idleMs: 60_000,
        // As a build before there were any.
        protocols: [],
        penalties: PACKET_FAULTS,
        handshakeMs: 10_000,
        redialMs: 200,
        maxRedialMs: 200,
        maxHandshakes: 8,
        scores: { banAt: 200, banMs: 1_000, forgivenPerSecond: 1, maxPeers: 16 },
      },
      systemClock,
      () => undefined,
    );
    await liar.start();
    for (const peer of file.peers) liar.add(peer);
    try {
      await until(async () => {
        expect(liar.connected.length).toBeGreaterThan(1);
        const asked = others[0] ?? 0;
        const { signingChainId = "", members } = await setAt(asked);
        const sender = members.findIndex((member) => member.account === account);
        const { height } = await network.ask<{ height: string }>(asked, "aios_honorStatus");
        for (const ahead of [0, 1, 2])
          for (const digit of ["a", "b"]) {
            const checkpointId = digit.repeat(64);
            const step = { kind: "prevote", height: Number(height) + ahead, round: 0 } as const;
            const message: Vote = { ...step, checkpointId, sender };
            const signature = Buffer.from(blsSign(secret, signedBytes(signingChainId, message))).toString(
              "hex",
            );
            liar.send(undefined, encodePacket(toWire({ kind: "vote", message, signature })));
          }
        const found = await Promise.all(others.map(evidenceAt));
        expect(found.flat()).not.toEqual([]);
      });
    } finally {
      await liar.stop();
    }
  }
});
