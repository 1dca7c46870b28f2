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

const slash = (caller: "stranger" | "deployer", party: "provider" | "rival") =>
  protocol.providers.send(protocol.wallets[caller], "slash", [
    protocol.address(party),
    protocol.address("prover"),
  ]);
const stakeOf = (party: "provider" | "rival") =>
  protocol.providers.readBigInt("stakeOf", [protocol.address(party)]);

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
    const stakeWei = await stakeOf("provider");
    await slash("stranger", "provider");
    await slash("deployer", "provider");
    expect(await stakeOf("provider")).toBe(stakeWei);

    const admit = (caller: "stranger" | "deployer", escrow: string) =>
      protocol.providers.send(protocol.wallets[caller], "admitEscrow", [escrow]);
    await expectRevert(admit("stranger", protocol.address("stranger")), "NotRegistryOwner");
    await expectRevert(admit("deployer", protocol.escrow.address), "EscrowAdmitted");
    await admit("deployer", protocol.address("stranger"));
    await protocol.providers.send(protocol.wallets.rival, "unbond", []);
    await chain.advance(190);
    await withdrawStake("rival");
    await slash("stranger", "provider");
    expect(await stakeOf("provider")).toBe(stakeWei);

    await chain.advance(10);
    const [treasury, refuter] = [protocol.treasury, protocol.address("prover")];
    const before = { treasury: await protocol.balance(treasury), refuter: await protocol.balance(refuter) };
    await slash("stranger", "provider");
    expect(await stakeOf("provider")).toBe(0n);
    expect(await active("provider")).toBe(false);
    const reward = stakeWei / 10n;
    expect((await protocol.balance(refuter)) - before.refuter).toBe(reward);
    expect((await protocol.balance(treasury)) - before.treasury).toBe(stakeWei - reward);
    expect(await protocol.balance(protocol.providers.address)).toBe(
      await protocol.providers.readBigInt("totalStakedWei"),
    );
    await slash("stranger", "provider");
    await protocol.register("provider");
    expect(await active("provider")).toBe(true);
  });
});
