import {
  type EscrowAction,
  type EscrowState,
  isTerminal,
  JOB_STATES,
  nextState,
} from "@aios/core-settlement/job-state-table";
import type { Address } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DELIVER_WITHIN_SECONDS,
  LEASE_BY_SECONDS,
  SETTLE_WITHIN_SECONDS,
  sampleJob,
  sampleResult,
} from "../../test/support/sample-job.js";
import { PERMIT_STALE } from "./funding-refusal.js";
import { type ChainStep, isTerminalJob, type Job, liveLease, type VerificationLevel } from "./job.js";
import {
  accept,
  agree,
  applyEscrowFact,
  askToSignAgain,
  complete,
  desert,
  type EscrowFact,
  endAttempt,
  endOffer,
  fail,
  failLease,
  leaseTermsFor,
  NO_PROOF,
  offer,
  sign,
  withAttempt,
  withProof,
} from "./job-transitions.js";
import { nextStep } from "./next-step.js";

const POLICY = { clockMarginMs: 1_000, deliverMarginMs: 10_000 };
const RIGHT_OUTPUT = `0x${"07".padStart(64, "0")}`;
const VANISHED = { code: "provider-vanished", message: "" };
const PROVIDERS = [`0x${"a1".repeat(20)}`, `0x${"a2".repeat(20)}`] as Address[];

const ACTIONS: Readonly<Record<Exclude<ChainStep, "settle" | "refund">, EscrowAction>> = {
  open: "open",
  lease: "lease",
  deliver: "deliver",
  release: "release",
  refute: "refute",
  accept: "accept",
  finish: "window-ends",
};

/** Chance for one step of a simulated world, drawn by the property test. */
interface Luck {
  readonly advanceMs: number;
  readonly transactionFails: boolean;
  readonly crashBeforeStore: boolean;
  readonly duplicate: boolean;
  readonly provider: "answers" | "silent" | "fails" | "vanishes" | "delivers" | "wrong";
  readonly acceptance: boolean;
  /** Another permit of the buyer reaches the chain first, and whether the buyer signs the next one. */
  readonly permitOvertaken: boolean;
  readonly signsAgain: boolean;
}

/**
 * One job, its escrow by the table that Solidity is checked against, and events that come late, twice and never in a
 * convenient order. Every step is chosen by `nextStep` alone, as after a restart.
 */
class World {
  job: Job;
  nowMs = 0;
  escrow: EscrowState = "None";
  payments = 0;
  block = 0;
  readonly facts: EscrowFact[] = [];
  readonly outcomes = new Map<string, boolean>();

  constructor(verification: VerificationLevel) {
    this.job = sign(sampleJob(verification), "0xsigned", "", 0);
  }

  step(luck: Luck): void {
    this.nowMs += luck.advanceMs;
    this.provider(luck);
    if (luck.signsAgain) this.job = sign(this.job, "0xsigned", "", this.nowMs);
    if (luck.acceptance) this.job = accept(this.job, "0xaccepted", this.nowMs);
    const next = nextStep(this.job, this.nowMs, POLICY);
    const before = this.job;
    switch (next.kind) {
      case "place": {
        const provider = PROVIDERS[this.job.leases.length % 2] as Address;
        const terms = leaseTermsFor(this.job, provider, 10n, LEASE_BY_SECONDS);
        this.job = offer(this.job, { provider, terms, offerExpiresAtMs: this.nowMs + 5_000 }, this.nowMs);
        break;
      }
      case "end-offer":
        this.job = endOffer(this.job, next.fencingToken, next.because);
        break;
      case "submit":
        this.submit(next.step, next.fencingToken, next.attempt, luck);
        break;
      case "check-transaction":
        this.job = endAttempt(
          this.job,
          next.attempt,
          { code: "reverted", message: "", detailsJson: "{}" },
          this.nowMs,
        );
        break;
      case "request-proof":
      case "check-proof": {
        const { fencingToken } = next;
        const known = this.job.proof.fencingToken === fencingToken ? this.job.proof : NO_PROOF;
        const { refutingOutput } = known;
        const base = { ...NO_PROOF, fencingToken, attempt: known.attempt + 1, refutingOutput };
        if (luck.provider !== "wrong" || refutingOutput !== undefined)
          this.job = withProof(this.job, { ...base, state: "proven", evidence: "0x01" }, this.nowMs);
        else {
          const failed = { ...base, state: "failed" as const, refutingOutput: RIGHT_OUTPUT };
          this.job = withProof(this.job, failed, this.nowMs);
          this.job = failLease(this.job, fencingToken, { code: "wrong-output", message: "" });
        }
        break;
      }
      case "ask-to-sign-again":
        this.job = askToSignAgain(this.job, next.error, this.nowMs);
        expect(this.job.state).toBe("prepared");
        break;
      case "fail":
        this.job = fail(this.job, next.error, this.nowMs);
        break;
      case "wait":
        if (next.untilMs !== undefined)
          this.nowMs = Math.max(this.nowMs, Math.min(next.untilMs, this.nowMs + luck.advanceMs * 20));
        break;
    }
    if (luck.crashBeforeStore) this.job = before;
    this.events(luck);
    this.check();
  }

