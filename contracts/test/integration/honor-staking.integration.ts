import { type Checkpoint, checkpointId } from "@aios/core-finality/checkpoint";
import { type FinalityMessage, signedBytes } from "@aios/core-finality/messages";
import { blockClaimBytes, blockId, type UnsignedBlock } from "@aios/core-honor-node/dag-block";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectRevert } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import {
  CHAIN_NAME,
  DAY_SECONDS,
  NODE_KEY_SIGNATURE,
  nodeKeyOf,
  STAKING_PARAMETERS,
  TestStaking,
  UNIT,
  VotingKey,
} from "../support/honor-staking.js";
import { TestProtocol } from "../support/protocol.js";

const DEPOSIT = 20_000n * UNIT;
const HELD = 60_000n * UNIT;
const FAUCET = `0x${"fa".repeat(20)}`;
const NODES = ["provider", "rival", "buyer", "owner"] as const;
const keys = {
  provider: new VotingKey(1),
  rival: new VotingKey(2),
  buyer: new VotingKey(3),
  owner: new VotingKey(4),
};
const KINDS = ["proposal", "prevote", "precommit"] as const;

let chain: TestChain;
let protocol: TestProtocol;
let staking: TestStaking;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
  staking = await TestStaking.deploy(protocol);
  for (const name of NODES) {
    const wallet = protocol.wallets[name];
    // The deposit is at least a fifth of what a node holds: let each hold just this.
    const excess = (await staking.held(wallet.address)) - HELD;
    await (await wallet.sendTransaction({ to: FAUCET, value: excess - UNIT })).wait();
  }
});
afterAll(() => chain?.stop());

const address = (name: (typeof NODES)[number]): string => protocol.address(name);
const checkpoint = (tip: string): Checkpoint => ({
  height: 7,
  parentId: "p",
  parentRound: 0,
  tip,
  tick: 9,
  attestedRoot: "r",
  nextSetId: "s",
});

/** Arguments of `slashDoubleMessage` for two messages that the node really signed. */
function doubleMessage(key: VotingKey, first: FinalityMessage, second: FinalityMessage): unknown[] {
  const statement = (message: FinalityMessage) => {
    const id = message.kind === "proposal" ? checkpointId(message.checkpoint) : message.checkpointId;
    return {
      checkpointId: id === undefined ? "0x".padEnd(66, "0") : `0x${id}`,
      validRound: message.kind === "proposal" ? message.validRound : 0,
    };
  };
  const step = { kind: KINDS.indexOf(first.kind), height: first.height, round: first.round };
  const signatures = [first, second].map((message) => key.sign(signedBytes(CHAIN_NAME, message)));
  return [key.encoded, step, [statement(first), statement(second)], signatures];
}

const vote = (kind: "prevote" | "precommit", tip: string | undefined): FinalityMessage => ({
  kind,
  height: 7,
  round: 2,
  checkpointId: tip === undefined ? undefined : checkpointId(checkpoint(tip)),
  sender: 0,
});

