import { splitJobPayment } from "@aios/core-settlement/splits";
import { keccak256, toBeHex, toUtf8Bytes, ZeroAddress, ZeroHash } from "ethers";
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

describe("a proven job", () => {
  it("is paid out in the transaction that verifies, each party its part", async () => {
    const order = await protocol.provenOrder();
    const prover = protocol.address("prover");
    const jobId = await protocol.delivered(order, { prover, proverFeeWei: 501n });
    const parties = ["provider", "prover", "owner", "buyer"] as const;
    const accounts = [...parties.map((party) => protocol.address(party)), protocol.treasury];
    const before = await Promise.all(accounts.map((account) => protocol.withdrawable(account)));
    const supplyBefore = await protocol.token.readBigInt("totalSupply");

    const { events } = await protocol.settle(jobId, await protocol.evidence(order, 42n), "stranger");

    const split = splitJobPayment(
      {
        providerPriceWei: 4_000n,
        proverFeeWei: 501n,
        usageFeeWei: 30n,
        royaltyBps: 700,
        protocolFeeBps: 500,
      },
      order.maxPriceWei,
    );
    const after = await Promise.all(accounts.map((account) => protocol.withdrawable(account)));
    expect(after.map((amount, index) => amount - (before[index] ?? 0n))).toEqual([
      split.providerWei,
      split.proverWei,
      split.royaltyWei,
      split.refundWei,
      split.feeTreasuryWei,
    ]);
    expect(supplyBefore - (await protocol.token.readBigInt("totalSupply"))).toBe(split.feeBurnedWei);
    expect(await protocol.state(jobId)).toBe("Settled");
    const paid = events
      .filter((event) => event.name === "JobPayment")
      .map((event) => BigInt(String(event.args["amountWei"])));
    expect(paid.reduce((sum, amount) => sum + amount, 0n)).toBe(order.maxPriceWei);
    expect(events.some((event) => event.name === "JobSettled")).toBe(true);
  });

  it("is not settled by the buyer's word", async () => {
    const jobId = await protocol.delivered(await protocol.provenOrder());
    await expectRevert(protocol.accept(jobId), "AcceptanceNotEnough");
  });

  it("goes to the next provider when a proof shows that the output was wrong", async () => {
    const order = await protocol.provenOrder();
    const jobId = await protocol.delivered(order, {}, { output: 41n });
    const truth = await protocol.evidence(order, 42n);
    expect((await expectRevert(protocol.settle(jobId, truth), "ResultInvalid"))["reason"]).toBe(
      "proof-rejected",
    );

    await protocol.escrow.send(protocol.wallets.stranger, "refute", [jobId, 42n, truth]);
    expect(await protocol.state(jobId)).toBe("Funded");
    await expectRevert(protocol.lease(jobId, { fencingToken: 1n }, "rival"), "StaleFencingToken");
    await protocol.lease(jobId, { fencingToken: 2n }, "rival");
    await expectRevert(protocol.deliver(jobId, { fencingToken: 1n }), "StaleFencingToken");
    await protocol.deliver(jobId, { fencingToken: 2n }, "rival");
    const before = await protocol.withdrawable(protocol.address("rival"));
    await protocol.settle(jobId, truth);
    expect((await protocol.withdrawable(protocol.address("rival"))) - before).toBe(4_000n);
  });

  it("cannot be refuted without a proof of another output", async () => {
    const order = await protocol.provenOrder();
    const jobId = await protocol.delivered(order);
    const truth = await protocol.evidence(order, 42n);
    const refute = (output: bigint, evidence: string) =>
      protocol.escrow.send(protocol.wallets.stranger, "refute", [jobId, output, evidence]);
    await expectRevert(refute(42n, truth), "OutputAsDelivered");
    expect((await expectRevert(refute(43n, truth), "NotRefuted"))["reason"]).toBe("proof-rejected");
    expect((await expectRevert(refute(43n, "0x"), "NotRefuted"))["reason"]).toBe("evidence-malformed");
  });
});

