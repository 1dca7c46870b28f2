import { JOB_STATES } from "@aios/core-settlement/job-state-table";
import { type Address, bytes32 } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  GOOD_LUCK,
  luckArbitrary,
  POLICY,
  PROVIDERS,
  providerMoveArbitrary,
  VANISHED,
  World,
} from "../../test/support/job-world.js";
import {
  CHALLENGE_WINDOW_SECONDS,
  DELIVER_WITHIN_SECONDS,
  LEASE_BY_SECONDS,
  RIGHT_OUTPUT,
  SETTLE_WITHIN_SECONDS,
  sampleJob,
  sampleResult,
  WRONG_OUTPUT,
} from "../../test/support/sample-job.js";
import { claimedOutput } from "./counted-output.js";
import { PERMIT_STALE } from "./funding-refusal.js";
import { isTerminalJob, type Job, liveLease, type VerificationLevel } from "./job.js";
import {
  accept,
  agree,
  applyEscrowFact,
  askToSignAgain,
  complete,
  desert,
  type EscrowFact,
  endAttempt,
  fail,
  failLease,
  leaseTermsFor,
  NO_PROOF,
  offer,
  sign,
  startReplica,
  withAttempt,
  withDraw,
  withProof,
  ZERO_BYTES32,
} from "./job-transitions.js";
import { nextStep } from "./next-step.js";
import { drawSample } from "./sample-draw.js";

