import {
  type EscrowAction,
  type EscrowState,
  isTerminal,
  nextState,
} from "@aios/core-settlement/job-state-table";
import type { LeaseTerms, VerificationLevel } from "../../src/domain/job.js";
import type { EscrowFact } from "../../src/domain/job-transitions.js";
import {
  CHALLENGE_WINDOW_SECONDS,
  DELIVER_WITHIN_SECONDS,
  LEASE_BY_SECONDS,
  SETTLE_WITHIN_SECONDS,
} from "./sample-job.js";

/** What goes with `settle`: nothing, a proof of an output, or a second provider's signature under one. */
export type Evidence =
  | "none"
  | { readonly proves: string }
  | { readonly signs: string; readonly signer: string };

/**
 * One job's escrow by the table that Solidity is checked against, with its deadlines and its verifiers' answers. Knows
 * what the chain knows and nothing of the platform's job; anybody may call. Every method answers whether it was accepted.
 */
export class EscrowModel {
  state: EscrowState = "None";
  output = "";
  lease: { readonly terms: LeaseTerms; readonly deliverByMs: number } | undefined;
  deliveredAtMs = 0;
  pendingUntilMs = 0;
  /** One output for each payment. */
  readonly paid: string[] = [];
  readonly facts: EscrowFact[] = [];
  /** Providers without a stake. */
  readonly departed = new Set<string>();
  #block = 0;
  #logIndex = 0;
  #fencingToken = 0;

  constructor(readonly verification: VerificationLevel) {}

  /** What is called after this stands in another block. */
  nextBlock(): void {
    this.#block += 1;
    this.#logIndex = 0;
  }

  open(nowMs: number): boolean {
    return nowMs <= LEASE_BY_SECONDS * 1_000 && this.#move("open", nowMs);
  }

  leaseTo(terms: LeaseTerms, nowMs: number): boolean {
    const token = Number(terms.fencingToken);
    if (token <= this.#fencingToken || nowMs > LEASE_BY_SECONDS * 1_000) return false;
    if (nextState(this.state, "lease") === undefined) return false;
    this.#fencingToken = token;
    this.lease = { terms, deliverByMs: nowMs + DELIVER_WITHIN_SECONDS * 1_000 };
    return this.#move("lease", nowMs);
  }

  deliver(fencingToken: number, output: string, nowMs: number): boolean {
    if (fencingToken !== this.#fencingToken || nowMs > (this.lease?.deliverByMs ?? -1)) return false;
    if (nextState(this.state, "deliver") === undefined) return false;
    this.output = output;
    this.deliveredAtMs = nowMs;
    this.pendingUntilMs = nowMs + CHALLENGE_WINDOW_SECONDS * 1_000;
    return this.#move("deliver", nowMs);
  }

  release(nowMs: number): boolean {
    return this.#end("release", nowMs);
  }

  /** By a proof of another output. */
  refute(provenOutput: string, nowMs: number): boolean {
    const isOpen = this.state === "Pending" ? nowMs < this.pendingUntilMs : nowMs <= this.#settleByMs;
    return isOpen && provenOutput !== this.output && this.#end("refute", nowMs);
  }

  settle(evidence: Evidence, nowMs: number): boolean {
    if (this.state === "Pending") return nowMs >= this.pendingUntilMs && this.#move("window-ends", nowMs);
    if (nowMs > this.#settleByMs) return false;
    const verdict = this.#verdict(evidence, nowMs);
    return verdict !== undefined && this.#move(verdict, nowMs);
  }

  accept(outputHash: string, nowMs: number): boolean {
    const isByWord = this.verification === "none" || this.verification === "sample";
    const inTime = this.state === "Pending" || nowMs <= this.#settleByMs;
    return isByWord && inTime && outputHash === this.output && this.#move("accept", nowMs);
  }

  refund(nowMs: number): boolean {
    const leaseByMs = LEASE_BY_SECONDS * 1_000;
    if (this.state === "Funded") return nowMs > leaseByMs && this.#move("refund-unleased", nowMs);
    const until =
      this.state === "Delivered" ? this.#settleByMs : Math.max(leaseByMs, this.lease?.deliverByMs ?? 0);
    return nowMs > until && this.#move("refund-unsettled", nowMs);
  }

  get isOver(): boolean {
    return this.state === "None" || isTerminal(this.state);
  }

  get #settleByMs(): number {
    return this.deliveredAtMs + SETTLE_WITHIN_SECONDS * 1_000;
  }

  #verdict(evidence: Evidence, nowMs: number): EscrowAction | undefined {
    const byTime = nowMs >= this.pendingUntilMs ? "verify-final" : "verify-pending";
    if (this.verification === "none") return byTime;
    if (evidence === "none") return this.verification === "sample" ? byTime : undefined;
    if ("proves" in evidence) return evidence.proves === this.output ? "verify-final" : undefined;
    const isNamed = evidence.signer === this.lease?.terms.prover && !this.departed.has(evidence.signer);
    const isSecond = this.verification === "replicate" && isNamed && evidence.signs === this.output;
    return isSecond ? "verify-final" : undefined;
  }

  #end(action: EscrowAction, nowMs: number): boolean {
    if (nextState(this.state, action) === undefined) return false;
    this.output = "";
    this.lease = undefined;
    return this.#move(action, nowMs);
  }

  #move(action: EscrowAction, nowMs: number): boolean {
    const to = nextState(this.state, action);
    if (to === undefined) return false;
    this.state = to;
    if (to === "Settled") this.paid.push(this.output);
    const isDelivered = to === "Delivered" || to === "Pending" || to === "Settled";
    this.facts.push({
      state: to.toLowerCase() as EscrowFact["state"],
      fencingToken: this.#fencingToken,
      transactionHash: `0x${this.#block}`,
      gasUsed: 1,
      position: { blockNumber: this.#block, logIndex: this.#logIndex++ },
      chainTimeMs: nowMs,
      seenAtMs: nowMs,
      pendingUntilMs: this.pendingUntilMs,
      output: isDelivered ? this.output : "",
      outputHash: isDelivered ? this.output : "",
    });
    return true;
  }
}
