import type { Address } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { expect } from "vitest";
import { needsReplica } from "../../src/application/market.js";
import { claimedOutput, outputHashOf } from "../../src/domain/counted-output.js";
import { PERMIT_STALE } from "../../src/domain/funding-refusal.js";
import {
  type ChainStep,
  type Job,
  keptReplica,
  liveLease,
  type VerificationLevel,
} from "../../src/domain/job.js";
import {
  accept,
  agree,
  applyEscrowFact,
  askToSignAgain,
  complete,
  desert,
  dropReplica,
  endAttempt,
  endOffer,
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
} from "../../src/domain/job-transitions.js";
import { nextStep } from "../../src/domain/next-step.js";
import { drawSample } from "../../src/domain/sample-draw.js";
import { EscrowModel, type Evidence } from "./escrow-model.js";
import { LEASE_BY_SECONDS, RIGHT_OUTPUT, sampleJob, sampleResult, WRONG_OUTPUT } from "./sample-job.js";

export const POLICY = { clockMarginMs: 1_000, deliverMarginMs: 10_000 };
export const VANISHED = { code: "provider-vanished", message: "" };
export const PROVIDERS = [`0x${"a1".repeat(20)}`, `0x${"a2".repeat(20)}`] as Address[];
/** Staked, and signs whatever a provider asks it to. */
const ACCOMPLICE = `0x${"a9".repeat(20)}`;

/** What the lease's provider does on chain itself, beside what it says to the platform. */
export interface ProviderMove {
  /** Which of them, in this order and in one block. */
  readonly does: readonly ("deliver-right" | "deliver-wrong" | "settle" | "settle-by-accomplice")[];
}

/** Chance for one step of a simulated world, drawn by the property test. */
export interface Luck {
  readonly advanceMs: number;
  readonly transactionFails: boolean;
  readonly crashBeforeStore: boolean;
  readonly duplicate: boolean;
  readonly provider: "answers" | "silent" | "fails" | "vanishes" | "delivers" | "wrong";
  /** Before and after the platform's own step. */
  readonly before: ProviderMove;
  readonly after: ProviderMove;
  readonly acceptance: boolean;
  readonly drawn: boolean;
  /** Another permit of the buyer reaches the chain first, and whether the buyer signs the next one. */
  readonly permitOvertaken: boolean;
  readonly signsAgain: boolean;
  /** The second provider's stake leaves the registry, for good. */
  readonly replicaLeaves: boolean;
}

/** Everybody answers, and nobody does anything on its own. */
export const GOOD_LUCK: Luck = {
  advanceMs: 5_000,
  transactionFails: false,
  crashBeforeStore: false,
  duplicate: true,
  provider: "delivers",
  before: { does: [] },
  after: { does: [] },
  acceptance: false,
  drawn: true,
  permitOvertaken: false,
  signsAgain: true,
  replicaLeaves: false,
};

/**
 * One job, its escrow, a provider that may go to the escrow itself, and events that come late, twice and never in a
 * convenient order. Every step is chosen by `nextStep` alone, as after a restart.
 */
export class World {
  job: Job;
  nowMs = 0;
  readonly escrow: EscrowModel;
  readonly outcomes = new Map<string, boolean>();

  constructor(verification: VerificationLevel) {
    this.escrow = new EscrowModel(verification);
    this.job = sign(sampleJob(verification), "0xsigned", "", 0);
  }

  step(luck: Luck): void {
    this.nowMs += luck.advanceMs;
    const replica = keptReplica(this.job);
    if (luck.replicaLeaves && replica !== undefined) this.escrow.departed.add(replica.provider);
    this.provider(luck);
    this.onItsOwn(luck.before);
    if (luck.signsAgain) this.job = sign(this.job, "0xsigned", "", this.nowMs);
    if (luck.acceptance) this.job = accept(this.job, "0xaccepted", this.nowMs);
    this.escrow.nextBlock();
    this.platform(luck);
    this.onItsOwn(luck.after);
    this.events(luck);
    this.check();
  }