describe("the job's machine", () => {
  it("never has two leases, never pays twice, and gets out of every state", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<VerificationLevel>("proof", "honk", "replicate", "sample", "none"),
        fc.array(luckArbitrary, { minLength: 5, maxLength: 80 }),
        (verification, lucks) => {
          const world = new World(verification);
          for (const luck of lucks) world.step(luck);
          // With good luck from here on it ends, wherever it was.
          for (let count = 0; count < 1_000 && !isTerminalJob(world.job); count++) world.step(GOOD_LUCK);
          expect(isTerminalJob(world.job)).toBe(true);
          expect(world.escrow.isOver).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("pays no drawn output that is wrong, whatever its provider says, and does with the escrow itself", () => {
    const manner = fc.record({
      advanceMs: fc.integer({ min: 0, max: 500 }),
      provider: fc.constantFrom("answers", "delivers", "silent", "fails", "vanishes", "wrong"),
      before: providerMoveArbitrary,
      after: providerMoveArbitrary,
    });
    fc.assert(
      fc.property(fc.array(manner, { minLength: 5, maxLength: 60 }), (manners) => {
        const world = new World("sample");
        for (const one of manners) world.step({ ...GOOD_LUCK, ...one });
        const soon = { ...GOOD_LUCK, advanceMs: 500 };
        for (let count = 0; count < 3_000 && !isTerminalJob(world.job); count++) world.step(soon);
        expect(isTerminalJob(world.job)).toBe(true);
        for (const output of world.escrow.paid) expect(output).toBe(RIGHT_OUTPUT);
      }),
      { numRuns: 300 },
    );
  });

  it("converges over duplicated and delayed events of the same history", () => {
    const world = new World("proof");
    const good = { ...GOOD_LUCK, advanceMs: 1_000, duplicate: false, signsAgain: false };
    const { facts } = world.escrow;
    for (let count = 0; count < 200 && !isTerminalJob(world.job); count++) world.step(good);
    expect(world.job.state).toBe("settled");
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: facts.length - 1 }), { maxLength: 30 }), (repeats) => {
        const late = repeats.reduce(
          (job, index) => applyEscrowFact(job, facts[index] as EscrowFact),
          world.job,
        );
        expect(late).toEqual(world.job);
      }),
    );
  });

  it("keeps an order whose permit was overtaken, until it expires, and submits it anew once it is signed again", () => {
    const refused = (job: Job, attempt: number): Job => {
      const error = { code: PERMIT_STALE, message: "", detailsJson: "{}" };
      return endAttempt(job, { step: "open", fencingToken: 0, attempt }, error, 0);
    };
    const overtaken = refused(sign(sampleJob(), "0xorder", "0xpermit", 0), 1);
    expect(nextStep(overtaken, 0, POLICY)).toMatchObject({ kind: "ask-to-sign-again" });
    expect(nextStep(overtaken, LEASE_BY_SECONDS * 1_000 + 1, POLICY)).toMatchObject({ kind: "fail" });
    const asked = askToSignAgain(overtaken, { code: PERMIT_STALE, message: "", detailsJson: "{}" }, 0);
    expect(asked).toMatchObject({ state: "prepared", orderSignature: "", permitSignature: "" });
    expect(nextStep(asked, 0, POLICY)).toMatchObject({ kind: "wait" });
    const again = sign(asked, "0xorder", "0xnext", 0);
    expect(again.error).toBeUndefined();
    expect(nextStep(again, 0, POLICY)).toMatchObject({ kind: "submit", step: "open", attempt: 2 });
    // The end of the first attempt, told a second time, is known.
    expect(refused(again, 1)).toEqual(again);
  });

  it("refuses answers and results under any token but the live one", () => {
    const funded = applyEscrowFact(sign(sampleJob(), "0x", "", 0), { ...FACT, state: "funded" });
    const terms = leaseTermsFor(funded, PROVIDERS[0] as Address, 10n, 100);
    const offered = offer(funded, { provider: PROVIDERS[0] as Address, terms, offerExpiresAtMs: 5_000 }, 0);
    const stale = expect.objectContaining({ code: "stale-fencing-token" });
    expect(() => agree(offered, 2, "0x")).toThrowError(stale);
    expect(() => complete(offered, 1, sampleResult(offered.jobId, 1), 0)).toThrowError(stale);
    expect(() =>
      offer(offered, { provider: PROVIDERS[1] as Address, terms, offerExpiresAtMs: 1 }, 0),
    ).toThrowError(expect.objectContaining({ code: "lease-not-offered" }));
  });

  it("acts on each deadline", () => {
    const afterLeaseBy = LEASE_BY_SECONDS * 1_000 + 5_000;
    expect(nextStep(sampleJob(), afterLeaseBy, POLICY)).toMatchObject({
      kind: "fail",
      error: { code: "order-expired" },
    });
    const funded = applyEscrowFact(sign(sampleJob(), "0x", "", 0), { ...FACT, state: "funded" });
    expect(nextStep(funded, 0, POLICY)).toEqual({ kind: "place" });
    expect(nextStep(funded, afterLeaseBy, POLICY)).toMatchObject({ kind: "submit", step: "refund" });
    const terms = leaseTermsFor(funded, PROVIDERS[0] as Address, 10n, 100);
    const offered = offer(funded, { provider: PROVIDERS[0] as Address, terms, offerExpiresAtMs: 5_000 }, 0);
    expect(nextStep(offered, 5_000, POLICY)).toMatchObject({ kind: "end-offer", because: "no-answer" });
    const leased = applyEscrowFact(agree(offered, 1, "0x"), {
      ...FACT,
      state: "leased",
      fencingToken: 1,
      position: { blockNumber: 2, logIndex: 0 },
    });
    const late = DELIVER_WITHIN_SECONDS * 1_000 + 2_000;
    expect(nextStep(leased, 0, POLICY)).toEqual({
      kind: "wait",
      untilMs: DELIVER_WITHIN_SECONDS * 1_000 + 1_001,
    });
    expect(nextStep(leased, late, POLICY)).toMatchObject({
      kind: "submit",
      step: "release",
      fencingToken: 1,
    });
    expect(nextStep(leased, afterLeaseBy, POLICY)).toMatchObject({ kind: "submit", step: "refund" });
    const computed = complete(leased, 1, sampleResult(leased.jobId, 1), 0);
    expect(nextStep(computed, 0, POLICY)).toMatchObject({
      kind: "request-proof",
      fencingToken: 1,
      attempt: 1,
    });
    const nearDeadline = (DELIVER_WITHIN_SECONDS - 9) * 1_000;
    expect(nextStep(computed, nearDeadline, POLICY)).toMatchObject({ kind: "submit", step: "deliver" });
    const delivered = applyEscrowFact(computed, {
      ...FACT,
      state: "delivered",
      fencingToken: 1,
      position: { blockNumber: 3, logIndex: 0 },
    });
    expect(nextStep(delivered, SETTLE_WITHIN_SECONDS * 1_000 + 2_000, POLICY)).toMatchObject({
      kind: "submit",
      step: "refund",
    });
  });

  it("takes agreed terms from a provider that is gone: unsent ones at once, sent ones when they have arrived", () => {
    const funded = applyEscrowFact(sign(sampleJob(), "0x", "", 0), { ...FACT, state: "funded" });
    const provider = PROVIDERS[0] as Address;
    const terms = leaseTermsFor(funded, provider, 10n, 100);
    const agreed = agree(offer(funded, { provider, terms, offerExpiresAtMs: 5_000 }, 0), 1, "0x");
    expect(nextStep(desert(agreed, 1, VANISHED), 0, POLICY)).toEqual({
      kind: "end-offer",
      fencingToken: 1,
      because: "provider-vanished",
    });
    const attempt = { step: "lease" as const, fencingToken: 1, attempt: 1, state: "submitted" as const };
    const sent = withAttempt(agreed, { ...attempt, transactionId: "t", checkAtMs: 9_000, error: undefined });
    const deserted = desert(sent, 1, VANISHED);
    expect(nextStep(deserted, 0, POLICY)).toEqual({ kind: "wait", untilMs: 9_000 });
    const leased = applyEscrowFact(deserted, {
      ...FACT,
      state: "leased",
      fencingToken: 1,
      position: { blockNumber: 2, logIndex: 0 },
    });
    expect(nextStep(leased, 0, POLICY)).toMatchObject({ kind: "submit", step: "release", fencingToken: 1 });
    expect(() => complete(leased, 1, sampleResult(leased.jobId, 1), 0)).toThrowError(
      expect.objectContaining({ code: "stale-fencing-token" }),
    );
  });

  it("refutes a wrong output that is on chain already, and leases the job anew", () => {
    const delivered = deliveredJob();
    expect(nextStep(delivered, 0, POLICY)).toMatchObject({ kind: "request-proof", attempt: 1 });
    const failed = { ...NO_PROOF, fencingToken: 1, attempt: 1, state: "failed" as const };
    const wrong = failLease(withProof(delivered, { ...failed, refutingOutput: RIGHT_OUTPUT }, 0), 1, {
      code: "wrong-output",
      message: "",
    });
    expect(nextStep(wrong, 0, POLICY)).toMatchObject({ kind: "request-proof", attempt: 2 });
    const proven = { ...failed, attempt: 2, state: "proven" as const, refutingOutput: RIGHT_OUTPUT };
    const disproven = withProof(wrong, { ...proven, evidence: "0x01" }, 0);
    expect(nextStep(disproven, 0, POLICY)).toMatchObject({ kind: "submit", step: "refute", fencingToken: 1 });
    const released = applyEscrowFact(disproven, {
      ...FACT,
      state: "funded",
      position: { blockNumber: 4, logIndex: 0 },
    });
    expect(released.leases[0]).toMatchObject({ state: "ended", endedBecause: "wrong-output" });
    expect(nextStep(released, 0, POLICY)).toEqual({ kind: "place" });
  });

  describe("a sampled delivery whose window its provider started in the block of its delivery", () => {
    const overAtMs = CHALLENGE_WINDOW_SECONDS * 1_000 + POLICY.clockMarginMs;
    const at = (logIndex: number) => ({ ...FACT, fencingToken: 1, position: { blockNumber: 3, logIndex } });
    /** Leased, then on chain at once, whatever was handed over before. */
    const selfSettled = (handedOver: string | undefined): Job => {
      const held = { output: WRONG_OUTPUT, outputHash: WRONG_OUTPUT };
      const delivered = applyEscrowFact(leasedJob("sample", handedOver), {
        ...at(0),
        ...held,
        state: "delivered",
      });
      return applyEscrowFact(delivered, { ...at(1), ...held, state: "pending" });
    };
    const drawn = (job: Job, isDrawn = true): Job =>
      withDraw(job, { drawn: isDrawn, blockHash: ZERO_BYTES32, secret: isDrawn ? "" : ZERO_BYTES32 }, 0);
    const found = (job: Job): Job => {
      const failed = { ...NO_PROOF, fencingToken: 1, attempt: 1, state: "failed" as const };
      const wrong = { code: "wrong-output", message: "" };
      return failLease(withProof(job, { ...failed, refutingOutput: RIGHT_OUTPUT }, 0), 1, wrong);
    };

    it.each([undefined, WRONG_OUTPUT, RIGHT_OUTPUT])(
      "is drawn, proven and refuted (handed over: %s)",
      (own) => {
        const pending = selfSettled(own);
        expect(pending).toMatchObject({ state: "pending", held: { output: WRONG_OUTPUT, blockNumber: 3 } });
        expect(nextStep(pending, 0, POLICY)).toEqual({ kind: "draw" });
        expect(claimedOutput(drawn(pending))).toBe(WRONG_OUTPUT);
        expect(nextStep(drawn(pending), 0, POLICY)).toMatchObject({ kind: "request-proof", attempt: 1 });
        const wrong = found(drawn(pending));
        expect(claimedOutput(wrong)).toBe(RIGHT_OUTPUT);
        expect(nextStep(wrong, 0, POLICY)).toMatchObject({ kind: "request-proof", attempt: 2 });
        const proof = { ...NO_PROOF, fencingToken: 1, attempt: 2, refutingOutput: RIGHT_OUTPUT };
        const disproven = withProof(wrong, { ...proof, state: "proven", evidence: "0x01" }, 0);
        expect(nextStep(disproven, 0, POLICY)).toMatchObject({ kind: "submit", step: "refute" });
        const at = { blockNumber: 4, logIndex: 0 };
        const released = applyEscrowFact(disproven, { ...FACT, state: "funded", position: at });
        expect(released).toMatchObject({ state: "funded", held: undefined });
        expect(released.leases[0]).toMatchObject({ endedBecause: "wrong-output" });
      },
    );

    it("is final at the window's end, where it is not drawn or nothing refuted it in time", () => {
      const spared = drawn(selfSettled(undefined), false);
      const missed = found(drawn(selfSettled(undefined)));
      for (const job of [spared, missed]) {
        expect(nextStep(job, overAtMs, POLICY)).toMatchObject({ kind: "submit", step: "finish" });
      }
      expect(nextStep(spared, 0, POLICY)).toEqual({ kind: "wait", untilMs: overAtMs });
    });

    it("is always drawn where its provider handed over another output", () => {
      const job = { ...selfSettled(RIGHT_OUTPUT), drawSecret: ZERO_BYTES32 };
      const never = { ...job, terms: { ...job.terms, sampleShareBps: 0 } };
      const told = withDraw(never, drawSample(never, ZERO_BYTES32), 0);
      expect(told.draw).toMatchObject({ drawn: true });
      expect(told.steps.at(-1)?.note).toContain("handed over another output");
    });

    it("takes the buyer's word, but not against a proof that is on its way", () => {
      const pending = accept(drawn(selfSettled(undefined)), "0xaccepted", 0);
      expect(nextStep(pending, 0, POLICY)).toMatchObject({ kind: "submit", step: "accept" });
      expect(nextStep(found(pending), 0, POLICY)).toMatchObject({ kind: "request-proof", attempt: 2 });
    });
  });

  it("forgets what was found about another output than the escrow holds", () => {
    const failed = { ...NO_PROOF, fencingToken: 1, attempt: 1, state: "failed" as const };
    const leasedWrong = withProof(
      leasedJob("proof", WRONG_OUTPUT),
      { ...failed, refutingOutput: RIGHT_OUTPUT },
      0,
    );
    const wrong = failLease(leasedWrong, 1, { code: "wrong-output", message: "" });
    const deliver = (output: string): Job =>
      applyEscrowFact(wrong, {
        ...FACT,
        state: "delivered",
        fencingToken: 1,
        position: { blockNumber: 3, logIndex: 0 },
        output,
        outputHash: output,
      });
    expect(nextStep(deliver(WRONG_OUTPUT), 0, POLICY)).toMatchObject({ kind: "request-proof", attempt: 2 });
    expect(deliver(RIGHT_OUTPUT)).toMatchObject({ proof: NO_PROOF });
    expect(liveLease(deliver(RIGHT_OUTPUT))?.failure).toBeUndefined();
    expect(claimedOutput(deliver(RIGHT_OUTPUT))).toBe(RIGHT_OUTPUT);
    expect(nextStep(deliver(RIGHT_OUTPUT), 0, POLICY)).toMatchObject({ kind: "request-proof", attempt: 1 });
  });

  it("starts no window for a training whose output the buyer does not have, and takes no proof to have failed", () => {
    const refundAtMs = SETTLE_WITHIN_SECONDS * 1_000 + POLICY.clockMarginMs;
    const training = { ...leasedJob("none", undefined), kind: "training" as const };
    const deliver = (job: Job, output: string): Job =>
      applyEscrowFact(job, {
        ...FACT,
        state: "delivered",
        fencingToken: 1,
        position: { blockNumber: 3, logIndex: 0 },
        output,
        outputHash: output,
      });
    const unseen = deliver(training, RIGHT_OUTPUT);
    expect(nextStep(unseen, 0, POLICY)).toEqual({ kind: "wait", untilMs: refundAtMs + 1 });
    const late = complete(unseen, 1, sampleResult(unseen.jobId, 1), 0);
    expect(nextStep(late, 0, POLICY)).toMatchObject({ kind: "submit", step: "settle" });
    // An economy of an earlier release does not say what was delivered.
    const unknown = withDraw(
      deliver(leasedJob("sample", undefined), ""),
      { drawn: true, blockHash: ZERO_BYTES32, secret: "" },
      0,
    );
    expect(nextStep(unknown, 0, POLICY)).toEqual({ kind: "wait", untilMs: refundAtMs + 1 });
  });

  it("settles by a proof, asked for once, what both providers signed but whose second one has left", () => {
    const delivered = agreedDelivery();
    expect(nextStep(delivered, 0, POLICY)).toMatchObject({ kind: "submit", step: "settle", attempt: 1 });
    const ended = (job: Job, code: string, attempt: number): Job =>
      endAttempt(
        job,
        { step: "settle", fencingToken: 2, attempt },
        { code, message: "", detailsJson: "{}" },
        500,
      );
    // What the relayer could not do is done again; no prover works for it.
    const unsent = ended(delivered, "execution-halted", 1);
    expect(nextStep(unsent, 500, POLICY)).toMatchObject({ kind: "submit", step: "settle", attempt: 2 });
    const refused = ended(delivered, "reverted", 1);
    expect(nextStep(refused, 0, POLICY)).toEqual({ kind: "request-proof", fencingToken: 2, attempt: 1 });
    const proof = { ...NO_PROOF, fencingToken: 2, attempt: 1 };
    const requested = withProof(refused, { ...proof, state: "requested", checkAtMs: 9_000 }, 0);
    expect(nextStep(requested, 600, POLICY)).toEqual({ kind: "wait", untilMs: 9_000 });
    const proven = withProof(requested, { ...proof, state: "proven", evidence: "0x01" }, 0);
    expect(nextStep(proven, 600, POLICY)).toMatchObject({ kind: "submit", step: "settle", attempt: 2 });
    expect(nextStep(ended(proven, "reverted", 2), 600, POLICY)).toMatchObject({ step: "settle", attempt: 3 });
    const unproven = withProof(requested, { ...proof, state: "failed" }, 0);
    expect(nextStep(unproven, 600, POLICY)).toMatchObject({ kind: "submit", step: "settle", attempt: 2 });
    const refundAtMs = SETTLE_WITHIN_SECONDS * 1_000 + POLICY.clockMarginMs;
    expect(nextStep(unproven, refundAtMs + 1, POLICY)).toMatchObject({ kind: "submit", step: "refund" });
  });

  it("refunds a wrong output at the deadline where nobody says which one is right", () => {
    const failed = { ...NO_PROOF, fencingToken: 1, attempt: 1, state: "failed" as const };
    const wrong = failLease(withProof(deliveredJob(), failed, 0), 1, { code: "wrong-output", message: "" });
    const refundAtMs = SETTLE_WITHIN_SECONDS * 1_000 + POLICY.clockMarginMs;
    expect(nextStep(wrong, 0, POLICY)).toEqual({ kind: "wait", untilMs: refundAtMs + 1 });
    expect(nextStep(wrong, refundAtMs + 1, POLICY)).toMatchObject({ kind: "submit", step: "refund" });
  });

  it("gives up on money that never came, unless the chain says later that it did", () => {
    const signed = sign(sampleJob(), "0x", "", 0);
    const deadline = LEASE_BY_SECONDS * 1_000 + POLICY.clockMarginMs;
    const submitted = withAttempt(signed, {
      step: "open",
      fencingToken: 0,
      attempt: 1,
      state: "submitted",
      transactionId: "t1",
      checkAtMs: deadline + 60_000,
      error: undefined,
    });
    expect(nextStep(signed, deadline, POLICY)).toMatchObject({ kind: "submit", step: "open" });
    expect(nextStep(submitted, deadline, POLICY)).toEqual({ kind: "wait", untilMs: deadline + 1 });
    for (const job of [signed, submitted]) {
      expect(nextStep(job, deadline + 1, POLICY)).toMatchObject({
        kind: "fail",
        error: { code: "funding-expired" },
      });
    }
    const opened = endAttempt(submitted, { step: "open", fencingToken: 0, attempt: 1 }, undefined, 0);
    expect(nextStep(opened, deadline + 1, POLICY)).toMatchObject({ kind: "check-transaction" });
    const error = { code: "funding-expired", message: "", detailsJson: "{}" };
    const failed = fail(submitted, error, deadline + 1);
    expect(failed).toMatchObject({ state: "failed", error: { code: "funding-expired" } });
    const funded = applyEscrowFact(failed, { ...FACT, state: "funded" });
    expect(funded).toMatchObject({ state: "funded", error: undefined });
    expect(nextStep(funded, deadline + 1, POLICY)).toMatchObject({ kind: "submit", step: "refund" });
  });

  it("knows every state of the escrow", () => {
    const states: readonly string[] = ["funded", "leased", "delivered", "pending", "settled", "refunded"];
    expect(JOB_STATES.slice(1).map((state) => state.toLowerCase())).toEqual(states);
  });
});