  /** The same key never acts twice and always has the same outcome, as in the relayer's outbox. */
  submit(step: ChainStep, fencingToken: number, attempt: number, luck: Luck): void {
    const key = `${step}:${fencingToken}:${attempt}`;
    const succeeded = this.outcomes.get(key) ?? (!luck.transactionFails && this.act(step, fencingToken));
    this.outcomes.set(key, succeeded);
    const code = step === "open" && luck.permitOvertaken ? PERMIT_STALE : "reverted";
    const error = succeeded ? undefined : { code, message: "", detailsJson: "{}" };
    const checkAtMs = this.nowMs + 10_000;
    this.job = withAttempt(this.job, {
      step,
      fencingToken,
      attempt,
      state: "submitted",
      transactionId: key,
      checkAtMs,
      error: undefined,
    });
    this.job = endAttempt(this.job, { step, fencingToken, attempt }, error, this.nowMs + 1_000);
  }

  act(step: ChainStep, fencingToken: number): boolean {
    const action = this.actionOf(step);
    const to = action === undefined ? undefined : nextState(this.escrow, action);
    if (to === undefined || !this.inTime(step) || !this.isProven(step)) return false;
    this.escrow = to;
    if (to === "Settled") this.payments += 1;
    const lease = this.job.leases.find((one) => one.fencingToken === fencingToken);
    this.block += 1;
    const state = to.toLowerCase() as EscrowFact["state"];
    this.facts.push({
      state,
      fencingToken: lease?.fencingToken ?? 0,
      transactionHash: `0x${this.block}`,
      gasUsed: 1,
      position: { blockNumber: this.block, logIndex: 0 },
      chainTimeMs: this.nowMs,
      seenAtMs: this.nowMs,
      pendingUntilMs: this.nowMs + 30_000,
    });
    return true;
  }

  /** The escrow settles on a proof of the delivered output, and refutes on one of another. */
  isProven(step: ChainStep): boolean {
    const { state, refutingOutput } = this.job.proof;
    if (step === "refute") return state === "proven" && refutingOutput !== undefined;
    if (step !== "settle" || this.job.verification === "none") return true;
    return state === "proven" && refutingOutput === undefined;
  }

  actionOf(step: ChainStep): EscrowAction | undefined {
    if (step === "settle") return this.job.verification === "proof" ? "verify-final" : "verify-pending";
    if (step === "refund") return this.escrow === "Funded" ? "refund-unleased" : "refund-unsettled";
    return ACTIONS[step];
  }

  inTime(step: ChainStep): boolean {
    const lease = liveLease(this.job);
    if (step === "deliver") return this.nowMs <= (lease?.deliverByMs ?? 0);
    if (step === "lease" || step === "open") return this.nowMs <= LEASE_BY_SECONDS * 1_000;
    if (step === "finish") return this.nowMs >= this.job.pendingUntilMs;
    if (step !== "refund") return true;
    if (this.escrow === "Funded") return this.nowMs > LEASE_BY_SECONDS * 1_000;
    if (this.escrow === "Delivered")
      return this.nowMs > this.job.deliveredAtMs + SETTLE_WITHIN_SECONDS * 1_000;
    return this.nowMs > Math.max(LEASE_BY_SECONDS * 1_000, lease?.deliverByMs ?? 0);
  }

  provider({ provider }: Luck): void {
    const lease = liveLease(this.job);
    if (lease === undefined || provider === "silent") return;
    if (provider === "vanishes" && lease.state !== "computed")
      this.job = desert(this.job, lease.fencingToken, VANISHED);
    else if (lease.state === "offered") this.job = agree(this.job, lease.fencingToken, "0xterms");
    else if (lease.state === "leased" && provider === "fails")
      this.job = failLease(this.job, lease.fencingToken, { code: "provider-failed", message: "" });
    else if (lease.state === "leased" && lease.failure === undefined) {
      this.job = complete(
        this.job,
        lease.fencingToken,
        sampleResult(this.job.jobId, lease.fencingToken),
        this.nowMs,
      );
    }
  }