describe("HonorStaking", () => {
  it("takes nodes with a deposit and a key whose possession is proven", async () => {
    await expectRevert(
      staking.register(protocol.wallets.provider, keys.provider, 9_999n * UNIT),
      "DepositTooLow",
    );
    const { provider, rival } = protocol.wallets;
    const join = (wallet: typeof provider, possession: string) =>
      staking.contract.send(
        wallet,
        "register",
        [keys.provider.encoded, possession, nodeKeyOf(wallet), NODE_KEY_SIGNATURE, ""],
        DEPOSIT,
      );
    await expectRevert(join(provider, staking.possession(provider, keys.rival)), "PossessionNotProven");
    // Seen on its way, it is of no use to another account, nor to another contract.
    await expectRevert(join(rival, staking.possession(provider, keys.provider)), "PossessionNotProven");
    const elsewhere = keys.provider.possession(provider.address, protocol.treasury);
    await expectRevert(join(provider, elsewhere), "PossessionNotProven");
    const sent = await staking.register(protocol.wallets.provider, keys.provider, DEPOSIT);
    const registered = sent.events.find(({ name }) => name === "NodeRegistered");
    expect(registered?.args["publicKey"]).toBe(keys.provider.compressed);
    await expectRevert(staking.register(protocol.wallets.rival, keys.provider, DEPOSIT), "KeyTaken");
    for (const name of ["rival", "buyer", "owner"] as const)
      await staking.register(protocol.wallets[name], keys[name], DEPOSIT);
    for (const name of NODES) expect(await staking.isEligible(address(name))).toBe(true);
    const [accounts] = (await staking.contract.read("nodes", [1, 2])) as [string[]];
    expect(accounts).toEqual([address("rival"), address("buyer")]);
  });

  it("keeps where a node is found and what its key says of that, and reserves no node key for who names it first", async () => {
    const { provider, rival } = protocol.wallets;
    const set = (wallet: typeof provider, ...args: unknown[]) =>
      staking.contract.send(wallet, "setEndpoint", args);
    const signature = NODE_KEY_SIGNATURE;
    await expectRevert(set(rival, `0x${"00".repeat(32)}`, signature, "a:1"), "NodeKeyMissing");
    await expectRevert(set(rival, nodeKeyOf(rival), signature, "a".repeat(262)), "EndpointTooLong");
    await set(rival, nodeKeyOf(provider), signature, "rival.example:1");
    const { nodeKey, endpoint, nodeKeySignature } = (await staking.contract.read("nodeOf", [
      rival.address,
    ])) as { nodeKey: string; endpoint: string; nodeKeySignature: string[] };
    expect([nodeKey, endpoint]).toEqual([nodeKeyOf(provider), "rival.example:1"]);
    expect([...nodeKeySignature]).toEqual(signature);
    await set(provider, nodeKeyOf(provider), [...signature].reverse(), "b:2");
  });

  it("refuses keys that are no points, the identity, and points outside the subgroup", async () => {
    const { relayer } = protocol.wallets;
    const possession = staking.possession(relayer, keys.owner);
    const attempt = (key: string) =>
      staking.contract.send(relayer, "register", [
        key,
        possession,
        nodeKeyOf(relayer),
        NODE_KEY_SIGNATURE,
        "",
      ]);
    await expectRevert(attempt(`0x${"00".repeat(128)}`), "PointAtInfinity");
    await expectRevert(attempt(`0x${"00".repeat(127)}`), "PointLength");
    await expectRevert(attempt(`0x${"00".repeat(127)}05`), "PrecompileFailed");
  });

  it("asks for a share of the holding where a node joins, more of it at low levels", async () => {
    const node = address("owner");
    const shareOf = async (ratioBps: bigint): Promise<bigint> =>
      (((await staking.held(node)) + (await staking.depositOf(node))) * ratioBps) / 10_000n;
    const required = () => staking.contract.readBigInt("requiredDepositWei", [node]);
    expect(await required()).toBe(await shareOf(2_000n));
    await staking.asAdmin("setRatio", node, 3_000);
    expect(await required()).toBe(await shareOf(3_000n));
    await staking.asAdmin("setRatio", node, 1_000);
    expect(await required()).toBe(STAKING_PARAMETERS.minimumDepositWei);
    await expectRevert(staking.asAdmin("setRatio", node, 999), "RatioOutOfRange");
    const rich = protocol.wallets.anchor;
    await expectRevert(staking.register(rich, new VotingKey(7), DEPOSIT), "DepositTooLow");
    await expectRevert(
      staking.contract.send(protocol.wallets.owner, "setRatio", [node, 2_000]),
      "AccessControlUnauthorizedAccount",
    );
  });

  it("lets nobody lose a seat to a gift of coins", async () => {
    const node = address("owner");
    await (await protocol.wallets.relayer.sendTransaction({ to: node, value: 100_000n * UNIT })).wait();
    expect(await staking.contract.readBigInt("requiredDepositWei", [node])).toBeLessThan(DEPOSIT);
    await staking.asAdmin("setRatio", node, 2_000);
    expect(await staking.contract.readBigInt("requiredDepositWei", [node])).toBeGreaterThan(DEPOSIT);
    expect(await staking.isEligible(node)).toBe(true);
    await staking.deposit(protocol.wallets.owner, 1_000n * UNIT);
    expect(await staking.depositOf(node)).toBe(DEPOSIT + 1_000n * UNIT);
  });

  it("charges 1% and suspends for a day of downtime, once the day cannot be disputed", async () => {
    const day = await staking.today();
    const node = address("rival");
    await expectRevert(staking.asAdmin("reportDowntime", day, node, 501), "DayNotOver");
    await chain.advance(DAY_SECONDS);
    await expectRevert(staking.asAdmin("reportDowntime", day, node, 500), "DowntimeTolerated");
    await staking.asAdmin("reportDowntime", day, node, 501);
    await expectRevert(staking.asAdmin("reportDowntime", day, node, 501), "AlreadyReported");
    const settle = () => staking.contract.send(protocol.wallets.stranger, "settleDowntime", [day, node]);
    const settled = Number(await staking.contract.readBigInt("settledAt", [day]));
    await expectRevert(settle(), "DayNotSettled");
    await chain.advance(settled - (await chain.now()));
    const before = await staking.held(protocol.treasury);
    await settle();
    expect(await staking.depositOf(node)).toBe(19_800n * UNIT);
    expect((await staking.held(protocol.treasury)) - before).toBe(200n * UNIT);
    expect(await staking.isEligible(node)).toBe(false);
    await expectRevert(settle(), "NotReported");
    await expectRevert(staking.asAdmin("reportDowntime", day, node, 501), "DaySettled");
    await staking.contract.send(protocol.wallets.rival, "unjail", []);
    await expectRevert(staking.contract.send(protocol.wallets.rival, "unjail", []), "NotJailed");
    expect(await staking.isEligible(node)).toBe(true);
  });

  it("charges nobody for a day with a declared fault, nor when more than a third were down", async () => {
    const declared = await staking.today();
    await chain.advance(DAY_SECONDS);
    await staking.asAdmin("reportDowntime", declared, address("rival"), 9_000);
    await expectRevert(
      staking.contract.send(protocol.wallets.stranger, "declareFault", [declared, "x"]),
      "AccessControlUnauthorizedAccount",
    );
    await staking.asAdmin("declareFault", declared, "a cut cable");
    const many = await staking.today();
    await chain.advance(DAY_SECONDS);
    for (const name of ["rival", "buyer"] as const)
      await staking.asAdmin("reportDowntime", many, address(name), 9_000);
    await chain.advance(Number(STAKING_PARAMETERS.settleDelaySeconds));
    for (const [day, name] of [
      [declared, "rival"],
      [many, "rival"],
      [many, "buyer"],
    ] as const) {
      await staking.contract.send(protocol.wallets.stranger, "settleDowntime", [day, address(name)]);
      expect(await staking.isEligible(address(name))).toBe(true);
    }
    expect(await staking.depositOf(address("rival"))).toBe(19_800n * UNIT);
    await expectRevert(staking.asAdmin("declareFault", declared, "too late"), "DaySettled");
  });

  it("gives the deposit back after the delay, and convicts until then", async () => {
    const wallet = protocol.wallets.owner;
    const held = await staking.depositOf(wallet.address);
    const withdraw = () =>
      staking.contract.send(protocol.wallets.stranger, "withdrawDeposit", [wallet.address]);
    await expectRevert(withdraw(), "NodeStillBonded");
    await staking.contract.send(wallet, "unbond", []);
    expect(await staking.isEligible(wallet.address)).toBe(false);
    await expectRevert(staking.contract.send(wallet, "unbond", []), "NodeIsUnbonding");
    await expectRevert(staking.deposit(wallet, UNIT), "NodeIsUnbonding");
    await expectRevert(withdraw(), "NodeStillBonded");
    await chain.advance(Number(STAKING_PARAMETERS.unbondDelaySeconds));
    const before = await staking.held(wallet.address);
    await withdraw();
    expect((await staking.held(wallet.address)) - before).toBe(held);
    await expectRevert(withdraw(), "NodeUnknown");
  });
});

