import type { Clock } from "@aios/kernel/clock";
import { crashPoint } from "@aios/service-kit/crash-point";
import { codedErrorOf } from "@aios/service-kit/database-outage";
import { idempotencyKeyReused, requestInFlight } from "../domain/errors.js";
import { isLastingOutcome } from "../domain/outcome-policy.js";
import type { IdempotencyKey, IdempotencyStore, Outcome } from "../domain/ports.js";

export interface RunOnceResult {
  readonly outcome: Outcome;
  readonly replayed: boolean;
}

/** Runs a mutating call at most once per key and body, and answers repetitions with the stored outcome. */
export class RunOnce {
  constructor(
    private readonly store: IdempotencyStore,
    private readonly clock: Clock,
  ) {}

  /**
   * `act` answers the outcome or throws; `describe` turns a lasting error into its outcome. Throws
   * `idempotency-key-reused`, `request-in-flight`, and whatever `act` throws that may pass by itself.
   */
  async run(
    key: IdempotencyKey,
    requestHash: string,
    act: () => Promise<Outcome>,
    describe: (error: unknown) => Outcome,
  ): Promise<RunOnceResult> {
    const claim = await this.store.claim(key, requestHash, this.clock.now());
    if (claim.kind === "other-request") throw idempotencyKeyReused();
    if (claim.kind === "running") throw requestInFlight(claim.retryAfterMs);
    if (claim.kind === "done") return { outcome: claim.outcome, replayed: true };
    crashPoint("gateway.run-once.after-claim");
    let outcome: Outcome;
    try {
      outcome = await act();
    } catch (error) {
      if (!isLastingOutcome(codedErrorOf(error))) {
        await this.store.release(key, claim.claim);
        throw error;
      }
      outcome = describe(error);
    }
    crashPoint("gateway.run-once.before-complete");
    await this.store.complete(key, claim.claim, outcome);
    return { outcome, replayed: false };
  }
}
