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
  /** What had to be trusted all the same, in words. */
  readonly trusted: readonly string[];
}

export interface VerifyJobOptions {
  /** What the buyer sent; with the salt, it opens the input commitment. */
  readonly input?: Uint8Array;
  /** 32 bytes, as `prepare` gave it. */
  readonly inputSalt?: Uint8Array;
  /** Called after each check, for progress. */
  readonly onCheck?: (check: VerificationCheck) => void;
}