describe("an unproven job", () => {
  it("settles on the buyer's acceptance, from Delivered and from Pending", async () => {
    const first = await protocol.delivered(await protocol.order());
    await protocol.accept(first);
    expect(await protocol.state(first)).toBe("Settled");

    const second = await protocol.delivered(await protocol.order());
    await protocol.settle(second);
    expect(await protocol.state(second)).toBe("Pending");
    await protocol.accept(second);
    expect(await protocol.state(second)).toBe("Settled");
  });

  it("settles for anyone at the end of the challenge window, not before, and is never refunded then", async () => {
    const jobId = await protocol.delivered(await protocol.order());
    await protocol.settle(jobId);
    await expectRevert(protocol.settle(jobId), "ChallengeWindowOpen");
    await chain.advance(500);
    await expectRevert(
      protocol.escrow.send(protocol.wallets.stranger, "refund", [jobId]),
      "TransitionNotAllowed",
    );
    await protocol.settle(jobId, "0x", "stranger");
    expect(await protocol.state(jobId)).toBe("Settled");
  });

  it("settles at once when nobody asked before the window ended", async () => {
    const jobId = await protocol.delivered(await protocol.order());
    await chain.advance(61);
    await protocol.settle(jobId);
    expect(await protocol.state(jobId)).toBe("Settled");
  });

  it("cannot be refuted, for its verifier looks at no output", async () => {
    const jobId = await protocol.delivered(await protocol.order());
    await chain.advance(61);
    const refute = protocol.escrow.send(protocol.wallets.stranger, "refute", [jobId, 1n, "0x"]);
    expect((await expectRevert(refute, "NotRefuted"))["reason"]).toBe("not-an-inference");

    const { DeliveryResultVerifier } = protocol.deployment.contracts;
    const inference = await protocol.provenOrder({ verifier: DeliveryResultVerifier });
    const unchecked = protocol.escrow.send(protocol.wallets.stranger, "refute", [
      await protocol.delivered(inference),
      41n,
      await protocol.evidence(inference, 41n),
    ]);
    expect((await expectRevert(unchecked, "NotRefuted"))["reason"]).toBe("verifier-does-not-check");
  });

  it("refuses an acceptance of another output, token or signer", async () => {
    const jobId = await protocol.delivered(await protocol.order());
    await expectRevert(protocol.accept(jobId, { outputHash: ZeroHash }), "AcceptanceMismatch");
    await expectRevert(protocol.accept(jobId, { fencingToken: 2n }), "StaleFencingToken");
    await expectRevert(protocol.accept(jobId, {}, "stranger"), "BadSignature");
  });
});

describe("deadlines lead out of every state", () => {
  const refund = (jobId: string) => protocol.escrow.send(protocol.wallets.stranger, "refund", [jobId]);

  it.each([
    ["Funded", 600],
    ["Leased", 600],
    ["Delivered", 300],
  ] as const)("%s: the buyer gets all back, once, after the deadline", async (state, seconds) => {
    const order = await protocol.order();
    const jobId = protocol.jobId(order);
    await protocol.open(order);
    if (state !== "Funded") await protocol.lease(jobId);
    if (state === "Delivered") await protocol.deliver(jobId);
    const args = await expectRevert(refund(jobId), "NotRefundableYet");
    expect(Number(args["refundableAfter"])).toBe(
      Number(await protocol.escrow.read("refundableAfter", [jobId])),
    );

    await chain.advance(seconds + 1);
    const before = await protocol.withdrawable(order.buyer);
    await refund(jobId);
    expect((await protocol.withdrawable(order.buyer)) - before).toBe(order.maxPriceWei);
    expect(await protocol.state(jobId)).toBe("Refunded");
    await expectRevert(refund(jobId), "TransitionNotAllowed");
  });

  it("a lease that outlives leaseBy is refunded only after its own deadline", async () => {
    const order = await protocol.order({
      leaseBy: BigInt(await chain.now()) + 60n,
      deliverWithinSeconds: 1000n,
    });
    const jobId = protocol.jobId(order);
    await protocol.open(order);
    await protocol.lease(jobId);
    await chain.advance(100);
    await expectRevert(refund(jobId), "NotRefundableYet");
    await protocol.deliver(jobId);
  });

  it("too late is refused by name: opening, leasing, delivering, settling, accepting", async () => {
    const order = await protocol.order({ leaseBy: BigInt(await chain.now()) + 200n });
    const late = await protocol.order({ leaseBy: BigInt(await chain.now()) + 200n });
    const jobId = protocol.jobId(order);
    await protocol.open(order);
    await expectRevert(protocol.lease(jobId, { acceptBy: BigInt(await chain.now()) - 1n }), "TermsExpired");
    await chain.advance(201);
    await expectRevert(protocol.open(late), "LeaseTooLate");
    await expectRevert(protocol.lease(jobId), "LeaseTooLate");

    const second = await protocol.order();
    const secondId = protocol.jobId(second);
    await protocol.open(second);
    await protocol.lease(secondId);
    await chain.advance(121);
    await expectRevert(protocol.deliver(secondId), "DeliveryTooLate");

    const third = await protocol.delivered(await protocol.order());
    await chain.advance(301);
    await expectRevert(protocol.settle(third), "SettlementTooLate");
    await expectRevert(protocol.accept(third), "SettlementTooLate");
  });
});

