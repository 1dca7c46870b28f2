import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectRevert } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { type Party, TestProtocol } from "../support/protocol.js";

let chain: TestChain;
let protocol: TestProtocol;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
});
afterAll(() => chain?.stop());

const refute = (jobId: string, output: bigint, evidence: string) =>
  protocol.escrow.send(protocol.wallets.stranger, "refute", [jobId, output, evidence]);

describe("a sampled job", () => {
  const order = () => protocol.provenOrder({ verifier: protocol.deployment.contracts.SampledResultVerifier });

  it("is final by acceptance, by time, or at once by a proof of what was delivered", async () => {
    const accepted = await protocol.delivered(await order());
    await protocol.accept(accepted);
    expect(await protocol.state(accepted)).toBe("Settled");

    const proven = await order();
    const provenId = await protocol.delivered(proven);
    const evidence = await protocol.evidence(proven, 42n);
    await protocol.settle(provenId, evidence);
    expect(await protocol.state(provenId)).toBe("Settled");

    const timed = await protocol.delivered(await order());
    await protocol.settle(timed);
    expect(await protocol.state(timed)).toBe("Pending");
    await expectRevert(protocol.settle(timed), "ChallengeWindowOpen");
    await chain.advance(601);
    await protocol.settle(timed);
    expect(await protocol.state(timed)).toBe("Settled");
  });

  it("is refuted by a proof of another output, before the window and in it, never after it", async () => {
    for (const isPending of [false, true]) {
      const wrong = await order();
      const jobId = await protocol.delivered(wrong, {}, { output: 41n });
      if (isPending) await protocol.settle(jobId);
      expect((await expectRevert(refute(jobId, 42n, "0x"), "NotRefuted"))["reason"]).toBe("evidence-missing");
      await refute(jobId, 42n, await protocol.evidence(wrong, 42n));
      expect(await protocol.state(jobId)).toBe("Funded");
      await protocol.lease(jobId, { fencingToken: 2n }, "rival");
      await protocol.deliver(jobId, { fencingToken: 2n }, "rival");
      await protocol.accept(jobId, { fencingToken: 2n });
      expect(await protocol.state(jobId)).toBe("Settled");
    }
    const late = await order();
    const jobId = await protocol.delivered(late, {}, { output: 41n });
    await protocol.settle(jobId);
    await chain.advance(601);
    await expectRevert(refute(jobId, 42n, await protocol.evidence(late, 42n)), "ChallengeWindowOver");
  });

  it("is not refuted by time: only a proof speaks for another output than the delivered one", async () => {
    const jobId = await protocol.delivered(await order(), {}, {});
    await chain.advance(299);
    expect((await expectRevert(refute(jobId, 41n, "0x"), "NotRefuted"))["reason"]).toBe("evidence-missing");
  });
});

describe("a replicated job", () => {
  const order = () =>
    protocol.provenOrder({ verifier: protocol.deployment.contracts.ReplicatedResultVerifier });

  /** A lease names the second provider, which has computed before. */
  const named = () => ({ prover: protocol.address("rival"), proverFeeWei: 3_000n });

  it("is final at once with the second provider's signed delivery of the same output, and pays both", async () => {
    const jobId = await protocol.delivered(await order(), named());
    const owed = () => protocol.withdrawable(protocol.address("rival"));
    const before = await owed();
    await protocol.settle(jobId, await protocol.replica(jobId, 42n, "rival"));
    expect(await protocol.state(jobId)).toBe("Settled");
    expect((await owed()) - before).toBe(3_000n);
  });

  it("is not settled by the same provider twice, by a stranger, another job or output, or the buyer's word", async () => {
    const jobId = await protocol.delivered(await order(), named());
    const other = await protocol.delivered(await order(), named());
    const reasonOf = async (evidence: string) =>
      (await expectRevert(protocol.settle(jobId, evidence), "ResultInvalid"))["reason"];
    expect(await reasonOf(await protocol.replica(jobId, 42n, "provider"))).toBe("replica-is-the-provider");
    expect(await reasonOf(await protocol.replica(jobId, 42n, "stranger"))).toBe("replica-not-named");
    expect(await reasonOf(await protocol.replica(jobId, 41n, "rival"))).toBe("replica-not-named");
    expect(await reasonOf(await protocol.replica(other, 42n, "rival"))).toBe("replica-not-named");
    expect(await reasonOf(`0x${"ff".repeat(160)}`)).toBe("evidence-malformed");
    expect(await reasonOf("0x")).toBe("evidence-malformed");
    await expectRevert(protocol.accept(jobId), "AcceptanceNotEnough");
  });

  it("is not settled by a provider's own second stake, but by whom its lease names, and only while it has a stake", async () => {
    const jobId = await protocol.delivered(await order(), named());
    const unnamed = await protocol.delivered(await order());
    const unstaked = await protocol.delivered(await order(), { prover: protocol.address("prover") });
    await protocol.wrap("owner", 10n ** 18n);
    await protocol.register("owner");
    const reasonOf = async (id: string, who: Party) =>
      (await expectRevert(protocol.settle(id, await protocol.replica(id, 42n, who)), "ResultInvalid"))[
        "reason"
      ];
    expect(await reasonOf(jobId, "owner")).toBe("replica-not-named");
    expect(await reasonOf(unnamed, "owner")).toBe("replica-not-named");
    expect(await reasonOf(unnamed, "rival")).toBe("replica-not-named");
    expect(await reasonOf(unstaked, "prover")).toBe("replica-not-active");
    await protocol.settle(jobId, await protocol.replica(jobId, 42n, "rival"));
    expect(await protocol.state(jobId)).toBe("Settled");
  });

  it("that two providers disagree on is decided by a proof, and by nothing else", async () => {
    const disputed = await order();
    const jobId = await protocol.delivered(disputed, named(), { output: 41n });
    const rival = await protocol.replica(jobId, 42n, "rival");
    expect((await expectRevert(refute(jobId, 42n, rival), "NotRefuted"))["reason"]).toBe(
      "replica-cannot-refute",
    );
    await refute(jobId, 42n, await protocol.evidence(disputed, 42n));
    expect(await protocol.state(jobId)).toBe("Funded");
  });
});
