import type { Clock } from "@aios/kernel/clock";
import type { Address } from "@aios/kernel/identifiers";
import type { Logger } from "@aios/service-kit/logger";
import type { ProviderLinks } from "../domain/ports.js";

/** Gives providers whose link broke a while to come back; then their leases go to others. */
export class ProviderWatch {
  readonly #links: ProviderLinks;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #vanished: (provider: Address) => Promise<void>;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<Address>();

  constructor(
    links: ProviderLinks,
    clock: Clock,
    graceMs: number,
    vanished: (provider: Address) => Promise<void>,
    logger: Logger,
  ) {
    this.#links = links;
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#vanished = vanished;
    this.#logger = logger;
  }

  /** After a restart every provider is away until it connects; those that hold leases are waited for. */
  start(busy: readonly Address[]): void {
    for (const provider of busy) this.offline(provider);
  }

  offline(provider: Address): void {
    if (this.#waiting.has(provider)) return;
    this.#waiting.add(provider);
    void this.#wait(provider);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #wait(provider: Address): Promise<void> {
    try {
      await this.#clock.wait(this.#graceMs as Parameters<Clock["wait"]>[0], this.#stop.signal);
      this.#waiting.delete(provider);
      if (!this.#links.online().has(provider)) await this.#vanished(provider);
    } catch (error) {
      this.#waiting.delete(provider);
      if (!this.#stop.signal.aborted) {
        this.#logger.warn(
          { error, provider },
          "the leases of an absent provider could not be given up; their deadlines remain",
        );
      }
    }
  }
}