/** A replicated inference that both providers computed alike, under the tokens 1 and 2; the output is on chain. */
function agreedDelivery(): Job {
  const [second, provider] = PROVIDERS as [Address, Address];
  const funded = applyEscrowFact(sign(sampleJob("replicate"), "0x", "", 0), { ...FACT, state: "funded" });
  const offered = (job: Job, to: Address, role: "lease" | "replica"): Job => {
    const terms = leaseTermsFor(job, to, 10n, 100, role);
    return offer(job, { role, provider: to, terms, offerExpiresAtMs: 5_000 }, 0);
  };
  const started = startReplica(agree(offered(funded, second, "replica"), 1, "0x"), 1, 0);
  const replicated = complete(started, 1, sampleResult(started.jobId, 1), 0);
  const agreed = agree(offered(replicated, provider, "lease"), 2, "0x");
  const at = (blockNumber: number) => ({ ...FACT, fencingToken: 2, position: { blockNumber, logIndex: 0 } });
  const leased = applyEscrowFact(agreed, { ...at(2), state: "leased" });
  const computed = complete(leased, 2, sampleResult(leased.jobId, 2), 0);
  return applyEscrowFact(computed, { ...at(3), state: "delivered" });
}

/** A proven inference whose output is on chain before its proof. */
function deliveredJob(): Job {
  const at = { ...FACT, fencingToken: 1, position: { blockNumber: 3, logIndex: 0 } };
  return applyEscrowFact(leasedJob("proof", RIGHT_OUTPUT), { ...at, state: "delivered" });
}

/** Leased under the token 1, to a provider that handed this over. */
function leasedJob(verification: VerificationLevel, handedOver: string | undefined): Job {
  const funded = applyEscrowFact(sign(sampleJob(verification), "0x", "", 0), { ...FACT, state: "funded" });
  const provider = PROVIDERS[0] as Address;
  const terms = leaseTermsFor(funded, provider, 10n, 100);
  const agreed = agree(offer(funded, { provider, terms, offerExpiresAtMs: 5_000 }, 0), 1, "0x");
  const at = { ...FACT, fencingToken: 1, position: { blockNumber: 2, logIndex: 0 } };
  const leased = applyEscrowFact(agreed, { ...at, state: "leased" });
  if (handedOver === undefined) return leased;
  return complete(leased, 1, sampleResult(leased.jobId, 1, bytes32(handedOver)), 0);
}

const FACT = {
  fencingToken: 0,
  transactionHash: "0x1",
  gasUsed: 1,
  position: { blockNumber: 1, logIndex: 0 },
  chainTimeMs: 0,
  seenAtMs: 0,
  pendingUntilMs: CHALLENGE_WINDOW_SECONDS * 1_000,
  output: "",
  outputHash: "",
} as const;