describe("rewards", () => {
  const sharedOut = async (names: readonly (typeof NODES)[number][]): Promise<bigint[]> =>
    Promise.all(names.map((name) => staking.contract.readBigInt("rewardsOf", [address(name)])));
  const add = (amountWei: bigint) =>
    staking.contract.send(protocol.wallets.deployer, "addRewards", [], amountWei);
  const withdraw = (account: string) =>
    staking.contract.send(protocol.wallets.stranger, "withdrawRewards", [account]);

  it("go to the deposits that stand, in proportion, and to nobody who left", async () => {
    const deposits = await Promise.all(NODES.map((name) => staking.depositOf(address(name))));
    expect(deposits).toEqual([20_000n * UNIT, 19_800n * UNIT, 20_000n * UNIT, 0n]);
    await add(59_800n * UNIT);
    expect(await sharedOut(NODES)).toEqual(deposits);
    await expectRevert(withdraw(address("owner")), "NothingToWithdraw");
    await expectRevert(withdraw(protocol.address("stranger")), "NothingToWithdraw");
  });

  it("are pulled by the account, whoever pays the gas, once, and leave the deposits alone", async () => {
    const before = await staking.held(address("rival"));
    const sent = await withdraw(address("rival"));
    expect(sent.events.map(({ name }) => name)).toEqual(["RewardsShared", "RewardsWithdrawn"]);
    expect((await staking.held(address("rival"))) - before).toBe(19_800n * UNIT);
    await expectRevert(withdraw(address("rival")), "NothingToWithdraw");
    expect(await staking.contract.readBigInt("totalDepositedWei")).toBe(59_800n * UNIT);
    expect(await staking.held(staking.contract.address)).toBe((59_800n + 40_000n) * UNIT);
  });

  it("of earlier income are none of those who deposit later, and of later income none of those who leave", async () => {
    const { rival } = protocol.wallets;
    await staking.deposit(rival, 200n * UNIT);
    expect(await sharedOut(["provider", "rival", "buyer"])).toEqual([20_000n * UNIT, 0n, 20_000n * UNIT]);
    await add(60_000n * UNIT);
    await staking.contract.send(rival, "unbond", []);
    await add(40_000n * UNIT);
    expect(await sharedOut(["provider", "rival", "buyer"])).toEqual(
      [60_000n, 20_000n, 60_000n].map((units) => units * UNIT),
    );
    for (const name of ["provider", "rival", "buyer"] as const) await withdraw(address(name));
    expect(await staking.held(staking.contract.address)).toBe(60_000n * UNIT);
  });
});

