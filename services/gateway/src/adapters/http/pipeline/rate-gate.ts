import { CodedError } from "@aios/kernel/coded-error";
import type { RateDecision, RateLimiter } from "@aios/service-kit/rate-limiter";
import { Inject, Injectable } from "@nestjs/common";
import { tooManyRequests } from "../../../domain/errors.js";
import { metrics } from "../../../metrics.js";
import { HTTP_SETTINGS, type HttpSettings, RATE_LIMITER } from "../tokens.js";

export interface CountedCall {
  readonly operation: string;
  /** Tokens that it takes from the bucket of its caller's address. */
  readonly cost: number;
  /** Reads go on uncounted while the limiter's backend is away; everything that changes something waits for it. */
  readonly reads: boolean;
}

/** Counts calls against the bucket of the address that they come from. */
@Injectable()
export class RateGate {
  constructor(
    @Inject(RATE_LIMITER) private readonly limiter: RateLimiter,
    @Inject(HTTP_SETTINGS) private readonly settings: HttpSettings,
  ) {}

  /** Throws `too-many-requests`, and the backend's error for calls that must not go on uncounted. */
  async take(address: string, call: CountedCall): Promise<void> {
    const decision = await this.#decide(address, call);
    if (decision.allowed) return;
    metrics.rateLimited.add(1, { operation: call.operation });
    throw tooManyRequests(decision.retryAfterMs);
  }

  async #decide(address: string, { operation, cost, reads }: CountedCall): Promise<RateDecision> {
    try {
      return await this.limiter.take(`address:${address}`, this.settings.rateLimit, cost);
    } catch (error) {
      if (!reads || !(error instanceof CodedError) || error.kind !== "unavailable") throw error;
      metrics.uncounted.add(1, { operation });
      return { allowed: true, remaining: 0, retryAfterMs: 0 };
    }
  }
}
