/** One thing that was checked about a job. */
export interface VerificationCheck {
  /** Stable, kebab-case: "proof", "order-signature", … */
  readonly name: string;
  /** False where it is wrong; undefined where it does not apply to this job or cannot be known from here. */
  readonly ok: boolean | undefined;
  /** How it was checked, or why it could not be, in one sentence. */
  readonly how: string;
  /** What the check looked at: hashes, addresses, amounts. */
  readonly evidence: Readonly<Record<string, string>>;
}

export interface VerificationReport {
  readonly jobId: string;
  /** True when no check failed, and every one that the job's kind needs was made. */
  readonly ok: boolean;
  readonly checks: readonly VerificationCheck[];
  /** Names of checks that a job of this kind needs and that could not be made: without them it is not verified. */
  readonly missing: readonly string[];
  /** What had to be trusted all the same, in words. */
  readonly trusted: readonly string[];
}

/** What a report comes to, in one sentence. */
export function verdictOf({
  ok,
  checks,
  missing,
}: Pick<VerificationReport, "ok" | "checks" | "missing">): string {
  if (ok) return "Everything that can be checked holds.";
  if (checks.some((check) => check.ok === false))
    return "Something does not hold. Look at the marked checks.";
  if (missing.includes("settlement")) return "The job is not settled: there is nothing to verify yet.";
  return `Not verified: ${missing.join(", ")} could not be checked from here.`;
}

export interface VerifyJobOptions {
  /** What the buyer sent; with the salt, it opens the input commitment. */
  readonly input?: Uint8Array;
  /** 32 bytes, as `prepare` gave it. */
  readonly inputSalt?: Uint8Array;
  /** Called after each check, for progress. */
  readonly onCheck?: (check: VerificationCheck) => void;
}