describe("evidence of malice", () => {
  it("convicts nobody by statements that agree, that another signed, or that are of another chain", async () => {
    const slash = (args: unknown[]) =>
      staking.contract.send(protocol.wallets.relayer, "slashDoubleMessage", args);
    const honest = vote("prevote", "a");
    await expectRevert(slash(doubleMessage(keys.buyer, honest, honest)), "StatementsAgree");
    const forged = doubleMessage(keys.buyer, honest, vote("prevote", "b"));
    forged[3] = [(forged[3] as string[])[0], keys.rival.sign(signedBytes(CHAIN_NAME, vote("prevote", "b")))];
    expect(await expectRevert(slash(forged), "NotSignedByAccused")).toMatchObject({ statement: "1" });
    const elsewhere = doubleMessage(keys.buyer, honest, vote("prevote", "b"));
    elsewhere[3] = [honest, vote("prevote", "b")].map((message) =>
      keys.buyer.sign(signedBytes("other", message)),
    );
    await expectRevert(slash(elsewhere), "NotSignedByAccused");
    const unregistered = doubleMessage(new VotingKey(9), honest, vote("prevote", "b"));
    await expectRevert(slash(unregistered), "NodeUnknown");
  });

  it("takes everything for two votes in one step, and rewards who shows it", async () => {
    const reporter = protocol.wallets.relayer;
    const held = await staking.depositOf(address("buyer"));
    const [treasury, before] = await Promise.all([
      staking.held(protocol.treasury),
      staking.held(reporter.address),
    ]);
    const args = doubleMessage(keys.buyer, vote("precommit", "a"), vote("precommit", undefined));
    const { gasUsed, receipt } = await staking.contract.send(reporter, "slashDoubleMessage", args);
    expect(gasUsed).toBeLessThan(900_000n);
    const rewardWei = (held * 500n) / 10_000n;
    expect((await staking.held(reporter.address)) - before).toBe(rewardWei - receipt.fee);
    expect((await staking.held(protocol.treasury)) - treasury).toBe(held - rewardWei);
    expect(await staking.depositOf(address("buyer"))).toBe(0n);
    await expectRevert(staking.contract.send(reporter, "slashDoubleMessage", args), "NodeUnknown");
    await expectRevert(staking.register(protocol.wallets.buyer, new VotingKey(8), DEPOSIT), "NodeConvicted");
  });

  it("convicts by an old key of a node that changed its key, for two proposals of a round", async () => {
    const fresh = new VotingKey(5);
    await staking.rotateKey(protocol.wallets.provider, fresh);
    const proposal = (tip: string, validRound: number): FinalityMessage => ({
      kind: "proposal",
      height: 7,
      round: 2,
      checkpoint: checkpoint(tip),
      validRound,
      sender: 0,
    });
    const args = doubleMessage(keys.provider, proposal("a", -1), proposal("a", 1));
    await staking.contract.send(protocol.wallets.relayer, "slashDoubleMessage", args);
    expect(await staking.isEligible(address("provider"))).toBe(false);
  });

  it("convicts for two blocks of one tick, also a node that is leaving", async () => {
    expect(await staking.isEligible(address("rival"))).toBe(false);
    const block = (parents: string[]): UnsignedBlock => ({
      setNumber: 3,
      seat: 1,
      tick: 40,
      parents,
      transactions: [],
    });
    const blocks = [block(["a"]), block(["b"])];
    const args = [
      keys.rival.encoded,
      { setNumber: 3, seat: 1, tick: 40 },
      blocks.map((one) => `0x${blockId(one)}`),
      blocks.map((one) => keys.rival.sign(blockClaimBytes(CHAIN_NAME, one))),
    ];
    const sent = await staking.contract.send(protocol.wallets.relayer, "slashDoubleBlock", args);
    expect(sent.events.map(({ name }) => name)).toContain("NodeSlashed");
    expect(await staking.held(staking.contract.address)).toBe(
      await staking.contract.readBigInt("totalDepositedWei"),
    );
    expect(await staking.contract.readBigInt("nodeCount")).toBe(0n);
  });
});