describe("opening", () => {
  it("needs a licence of the model, owned by the buyer", async () => {
    const order = await protocol.provenOrder();
    const other = await protocol.publish();
    await expectRevert(protocol.open({ ...order, licenceId: 0n }), "LicenceRequired");
    await expectRevert(protocol.open({ ...order, modelId: other }), "LicenceRequired");
    await expectRevert(protocol.open({ ...order, modelId: 2n ** 200n }), "LicenceRequired");
    await expectRevert(protocol.open({ ...order, modelId: 0n }), "ModelRequired");
    const transfer = [order.buyer, protocol.address("stranger"), order.licenceId];
    await protocol.models.send(protocol.wallets.buyer, "transferFrom", transfer);
    await expectRevert(protocol.open(order), "LicenceRequired");
  });

  it("refuses what the order must not say", async () => {
    const now = BigInt(await chain.now());
    await expectRevert(protocol.open(await protocol.order({ jobKind: 0 })), "JobKindUnknown");
    await expectRevert(protocol.open(await protocol.order({ jobKind: 3 })), "JobKindUnknown");
    await expectRevert(protocol.open(await protocol.order({ maxPriceWei: 0n })), "PriceCapMissing");
    await expectRevert(protocol.open(await protocol.order({ maxPriceWei: 1n << 128n })), "AmountOutOfRange");
    await expectRevert(protocol.open(await protocol.order({ deliverWithinSeconds: 0n })), "PhaseOutOfRange");
    await expectRevert(
      protocol.open(await protocol.order({ settleWithinSeconds: 2n ** 63n })),
      "PhaseOutOfRange",
    );
    await expectRevert(
      protocol.open(await protocol.order({ leaseBy: now + 31n * 86_400n })),
      "PhaseOutOfRange",
    );
    await expectRevert(
      protocol.open(await protocol.order({ verifier: protocol.address("stranger") })),
      "VerifierNotListed",
    );
    await expectRevert(
      protocol.open(await protocol.order({ verifier: protocol.token.address })),
      "VerifierNotListed",
    );
    await expectRevert(
      protocol.open(await protocol.order({ buyer: protocol.address("stranger") })),
      "BadSignature",
    );
  });

  it("works once per order, also when somebody else used the permit first", async () => {
    const order = await protocol.order();
    const permit = await protocol.permit("buyer", protocol.escrow, order.maxPriceWei);
    const { r, s, v } = splitSignature(permit.signature);
    const args = [order.buyer, protocol.escrow.address, permit.valueWei, permit.deadline, v, r, s];
    await protocol.token.send(protocol.wallets.stranger, "permit", args);
    await protocol.open(order, permit);
    await expectRevert(protocol.open(order), "TransitionNotAllowed");
  });

  it("says when the permit does not suffice or the coins are missing", async () => {
    const order = await protocol.order();
    await expectRevert(
      protocol.open(order, { valueWei: 0n, deadline: 0n, signature: "0x" }),
      "InsufficientAllowance",
    );
    const small = await protocol.permit("buyer", protocol.escrow, order.maxPriceWei - 1n);
    await expectRevert(protocol.open(order, small), "InsufficientAllowance");
    await expectRevert(
      protocol.open(await protocol.order({ maxPriceWei: 10n ** 24n })),
      "ERC20InsufficientBalance",
    );
  });
});

