import type { Clock } from "@aios/kernel/clock";
import type { DurationMs } from "@aios/kernel/units";
import { referenceStringDiffers, referenceStringUnchecked } from "../domain/errors.js";
import type { ProofVerifiers, TauG2Words } from "../domain/ports.js";
import type { OfferedSystems } from "./offered-systems.js";
import type { ProofBackEnd } from "./proof-back-end.js";

/** Until the chain's answer is known for the first time. */
const RETRY_MS = 1_000 as DurationMs;
/** A new version of the contracts may have another set-up. */
const RECHECK_MS = 60_000 as DurationMs;

export interface HonkOfferHooks {
  /** What the comparison came to, told when that changes. */
  changed(refusal: Error | undefined): void;
}

/**
 * Offers UltraHonk for as long as the verifier on chain holds the tau of our reference string: under another one it
 * refuses every proof, and whoever bought one would have paid for nothing.
 */
export class HonkOffer {
  #known: string | undefined;

  constructor(
    private readonly backEnd: ProofBackEnd,
    private readonly tauG2: TauG2Words,
    private readonly verifiers: ProofVerifiers,
    private readonly offered: OfferedSystems,
    private readonly clock: Clock,
    private readonly hooks: HonkOfferHooks,
  ) {
    offered.refuse("honk", referenceStringUnchecked(backEnd.name));
  }

  /** Compares again and again until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.compare();
      const isKnown = this.#known !== undefined;
      await this.clock.wait(isKnown ? RECHECK_MS : RETRY_MS, signal).catch(() => undefined);
    }
  }

  /** Nothing changes where nobody answers. */
  async compare(): Promise<void> {
    const onChain = await this.verifiers.honkTauG2().catch(() => undefined);
    const name = onChain?.join();
    if (onChain === undefined || name === this.#known) return;
    this.#known = name;
    if (name === this.tauG2.join()) {
      this.offered.offer(this.backEnd);
      this.hooks.changed(undefined);
      return;
    }
    const refusal = referenceStringDiffers(this.backEnd.name, this.tauG2, onChain);
    this.offered.refuse("honk", refusal);
    this.hooks.changed(refusal);
  }
}