  platform(luck: Luck): void {
    const next = nextStep(this.job, this.nowMs, POLICY);
    const before = this.job;
    switch (next.kind) {
      case "place": {
        const second = keptReplica(this.job)?.provider;
        const free = PROVIDERS.filter((one) => one !== second);
        const provider = free[this.job.leases.length % free.length] as Address;
        const role = needsReplica(this.job) ? "replica" : "lease";
        const terms = leaseTermsFor(this.job, provider, 10n, LEASE_BY_SECONDS, role);
        const offered = { role, provider, terms, offerExpiresAtMs: this.nowMs + 5_000 } as const;
        this.job = offer(this.job, offered, this.nowMs);
        break;
      }
      case "start-replica":
        this.job = startReplica(this.job, next.fencingToken, this.nowMs);
        break;
      case "drop-replica":
        this.job = dropReplica(this.job, this.nowMs);
        break;
      case "draw": {
        const draw = drawSample(this.job, ZERO_BYTES32);
        this.job = withDraw(this.job, { ...draw, drawn: luck.drawn || draw.secret === "" }, this.nowMs);
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
      case "check-proof":
        this.prove(next.fencingToken);
        break;
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
  }

  /** The prover computes the model again: it proves the right output, and says which one that is for any other. */
  prove(fencingToken: number): void {
    const known = this.job.proof.fencingToken === fencingToken ? this.job.proof : NO_PROOF;
    const { refutingOutput } = known;
    const base = { ...NO_PROOF, fencingToken, attempt: known.attempt + 1, refutingOutput };
    if (claimedOutput(this.job) === RIGHT_OUTPUT) {
      this.job = withProof(this.job, { ...base, state: "proven", evidence: RIGHT_OUTPUT }, this.nowMs);
      return;
    }
    this.job = withProof(this.job, { ...base, state: "failed", refutingOutput: RIGHT_OUTPUT }, this.nowMs);
    this.job = failLease(this.job, fencingToken, { code: "wrong-output", message: "" });
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

  /** The calls that `escrow-calls.ts` makes of the job. */
  act(step: ChainStep, fencingToken: number): boolean {
    const { escrow, job, nowMs } = this;
    const lease = job.leases.find((one) => one.fencingToken === fencingToken);
    switch (step) {
      case "open":
        return escrow.open(nowMs);
      case "lease":
        return lease !== undefined && escrow.leaseTo(lease.terms, nowMs);
      case "deliver":
        return lease?.result !== undefined && escrow.deliver(fencingToken, lease.result.output, nowMs);
      case "release":
        return escrow.release(nowMs);
      case "refute":
        return escrow.refute(job.proof.evidence, nowMs);
      case "settle":
        return escrow.settle(this.evidence(), nowMs);
      case "finish":
        return escrow.settle("none", nowMs);
      case "accept":
        return escrow.accept(outputHashOf(job, lease), nowMs);
      case "refund":
        return escrow.refund(nowMs);
    }
  }

  evidence(): Evidence {
    if (this.job.proof.evidence !== "") return { proves: this.job.proof.evidence };
    const replica = keptReplica(this.job);
    return replica === undefined ? "none" : { signs: replica.result.output, signer: replica.provider };
  }

  onItsOwn({ does }: ProviderMove): void {
    if (does.length === 0) return;
    this.escrow.nextBlock();
    for (const move of does) {
      const { escrow, nowMs } = this;
      const token = Number(escrow.lease?.terms.fencingToken ?? 0);
      if (move === "deliver-right") escrow.deliver(token, RIGHT_OUTPUT, nowMs);
      else if (move === "deliver-wrong") escrow.deliver(token, WRONG_OUTPUT, nowMs);
      else if (move === "settle") escrow.settle("none", nowMs);
      else escrow.settle({ signs: escrow.output, signer: ACCOMPLICE }, nowMs);
    }
  }

  /** What the provider says to the platform. */
  provider({ provider }: Luck): void {
    const lease = liveLease(this.job);
    if (lease === undefined || provider === "silent") return;
    if (provider === "vanishes" && lease.state !== "computed")
      this.job = desert(this.job, lease.fencingToken, VANISHED);
    else if (lease.state === "offered") this.job = agree(this.job, lease.fencingToken, "0xterms");
    else if (lease.state === "leased" && provider === "fails")
      this.job = failLease(this.job, lease.fencingToken, { code: "provider-failed", message: "" });
    else if (lease.state === "leased" && lease.failure === undefined) {
      const output = provider === "wrong" ? WRONG_OUTPUT : RIGHT_OUTPUT;
      // `checkResult` refuses what the escrow does not hold.
      if (this.job.held !== undefined && this.job.held.outputHash !== output) return;
      this.job = complete(
        this.job,
        lease.fencingToken,
        sampleResult(this.job.jobId, lease.fencingToken, output),
        this.nowMs,
      );
    }
  }

  events({ duplicate }: Luck): void {
    const { facts } = this.escrow;
    for (const fact of facts) this.job = applyEscrowFact(this.job, fact);
    if (!duplicate) return;
    const again = facts.reduce((job, fact) => applyEscrowFact(job, fact), this.job);
    expect(again).toEqual(this.job);
  }

  check(): void {
    expect(this.job.leases.filter((lease) => lease.state !== "ended").length).toBeLessThanOrEqual(1);
    const tokens = this.job.leases.map((lease) => lease.fencingToken);
    expect(new Set(tokens).size).toBe(tokens.length);
    expect([...tokens].sort((a, b) => a - b)).toEqual(tokens);
    const { paid } = this.escrow;
    expect(paid.length).toBeLessThanOrEqual(1);
    if (this.job.state === "settled") expect(paid).toHaveLength(1);
    if (this.job.state === "refunded") expect(paid).toHaveLength(0);
    const { verification } = this.escrow;
    const second = verification === "replicate" ? keptReplica(this.job)?.result.output : undefined;
    if (verification !== "none" && verification !== "sample")
      for (const output of paid) expect([RIGHT_OUTPUT, second]).toContain(output);
  }
}

const PROVIDER_MOVES = ["deliver-right", "deliver-wrong", "settle", "settle-by-accomplice"] as const;

export const providerMoveArbitrary: fc.Arbitrary<ProviderMove> = fc.record({
  does: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...PROVIDER_MOVES), { maxLength: 3 }) },
  ),
});

export const luckArbitrary: fc.Arbitrary<Luck> = fc.record({
  advanceMs: fc.integer({ min: 0, max: 8_000 }),
  transactionFails: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
  crashBeforeStore: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
  duplicate: fc.boolean(),
  provider: fc.constantFrom("answers", "delivers", "silent", "fails", "vanishes", "wrong"),
  before: providerMoveArbitrary,
  after: providerMoveArbitrary,
  acceptance: fc.integer({ min: 0, max: 5 }).map((roll) => roll === 0),
  drawn: fc.boolean(),
  permitOvertaken: fc.boolean(),
  signsAgain: fc.boolean(),
  replicaLeaves: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
});