  events({ duplicate }: Luck): void {
    for (const fact of this.facts) this.job = applyEscrowFact(this.job, fact);
    if (!duplicate) return;
    const again = this.facts.reduce((job, fact) => applyEscrowFact(job, fact), this.job);
    expect(again).toEqual(this.job);
  }

  check(): void {
    expect(this.job.leases.filter((lease) => lease.state !== "ended").length).toBeLessThanOrEqual(1);
    const tokens = this.job.leases.map((lease) => lease.fencingToken);
    expect(new Set(tokens).size).toBe(tokens.length);
    expect([...tokens].sort((a, b) => a - b)).toEqual(tokens);
    expect(this.payments).toBeLessThanOrEqual(1);
    if (this.job.state === "settled") expect(this.payments).toBe(1);
    if (this.job.state === "refunded") expect(this.payments).toBe(0);
  }
}

const luckArbitrary: fc.Arbitrary<Luck> = fc.record({
  advanceMs: fc.integer({ min: 0, max: 8_000 }),
  transactionFails: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
  crashBeforeStore: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
  duplicate: fc.boolean(),
  provider: fc.constantFrom("answers", "delivers", "silent", "fails", "vanishes", "wrong"),
  acceptance: fc.integer({ min: 0, max: 5 }).map((roll) => roll === 0),
  permitOvertaken: fc.boolean(),
  signsAgain: fc.boolean(),
});

describe("the job's machine", () => {
  it("never has two leases, never pays twice, and gets out of every state", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<VerificationLevel>("proof", "none"),
        fc.array(luckArbitrary, { minLength: 5, maxLength: 80 }),
        (verification, lucks) => {
          const world = new World(verification);
          for (const luck of lucks) world.step(luck);
          // With good luck from here on it ends, wherever it was.
          const good: Luck = {
            advanceMs: 5_000,
            transactionFails: false,
            crashBeforeStore: false,
            duplicate: true,
            provider: "delivers",
            acceptance: false,
            permitOvertaken: false,
            signsAgain: true,
          };
          for (let count = 0; count < 1_000 && !isTerminalJob(world.job); count++) world.step(good);
          expect(isTerminalJob(world.job)).toBe(true);
          expect(world.escrow === "None" || isTerminal(world.escrow)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("converges over duplicated and delayed events of the same history", () => {
    const world = new World("proof");
    const good: Luck = {
      advanceMs: 1_000,
      transactionFails: false,
      crashBeforeStore: false,
      duplicate: false,
      provider: "delivers",
      acceptance: false,
      permitOvertaken: false,
      signsAgain: false,
    };
    for (let count = 0; count < 200 && !isTerminalJob(world.job); count++) world.step(good);
    expect(world.job.state).toBe("settled");
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: world.facts.length - 1 }), { maxLength: 30 }),
        (repeats) => {
          const late = repeats.reduce(
            (job, index) => applyEscrowFact(job, world.facts[index] as EscrowFact),
            world.job,
          );
          expect(late).toEqual(world.job);
        },
      ),
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

/** A proven inference whose output is on chain before its proof. */
function deliveredJob(): Job {
  const funded = applyEscrowFact(sign(sampleJob(), "0x", "", 0), { ...FACT, state: "funded" });
  const provider = PROVIDERS[0] as Address;
  const terms = leaseTermsFor(funded, provider, 10n, 100);
  const agreed = agree(offer(funded, { provider, terms, offerExpiresAtMs: 5_000 }, 0), 1, "0x");
  const at = (blockNumber: number) => ({ ...FACT, fencingToken: 1, position: { blockNumber, logIndex: 0 } });
  const leased = applyEscrowFact(agreed, { ...at(2), state: "leased" });
  const computed = complete(leased, 1, sampleResult(leased.jobId, 1), 0);
  return applyEscrowFact(computed, { ...at(3), state: "delivered" });
}

const FACT = {
  fencingToken: 0,
  transactionHash: "0x1",
  gasUsed: 1,
  position: { blockNumber: 1, logIndex: 0 },
  chainTimeMs: 0,
  seenAtMs: 0,
  pendingUntilMs: 30_000,
} as const;
