import type { Address } from "@aios/kernel/identifiers";
import { tooManyRegistrations } from "../domain/errors.js";

const WINDOW_MS = 60_000;
const PER_ADDRESS = 3;

/** How many registrations are handed to the relayer within a minute: each costs gas, and a key costs nothing. */
export class RegistrationRate {
  readonly #perNetwork: number;
  readonly #now: () => number;
  #taken: { readonly atMs: number; readonly network: string; readonly provider: Address }[] = [];

  constructor(perNetwork: number, now: () => number) {
    this.#perNetwork = perNetwork;
    this.#now = now;
  }

  /** Throws `too-many-registrations`, which says when there is room. */
  take(network: string, provider: Address): void {
    const atMs = this.#now();
    this.#taken = this.#taken.filter((taken) => taken.atMs > atMs - WINDOW_MS);
    const ofNetwork = this.#taken.filter((taken) => taken.network === network);
    const ofProvider = this.#taken.filter((taken) => taken.provider === provider);
    const full =
      ofProvider.length >= PER_ADDRESS ? ofProvider : ofNetwork.length >= this.#perNetwork ? ofNetwork : [];
    const [oldest] = full;
    if (oldest !== undefined) throw tooManyRegistrations(oldest.atMs + WINDOW_MS - atMs);
    this.#taken.push({ atMs, network, provider });
  }
}
