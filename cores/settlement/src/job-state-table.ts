/**
 * The job's money as one table: every state, every way out of it, who may take it and until when.
 * `JobEscrow.sol` reads the same table through the generated `JobStates.sol`; a test fails when they differ.
 */
export const JOB_STATES = ["None", "Funded", "Leased", "Delivered", "Pending", "Settled", "Refunded"] as const;
export type EscrowState = (typeof JOB_STATES)[number];

export type EscrowAction =
  | "open"
  | "lease"
  | "deliver"
  | "release"
  | "verify-final"
  | "verify-pending"
  | "accept"
  | "window-ends"
  | "refund-unleased"
  | "refund-unsettled";

export type EscrowActor = "anyone-with-buyer-signature" | "matcher" | "anyone-with-provider-signature" | "anyone";

export interface EscrowTransition {
  readonly action: EscrowAction;
  readonly from: EscrowState;
  readonly to: EscrowState;
  readonly actor: EscrowActor;
  /** When the transition is allowed, in words; the contract's condition. */
  readonly when: string;
}

export const JOB_TRANSITIONS: readonly EscrowTransition[] = [
  { action: "open", from: "None", to: "Funded", actor: "anyone-with-buyer-signature", when: "before the order's leaseBy" },
  { action: "lease", from: "Funded", to: "Leased", actor: "matcher", when: "before leaseBy, with the provider's signed terms" },
  { action: "deliver", from: "Leased", to: "Delivered", actor: "anyone-with-provider-signature", when: "before the delivery deadline, under the live fencing token" },
  { action: "release", from: "Leased", to: "Funded", actor: "matcher", when: "the provider refused or the delivery deadline passed; the fencing token stays burned" },
  { action: "release", from: "Delivered", to: "Funded", actor: "matcher", when: "before settlement and leaseBy, when the verifier says Invalid about the delivered output" },
  { action: "verify-final", from: "Delivered", to: "Settled", actor: "anyone", when: "the verifier says Final" },
  { action: "verify-pending", from: "Delivered", to: "Pending", actor: "anyone", when: "the verifier says PendingUntil" },
  { action: "accept", from: "Delivered", to: "Settled", actor: "anyone-with-buyer-signature", when: "the buyer signed the acceptance and the verifier allows it" },
  { action: "accept", from: "Pending", to: "Settled", actor: "anyone-with-buyer-signature", when: "the buyer signed the acceptance" },
  { action: "window-ends", from: "Pending", to: "Settled", actor: "anyone", when: "the challenge window is over" },
  { action: "refund-unleased", from: "Funded", to: "Refunded", actor: "anyone", when: "leaseBy has passed" },
  { action: "refund-unsettled", from: "Leased", to: "Refunded", actor: "anyone", when: "leaseBy and the delivery deadline have passed" },
  { action: "refund-unsettled", from: "Delivered", to: "Refunded", actor: "anyone", when: "the settlement deadline passed without a final verdict" },
];

/** The state an action leads to, or undefined where the table does not allow it. */
export function nextState(from: EscrowState, action: EscrowAction): EscrowState | undefined {
  return JOB_TRANSITIONS.find((row) => row.from === from && row.action === action)?.to;
}

/** True for states that nothing leaves. */
export function isTerminal(state: EscrowState): boolean {
  return !JOB_TRANSITIONS.some((row) => row.from === state);
}
