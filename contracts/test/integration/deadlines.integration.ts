import type { Order } from "@aios/core-settlement/order-digest";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { expectRevert } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";

/** To the second: what is allowed until a deadline works at it, what comes after it works one second later. */
let chain: TestChain;
let protocol: TestProtocol;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
});
afterAll(() => chain?.stop());
beforeEach(() => chain.advance(1));

const refund = (jobId: string) => protocol.escrow.send(protocol.wallets.stranger, "refund", [jobId]);

async function opened(overrides: Partial<Order> = {}): Promise<{ order: Order; jobId: string }> {
  const order = await protocol.order(overrides);
  await protocol.open(order);
  return { order, jobId: protocol.jobId(order) };
}

async function jobOf(jobId: string): Promise<Record<string, bigint>> {
  return (await protocol.escrow.read("jobOf", [jobId])) as Record<string, bigint>;
}

describe("at the deadline and one second later", () => {
  it("opening and leasing: leaseBy", async () => {
    const { order, jobId } = await opened();
    const second = await protocol.order({ leaseBy: order.leaseBy });
    const third = await protocol.order({ leaseBy: order.leaseBy });
    await chain.freezeAt(Number(order.leaseBy));
    await protocol.open(second);
    await expectRevert(refund(jobId), "NotRefundableYet");
    await protocol.lease(jobId, { acceptBy: order.leaseBy });

    await chain.freezeAt(Number(order.leaseBy) + 1);
    await expectRevert(protocol.open(third), "LeaseTooLate");
    await expectRevert(protocol.lease(protocol.jobId(second)), "LeaseTooLate");
    await refund(protocol.jobId(second));
    await expectRevert(refund(jobId), "NotRefundableYet");
  });

  it("leasing: acceptBy", async () => {
    const { jobId } = await opened();
    const acceptBy = BigInt((await chain.now()) + 20);
    await chain.freezeAt(Number(acceptBy) + 1);
    await expectRevert(protocol.lease(jobId, { acceptBy }), "TermsExpired");
    await protocol.lease(jobId, { acceptBy: acceptBy + 1n });
  });

  it("delivering: deliverBy, also where leaseBy came first", async () => {
    const leaseBy = BigInt((await chain.now()) + 30);
    const [early, late] = [await opened({ leaseBy }), await opened({ leaseBy })];
    await chain.freezeAt(Number(leaseBy) - 10);
    await protocol.lease(early.jobId);
    await protocol.lease(late.jobId);
    const deliverBy = Number((await jobOf(early.jobId))["deliverBy"]);
    expect(deliverBy).toBe(Number(leaseBy) - 10 + 120);
    await chain.freezeAt(deliverBy);
    await expectRevert(refund(early.jobId), "NotRefundableYet");
    await protocol.deliver(early.jobId);
    await chain.freezeAt(deliverBy + 1);
    await expectRevert(protocol.deliver(late.jobId), "DeliveryTooLate");
    await refund(late.jobId);
  });

  it("settling, accepting, refuting: settleBy", async () => {
    const order = await protocol.provenOrder();
    const jobIds = [await protocol.delivered(order)];
    for (let index = 0; index < 2; index++)
      jobIds.push(await protocol.delivered({ ...order, nonce: protocol.nonce() }));
    const [first, second, third] = jobIds as [string, string, string];
    const settleBy = Number((await jobOf(first))["deliveredAt"]) + 300;
    await chain.freezeAt(settleBy);
    await expectRevert(refund(first), "NotRefundableYet");
    await protocol.settle(first, await protocol.evidence(order, 42n));
    // The others were delivered at most a few seconds later.
    const last = Math.max(
      ...(await Promise.all(
        [second, third].map(async (jobId) => Number((await jobOf(jobId))["deliveredAt"])),
      )),
    );
    await chain.freezeAt(last + 301);
    await expectRevert(protocol.settle(second, "0x"), "SettlementTooLate");
    await expectRevert(
      protocol.escrow.send(protocol.wallets.stranger, "refute", [second, 1n, "0x"]),
      "SettlementTooLate",
    );
    await refund(second);
    await refund(third);
  });

  it("the challenge window", async () => {
    const jobId = await protocol.delivered(await protocol.order());
    const unasked = await protocol.delivered(await protocol.order());
    await protocol.settle(jobId);
    const { pendingUntil, deliveredAt } = await jobOf(jobId);
    expect(pendingUntil).toBe((deliveredAt ?? 0n) + 60n);
    await chain.freezeAt(Number(pendingUntil) - 1);
    await expectRevert(protocol.settle(jobId), "ChallengeWindowOpen");
    await chain.freezeAt(Number(pendingUntil));
    await protocol.settle(jobId);
    const end = Number((await jobOf(unasked))["deliveredAt"]) + 60;
    await chain.freezeAt(Math.max(end, Number(pendingUntil)));
    await protocol.settle(unasked);
    expect(await protocol.state(unasked)).toBe("Settled");
  });

  it("signed actions and unbonding", async () => {
    const deadline = BigInt((await chain.now()) + 50);
    await chain.freezeAt(Number(deadline));
    await protocol.publish({ deadline });
    await chain.freezeAt(Number(deadline) + 1);
    await expectRevert(protocol.publish({ deadline }), "SignatureExpired");

    await protocol.providers.send(protocol.wallets.rival, "unbond", []);
    const withdraw = () =>
      protocol.providers.send(protocol.wallets.stranger, "withdrawStake", [protocol.address("rival")]);
    await chain.freezeAt(Number(deadline) + 1 + 99);
    await expectRevert(withdraw(), "StillBonded");
    await chain.freezeAt(Number(deadline) + 1 + 100);
    await withdraw();
  });
});

describe("the longest phases", () => {
  it("30 days are allowed, a second more is not", async () => {
    const now = (await chain.now()) + 10;
    await chain.freezeAt(now);
    const longest = 30n * 86_400n;
    await protocol.open(
      await protocol.order({
        leaseBy: BigInt(now) + longest,
        deliverWithinSeconds: longest,
        settleWithinSeconds: longest,
      }),
    );
    await expectRevert(
      protocol.open(await protocol.order({ leaseBy: BigInt(now) + longest + 1n })),
      "PhaseOutOfRange",
    );
    await expectRevert(
      protocol.open(await protocol.order({ deliverWithinSeconds: longest + 1n })),
      "PhaseOutOfRange",
    );
    await expectRevert(
      protocol.open(await protocol.order({ settleWithinSeconds: longest + 1n })),
      "PhaseOutOfRange",
    );
  });
});