describe("leasing and delivering", () => {
  it("takes terms from an active provider, submitted by the order's matcher, within the cap", async () => {
    const order = await protocol.order();
    const jobId = protocol.jobId(order);
    await protocol.open(order);
    await expectRevert(protocol.lease(jobId, {}, "provider", "stranger"), "NotMatcher");
    await expectRevert(protocol.lease(jobId, {}, "stranger"), "ProviderNotActive");
    await expectRevert(protocol.lease(jobId, { provider: protocol.address("rival") }), "BadSignature");
    await expectRevert(protocol.lease(jobId, { fencingToken: 0n }), "StaleFencingToken");
    await expectRevert(protocol.lease(jobId, { proverFeeWei: 1n }), "ProverMissing");
    await expectRevert(protocol.lease(jobId, { providerPriceWei: 2n ** 200n }), "AmountOutOfRange");
    // 9,524 and 5% rounded up are 10,001; 9,523 and its fee are 10,000.
    await expectRevert(protocol.lease(jobId, { providerPriceWei: 9_524n }), "PriceAboveCap");
    await protocol.lease(jobId, { providerPriceWei: 9_523n });
    await expectRevert(protocol.lease(jobId, { fencingToken: 2n }, "rival"), "TransitionNotAllowed");
  });

  it("takes a delivery signed by the provider whose output and hash agree", async () => {
    const order = await protocol.provenOrder();
    const jobId = protocol.jobId(order);
    await protocol.open(order);
    await protocol.lease(jobId);
    await expectRevert(protocol.deliver(jobId, {}, "rival"), "BadSignature");
    await expectRevert(
      protocol.deliver(jobId, { outputHash: keccak256(toUtf8Bytes("other")) }),
      "OutputHashMismatch",
    );
    await protocol.deliver(jobId);
    await expectRevert(protocol.deliver(jobId), "TransitionNotAllowed");
  });

  it("lets only the matcher release, only before delivery, and burns the token", async () => {
    const order = await protocol.order();
    const jobId = protocol.jobId(order);
    const release = (party: "matcher" | "buyer") =>
      protocol.escrow.send(protocol.wallets[party], "release", [jobId]);
    await protocol.open(order);
    await expectRevert(release("matcher"), "TransitionNotAllowed");
    await protocol.lease(jobId, { fencingToken: 5n });
    await expectRevert(release("buyer"), "NotMatcher");
    await release("matcher");
    await expectRevert(protocol.deliver(jobId, { fencingToken: 5n }), "TransitionNotAllowed");
    await expectRevert(protocol.lease(jobId, { fencingToken: 5n }, "rival"), "StaleFencingToken");
    await protocol.lease(jobId, { fencingToken: 6n }, "rival");
    await expectRevert(protocol.deliver(jobId, { fencingToken: 5n }), "StaleFencingToken");
    await protocol.deliver(jobId, { fencingToken: 6n }, "rival");
    await expectRevert(release("matcher"), "TransitionNotAllowed");
  });

  it("an unknown job allows nothing but opening", async () => {
    const jobId = toBeHex(1n, 32);
    expect((await expectRevert(protocol.settle(jobId), "TransitionNotAllowed"))["from"]).toBe("None");
    await expectRevert(protocol.deliver(jobId), "TransitionNotAllowed");
    await expectRevert(protocol.accept(jobId), "TransitionNotAllowed");
    await expectRevert(
      protocol.escrow.send(protocol.wallets.stranger, "refund", [jobId]),
      "TransitionNotAllowed",
    );
  });
});

describe("withdrawing", () => {
  it("pays what is owed, to its owner, whoever sends the transaction", async () => {
    const jobId = await protocol.delivered(await protocol.order(), { prover: ZeroAddress });
    await protocol.accept(jobId);
    const provider = protocol.address("provider");
    const [owed, before] = [await protocol.withdrawable(provider), await protocol.balance(provider)];
    expect(owed).toBeGreaterThan(0n);
    await protocol.escrow.send(protocol.wallets.stranger, "withdrawFor", [provider]);
    expect((await protocol.balance(provider)) - before).toBe(owed);
    await expectRevert(protocol.escrow.send(protocol.wallets.provider, "withdraw", []), "NothingToWithdraw");
  });
});

function splitSignature(signature: string): { r: string; s: string; v: number } {
  return {
    r: signature.slice(0, 66),
    s: `0x${signature.slice(66, 130)}`,
    v: Number.parseInt(signature.slice(130), 16),
  };
}
