import { toBeHex, ZeroAddress, ZeroHash } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectRevert } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";

let chain: TestChain;
let protocol: TestProtocol;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
});
afterAll(() => chain?.stop());

const active = (party: "provider" | "stranger" | "rival") =>
  protocol.providers.read("isActive", [protocol.address(party)]);
const withdrawStake = (party: "provider" | "stranger" | "rival") =>
  protocol.providers.send(protocol.wallets.relayer, "withdrawStake", [protocol.address(party)]);

const slash = (caller: "stranger" | "deployer", party: "provider" | "rival", amountWei: bigint) =>
  protocol.providers.send(protocol.wallets[caller], "slash", [protocol.address(party), amountWei]);
const supply = () => protocol.token.readBigInt("totalSupply");
const word = (value: number) => toBeHex(value, 32);

describe("ProviderRegistry", () => {
  it("takes a provider with a stake, and more stake later", async () => {
    await protocol.wrap("stranger", 10_000n);
    expect(await active("stranger")).toBe(false);
    await expectRevert(protocol.register("stranger", { stakeWei: 999n }), "StakeTooLow");
    await expectRevert(protocol.register("stranger", { stakeWei: 10n ** 30n }), "ERC20InsufficientBalance");
    await protocol.register("stranger", { stakeWei: 1000n });
    await protocol.register("stranger", { stakeWei: 0n, selfTestHash: "0x".padEnd(66, "9") });
    await protocol.register("stranger", { stakeWei: 5n });
    expect(await protocol.providers.readBigInt("stakeOf", [protocol.address("stranger")])).toBe(1005n);
    expect(await active("stranger")).toBe(true);
    expect(await protocol.balance(protocol.providers.address)).toBe(
      await protocol.providers.readBigInt("totalStakedWei"),
    );
  });

  it("refuses a registration that is repeated, expired or not the provider's", async () => {
    const fixed = { stakeWei: 1n, nonce: protocol.nonce(), deadline: BigInt(await chain.now()) + 3600n };
    await protocol.register("provider", fixed);
    await expectRevert(protocol.register("provider", fixed), "AlreadyConsumed");
    await expectRevert(protocol.register("provider", { deadline: 1n }), "SignatureExpired");
    await expectRevert(
      protocol.register("provider", { provider: protocol.address("rival") }),
      "BadSignature",
    );
  });

  it("returns the stake after the delay, once, and takes no jobs meanwhile", async () => {
    const rival = protocol.wallets.rival;
    await expectRevert(withdrawStake("rival"), "StillBonded");
    await expectRevert(protocol.providers.send(protocol.wallets.buyer, "unbond", []), "ProviderUnknown");
    await protocol.providers.send(rival, "unbond", []);
    expect(await active("rival")).toBe(false);
    await expectRevert(protocol.providers.send(rival, "unbond", []), "ProviderIsUnbonding");
    await expectRevert(protocol.register("rival"), "ProviderIsUnbonding");
    await expectRevert(withdrawStake("rival"), "StillBonded");
    const order = await protocol.order();
    await protocol.open(order);
    await expectRevert(protocol.lease(protocol.jobId(order), {}, "rival"), "ProviderNotActive");

    await chain.advance(101);
    const before = await protocol.balance(rival.address);
    await withdrawStake("rival");
    expect((await protocol.balance(rival.address)) - before).toBe(2000n);
    await expectRevert(withdrawStake("rival"), "ProviderUnknown");
    await protocol.register("rival");
    expect(await active("rival")).toBe(true);
  });

  it("lets nobody but an admitted escrow take a stake, and that one only after everybody could leave", async () => {
    const stakeWei = await protocol.stakeOf("provider");
    await slash("stranger", "provider", stakeWei);
    await slash("deployer", "provider", stakeWei);
    expect(await protocol.stakeOf("provider")).toBe(stakeWei);

    const admit = (caller: "stranger" | "deployer", escrow: string) =>
      protocol.providers.send(protocol.wallets[caller], "admitEscrow", [escrow]);
    await expectRevert(admit("stranger", protocol.address("stranger")), "NotRegistryOwner");
    await expectRevert(admit("deployer", protocol.escrow.address), "EscrowAdmitted");
    await admit("deployer", protocol.address("stranger"));
    await protocol.providers.send(protocol.wallets.rival, "unbond", []);
    await chain.advance(190);
    await withdrawStake("rival");
    await slash("stranger", "provider", stakeWei);
    expect(await protocol.stakeOf("provider")).toBe(stakeWei);
    await chain.advance(10);
  });

  it("burns what is taken, up to the stake, and leases nothing to who has too little left until it adds", async () => {
    const [stakeWei, supplyWei] = [await protocol.stakeOf("provider"), await supply()];
    const { events } = await slash("stranger", "provider", stakeWei - 999n);
    expect(await protocol.stakeOf("provider")).toBe(999n);
    expect(supplyWei - (await supply())).toBe(stakeWei - 999n);
    expect(events.find(({ name }) => name === "ProviderSlashed")?.args.toObject()).toMatchObject({
      burnedWei: stakeWei - 999n,
      stakeWei: 999n,
      active: false,
    });
    expect(await active("provider")).toBe(false);
    await protocol.register("provider", { stakeWei: 1n });
    expect(await active("provider")).toBe(true);

    await slash("stranger", "provider", 10n ** 30n);
    await slash("stranger", "provider", 1n);
    expect(await protocol.stakeOf("provider")).toBe(0n);
    expect(await protocol.balance(protocol.providers.address)).toBe(
      await protocol.providers.readBigInt("totalStakedWei"),
    );
    await expectRevert(protocol.register("provider", { stakeWei: 999n }), "StakeTooLow");
    await protocol.register("provider");
    expect(await active("provider")).toBe(true);
  });

  it("puts stake at risk for the calling provider alone, under a statement that names all its parts", async () => {
    const [verifier, model, key] = [protocol.address("stranger"), word(1), word(2)];
    const put = (...args: unknown[]) => protocol.providers.send(protocol.wallets.provider, "putAtRisk", args);
    const at = (party: "provider" | "rival", ...statement: unknown[]) =>
      protocol.providers.readBigInt("atRiskWei", [protocol.address(party), ...statement]);
    await expectRevert(put(ZeroAddress, model, key, 1n), "StatementMissing");
    await expectRevert(put(verifier, ZeroHash, key, 1n), "StatementMissing");
    await expectRevert(put(verifier, model, ZeroHash, 1n), "StatementMissing");
    await put(verifier, model, key, 7n);
    expect(await at("provider", verifier, model, key)).toBe(7n);
    expect(await at("rival", verifier, model, key)).toBe(0n);
    expect(await at("provider", protocol.address("rival"), model, key)).toBe(0n);
    expect(await at("provider", verifier, key, key)).toBe(0n);
    expect(await at("provider", verifier, model, model)).toBe(0n);
    await put(verifier, model, key, 0n);
    expect(await at("provider", verifier, model, key)).toBe(0n);
  });
});
