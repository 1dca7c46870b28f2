/** What a quote says about waiting. */
export interface Load {
  /** Work that has not ended. */
  readonly depth: number;
  /** Proofs that are made at a time, over all workers. */
  readonly parallel: number;
}

const WEIGHT = 0.2;
/** Of Groth16 on 2 cores. */
const FIRST_GUESS_CONSTRAINTS_PER_MS = 15;
const MAX_GROUPS = 1_000;

/**
 * How long proofs take here, by model, as moving averages. A model that was not proven yet is guessed from its constraints
 * and from what the others took for theirs.
 */
export class ServiceTimes {
  readonly #byGroup = new Map<string, number>();
  #msPerConstraint: number;
  #averageMs: number | undefined;

  /** `firstGuess`: constraints that are proven in a millisecond, before anything was measured. */
  constructor(firstGuess = FIRST_GUESS_CONSTRAINTS_PER_MS) {
    this.#msPerConstraint = 1 / firstGuess;
  }

  /** A proof of `constraints` took `ms`. */
  record(group: string, constraints: number, ms: number): void {
    const known = this.#byGroup.get(group);
    this.#byGroup.delete(group);
    this.#byGroup.set(group, known === undefined ? ms : mixed(known, ms));
    const oldest = this.#byGroup.keys().next().value;
    if (this.#byGroup.size > MAX_GROUPS && oldest !== undefined) this.#byGroup.delete(oldest);
    if (constraints > 0) this.#msPerConstraint = mixed(this.#msPerConstraint, ms / constraints);
    this.#averageMs = this.#averageMs === undefined ? ms : mixed(this.#averageMs, ms);
  }

  /** Milliseconds of one proof of a model with so many constraints. */
  proofMs(group: string, constraints: number): number {
    return Math.round(this.#byGroup.get(group) ?? constraints * this.#msPerConstraint);
  }

  /** Milliseconds until a proof is there that is asked for now: those before it, and its own. */
  expectedMs(group: string, constraints: number, { depth, parallel }: Load): number {
    const own = this.proofMs(group, constraints);
    const before = Math.floor(depth / Math.max(1, parallel)) * (this.#averageMs ?? own);
    return Math.round(before + own);
  }

  /** About when one of the work under way will have ended. */
  nextFreeMs(): number {
    return Math.round(this.#averageMs ?? 1_000);
  }
}

function mixed(average: number, value: number): number {
  return average * (1 - WEIGHT) + value * WEIGHT;
}
