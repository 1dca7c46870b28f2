import { CodedError } from "@aios/kernel/coded-error";

/** Limits of a block DAG; part of genesis, the same on every node. */
export interface GhostdagParameters {
  /** k of the paper: the most blue blocks that a blue block may have in its anticone. */
  readonly k: number;
  /** The most parents a block may name. */
  readonly maxParents: number;
  /** The most blocks a block may merge, its selected parent included. */
  readonly maxMergeset: number;
  /**
   * A block may merge only blocks that descend from its chain ancestor this many blue blocks below it. Bounds how far
   * back colouring looks, so that older blocks can be pruned.
   */
  readonly mergeDepth: number;
  /** Blue blocks kept below the finalised tip; more than `mergeDepth`. */
  readonly pruningDepth: number;
}

/** Checks the limits. Throws `invalid-ghostdag-parameters` with the field. */
export function requireGhostdagParameters(parameters: GhostdagParameters): void {
  requireWhole(parameters, "k", 0);
  requireWhole(parameters, "maxParents", 1);
  requireWhole(parameters, "maxMergeset", 1);
  requireWhole(parameters, "mergeDepth", 1);
  requireWhole(parameters, "pruningDepth", parameters.mergeDepth + 1);
}

function requireWhole(parameters: GhostdagParameters, field: keyof GhostdagParameters, from: number): void {
  const value = parameters[field];
  if (Number.isSafeInteger(value) && value >= from) return;
  throw new CodedError({
    code: "invalid-ghostdag-parameters",
    kind: "invalid",
    message: `${field} is a whole number from ${from}.`,
    field,
    details: { value, from },
  });
}
