import { type EscrowAction, type EscrowState, nextState } from "@aios/core-settlement/job-state-table";
import { type Address, bytes32 } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { expect } from "vitest";
import { needsReplica } from "../../src/application/market.js";
import { PERMIT_STALE } from "../../src/domain/funding-refusal.js";
import {
  type ChainStep,
  isAgreed,
  type Job,
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
  type EscrowFact,
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
import { LEASE_BY_SECONDS, SETTLE_WITHIN_SECONDS, sampleJob, sampleResult } from "./sample-job.js";

export const POLICY = { clockMarginMs: 1_000, deliverMarginMs: 10_000 };
export const RIGHT_OUTPUT = `0x${"07".padStart(64, "0")}`;
const WRONG_HASH = bytes32(`0x${"ee".repeat(32)}`);
export const VANISHED = { code: "provider-vanished", message: "" };
export const PROVIDERS = [`0x${"a1".repeat(20)}`, `0x${"a2".repeat(20)}`] as Address[];

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
export interface Luck {
  readonly advanceMs: number;
  readonly transactionFails: boolean;
  readonly crashBeforeStore: boolean;
  readonly duplicate: boolean;
  readonly provider: "answers" | "silent" | "fails" | "vanishes" | "delivers" | "wrong";
  readonly acceptance: boolean;
  /** Another permit of the buyer reaches the chain first, and whether the buyer signs the next one. */
  readonly permitOvertaken: boolean;
  readonly signsAgain: boolean;
  /** The second provider's stake leaves the registry, for good. */
  readonly replicaLeaves: boolean;
}

/**
 * One job, its escrow by the table that Solidity is checked against, and events that come late, twice and never in a
 * convenient order. Every step is chosen by `nextStep` alone, as after a restart.
 */
export class World {
  job: Job;
  nowMs = 0;
  escrow: EscrowState = "None";
  payments = 0;
  replicaIsActive = true;
  block = 0;
  readonly facts: EscrowFact[] = [];
  readonly outcomes = new Map<string, boolean>();

  constructor(verification: VerificationLevel) {
    this.job = sign(sampleJob(verification), "0xsigned", "", 0);
  }

  step(luck: Luck): void {
    this.nowMs += luck.advanceMs;
    if (luck.replicaLeaves) this.replicaIsActive = false;
    this.provider(luck);
    if (luck.signsAgain) this.job = sign(this.job, "0xsigned", "", this.nowMs);
    if (luck.acceptance) this.job = accept(this.job, "0xaccepted", this.nowMs);
    const next = nextStep(this.job, this.nowMs, POLICY);
    const before = this.job;
    switch (next.kind) {
      case "place": {
        const provider = PROVIDERS[this.job.leases.length % 2] as Address;
        const terms = leaseTermsFor(this.job, provider, 10n, LEASE_BY_SECONDS);
        const role = needsReplica(this.job) ? "replica" : "lease";
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
      case "draw":
        this.job = withDraw(
          this.job,
          { ...drawSample(this.job, ZERO_BYTES32), drawn: luck.permitOvertaken },
          this.nowMs,
        );
        break;
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
        if (!this.isWrong(luck) || refutingOutput !== undefined)
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
    if (step !== "settle" || this.actionOf(step) === "verify-pending") return true;
    const lease = liveLease(this.job);
    const isSigned = state !== "proven" && lease !== undefined && isAgreed(this.job, lease);
    if (this.job.verification === "replicate" && isSigned) return this.replicaIsActive;
    return state === "proven" && refutingOutput === undefined;
  }

  actionOf(step: ChainStep): EscrowAction | undefined {
    if (step === "settle") {
      const { verification, proof } = this.job;
      const isTimed = verification === "none" || (verification === "sample" && proof.state !== "proven");
      return isTimed ? "verify-pending" : "verify-final";
    }
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

  /** Of a replicated job the truth is what a right provider computes; elsewhere it is drawn. */
  isWrong({ provider }: Luck): boolean {
    if (this.job.verification !== "replicate") return provider === "wrong";
    return liveLease(this.job)?.result?.delivery.outputHash !== ZERO_BYTES32;
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
        sampleResult(this.job.jobId, lease.fencingToken, provider === "wrong" ? WRONG_HASH : ZERO_BYTES32),
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

export const luckArbitrary: fc.Arbitrary<Luck> = fc.record({
  advanceMs: fc.integer({ min: 0, max: 8_000 }),
  transactionFails: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
  crashBeforeStore: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
  duplicate: fc.boolean(),
  provider: fc.constantFrom("answers", "delivers", "silent", "fails", "vanishes", "wrong"),
  acceptance: fc.integer({ min: 0, max: 5 }).map((roll) => roll === 0),
  permitOvertaken: fc.boolean(),
  signsAgain: fc.boolean(),
  replicaLeaves: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
});
