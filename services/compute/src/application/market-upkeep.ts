import type { Clock } from "@aios/kernel/clock";
import type { Address } from "@aios/kernel/identifiers";
import type { ProviderStore } from "../domain/ports.js";
import type { ProviderRecord } from "../domain/provider.js";
import type { ProviderMarket, ProviderStanding } from "../domain/provider-market.js";

/** Providers that are read at once when the market is loaded. */
const LOADED_AT_ONCE = 2_000;
/** A provider that changes while it is read is read again at most so often; its next heartbeat brings the rest. */
const READS = 3;

/**
 * The store of providers, which also keeps the market in step: what is saved of a provider, and every heartbeat, brings
 * what is stored of it into the market.
 */
export class MarketUpkeep implements ProviderStore {
  readonly #store: ProviderStore;
  readonly #market: ProviderMarket;
  readonly #clock: Clock;

  constructor(store: ProviderStore, market: ProviderMarket, clock: Clock) {
    this.#store = store;
    this.#market = market;
    this.#clock = clock;
  }

  /** Loads the market from what is stored. Answers the providers that are busy by that. */
  async load(): Promise<readonly Address[]> {
    const busy: Address[] = [];
    for await (const standing of this.#store.standings(LOADED_AT_ONCE)) {
      const { address } = standing.provider;
      this.#market.refresh(standing, this.#market.versionOf(address), this.#clock.now());
      if (standing.busy.length > 0) busy.push(address);
    }
    return busy;
  }

  find(provider: Address): Promise<ProviderRecord | undefined> {
    return this.#store.find(provider);
  }

  async save(provider: ProviderRecord): Promise<void> {
    await this.#store.save(provider);
    await this.#refresh(provider.address);
  }

  async setStake(
    provider: Address,
    registered: boolean,
    stakedWei: string,
    transactionHash: string,
  ): Promise<void> {
    await this.#store.setStake(provider, registered, stakedWei, transactionHash);
    await this.#refresh(provider);
  }

  async touch(provider: Address, draining: boolean, atMs: number): Promise<void> {
    await this.#store.touch(provider, draining, atMs);
    await this.#refresh(provider);
  }

  standing(provider: Address): Promise<ProviderStanding | undefined> {
    return this.#store.standing(provider);
  }

  standings(limit: number): AsyncIterable<ProviderStanding> {
    return this.#store.standings(limit);
  }

  async #refresh(provider: Address): Promise<void> {
    for (let read = 0; read < READS; read++) {
      const version = this.#market.versionOf(provider);
      const standing = await this.#store.standing(provider);
      if (standing === undefined || this.#market.refresh(standing, version, this.#clock.now())) return;
    }
  }
}
