const FIRST_GUESS_MS = 1_500;
const WEIGHT = 0.2;

/** Moving average of how long proofs take here. */
export class ProveTimes {
  #averageMs = FIRST_GUESS_MS;
  #isMeasured = false;

  record(proveMs: number): void {
    this.#averageMs = this.#isMeasured ? this.#averageMs * (1 - WEIGHT) + proveMs * WEIGHT : proveMs;
    this.#isMeasured = true;
  }

  /** Time until a proof is done that is asked for with `ahead` others before it. */
  expectedMs(ahead: number): number {
    return Math.round(this.#averageMs * (ahead + 1));
  }
}
