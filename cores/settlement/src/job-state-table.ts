/**
 * The job's money as one table: every state, every way out of it, who may take it and until when.
 * `JobEscrow.sol` reads the same table through the generated `JobStates.sol`; a test fails when they differ.
 */
export const JOB_STATES = [
  "None",
  "Funded",
  "Leased",
  "Delivered",
  "Pending",
  "Settled",
  "Refunded",
] as const;
export type EscrowState = (typeof JOB_STATES)[number];

export const JOB_ACTIONS = [
  "open",
  "lease",
  "deliver",
  "release",
  "refute",
  "verify-final",
  "verify-pending",
  "accept",
  "window-ends",
  "refund-unleased",
  "refund-unsettled",
] as const;
export type EscrowAction = (typeof JOB_ACTIONS)[number];

export type EscrowActor =
  | "anyone-with-buyer-signature"
  | "matcher"
  | "anyone-with-provider-signature"
  | "anyone";

export interface EscrowTransition {
  readonly action: EscrowAction;
  readonly from: EscrowState;
  readonly to: EscrowState;
  readonly actor: EscrowActor;
  /** When the transition is allowed, in words; the contract's condition. */
  readonly when: string;
}

export const JOB_TRANSITIONS: readonly EscrowTransition[] = [
  {
    action: "open",
    from: "None",
    to: "Funded",
    actor: "anyone-with-buyer-signature",
    when: "until the order's leaseBy",
  },
  {
    action: "lease",
    from: "Funded",
    to: "Leased",
    actor: "matcher",
    when: "until leaseBy and the terms' acceptBy, with the provider's signed terms and a fencing token above every earlier one",
  },
  {
    action: "deliver",
    from: "Leased",
    to: "Delivered",
    actor: "anyone-with-provider-signature",
    when: "until deliverBy, under the live fencing token",
  },
  {
    action: "release",
    from: "Leased",
    to: "Funded",
    actor: "matcher",
    when: "at any time before delivery; the fencing token stays burned",
  },
  {
    action: "refute",
    from: "Delivered",
    to: "Funded",
    actor: "anyone",
    when: "of an inference, until settleBy, with evidence that the verifier calls Final for another output than the delivered one; the fencing token stays burned",
  },
  {
    action: "refute",
    from: "Pending",
    to: "Funded",
    actor: "anyone",
    when: "of an inference, until the end of the challenge window, with evidence that the verifier calls Final for another output than the delivered one; the fencing token stays burned",
  },
  {
    action: "verify-final",
    from: "Delivered",
    to: "Settled",
    actor: "anyone",
    when: "until settleBy, when the verifier says Final",
  },
  {
    action: "verify-pending",
    from: "Delivered",
    to: "Pending",
    actor: "anyone",
    when: "until settleBy, when the verifier says PendingUntil",
  },
  {
    action: "accept",
    from: "Delivered",
    to: "Settled",
    actor: "anyone-with-buyer-signature",
    when: "until settleBy, where the verifier lets the buyer's word suffice",
  },
  {
    action: "accept",
    from: "Pending",
    to: "Settled",
    actor: "anyone-with-buyer-signature",
    when: "at any time, where the verifier lets the buyer's word suffice",
  },
  {
    action: "window-ends",
    from: "Pending",
    to: "Settled",
    actor: "anyone",
    when: "from the end of the challenge window on",
  },
  { action: "refund-unleased", from: "Funded", to: "Refunded", actor: "anyone", when: "after leaseBy" },
  {
    action: "refund-unsettled",
    from: "Leased",
    to: "Refunded",
    actor: "anyone",
    when: "after leaseBy and deliverBy",
  },
  { action: "refund-unsettled", from: "Delivered", to: "Refunded", actor: "anyone", when: "after settleBy" },
];

/** The state an action leads to, or undefined where the table does not allow it. */
export function nextState(from: EscrowState, action: EscrowAction): EscrowState | undefined {
  return JOB_TRANSITIONS.find((row) => row.from === from && row.action === action)?.to;
}

/** True for states that nothing leaves. */
export function isTerminal(state: EscrowState): boolean {
  return !JOB_TRANSITIONS.some((row) => row.from === state);
}
