/**
 * How a call comes by its gas limit. Gas that is not used is not paid, so a bound above what the function can take
 * costs nothing; a search for the least limit costs about four runs of the call.
 *
 * - `bounded`: sent under the bound without being tried. Only for calls that nobody's code or money can make fail once
 *   the caller has seen the state they start from: the state table (cores/settlement) admits them.
 * - `tried`: run once under the bound; what reverts is refused without spending a nonce.
 * - `estimated`: run until the least limit is known.
 */
export type GasRule =
  | { readonly kind: "bounded"; readonly gasLimit: bigint }
  | { readonly kind: "tried"; readonly gasLimit: bigint }
  | { readonly kind: "estimated" };

const ESTIMATED: GasRule = { kind: "estimated" };

/** Several times what contracts/gas-snapshot.json has for the most expensive case, a buyer's contract wallet included. */
const CALL_BOUND = 1_000_000n;
/** A proof's verification is part of it: 1.7 M gas and 11 KB of calldata for an UltraHonk proof. */
const SETTLE_BOUND = 5_000_000n;

/**
 * `open`, `lease`, `deliver` and `accept` carry the signature of an account that may be a contract, and `open` its
 * money: they are tried. The others depend on the job's state and on evidence that the prover has verified.
 */
const RULES: Readonly<Record<string, GasRule>> = {
  "JobEscrow.open": { kind: "tried", gasLimit: CALL_BOUND },
  "JobEscrow.lease": { kind: "tried", gasLimit: CALL_BOUND },
  "JobEscrow.deliver": { kind: "tried", gasLimit: CALL_BOUND },
  "JobEscrow.accept": { kind: "tried", gasLimit: CALL_BOUND },
  "JobEscrow.settle": { kind: "bounded", gasLimit: SETTLE_BOUND },
  "JobEscrow.refute": { kind: "bounded", gasLimit: SETTLE_BOUND },
  "JobEscrow.release": { kind: "bounded", gasLimit: CALL_BOUND },
  "JobEscrow.refund": { kind: "bounded", gasLimit: CALL_BOUND },
};

/** The rule of a protocol contract's function; every function that the table does not name is estimated. */
export function gasRuleOf(contract: string, functionName: string | undefined): GasRule {
  return RULES[`${contract}.${functionName ?? ""}`] ?? ESTIMATED;
}
