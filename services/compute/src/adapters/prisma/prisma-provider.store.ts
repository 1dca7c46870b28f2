import type { Clock } from "@aios/kernel/clock";
import { type Address, type TenantId, tenantOfAccount } from "@aios/kernel/identifiers";
import type { PostgresPool } from "@aios/service-kit/postgres-pool";
import type { PrismaClient, Provider as ProviderRow } from "../../../generated/prisma/client.js";
import type { ProviderStore } from "../../domain/ports.js";
import type { ProviderRecord } from "../../domain/provider.js";
import type { ProviderStanding } from "../../domain/provider-market.js";
import { providerFromRow, readStanding, readStandings } from "./market-query.js";

type JsonColumn = ProviderRow["capabilities"] & object;

export class PrismaProviderStore implements ProviderStore {
  readonly #prisma: PrismaClient;
  readonly #pool: PostgresPool;

  readonly #clock: Clock;

  constructor(prisma: PrismaClient, pool: PostgresPool, clock: Clock) {
    this.#prisma = prisma;
    this.#pool = pool;
    this.#clock = clock;
  }

  async find(provider: Address): Promise<ProviderRecord | undefined> {
    const row = await this.#prisma.provider.findUnique({ where: whereOf(provider) });
    return row === null ? undefined : providerFromRow(row);
  }

  async save(provider: ProviderRecord): Promise<void> {
    const row = {
      tenant: tenantOfAccount(provider.address),
      name: provider.name,
      capabilities: provider.capabilities as unknown as JsonColumn,
      selfTest: provider.selfTest as unknown as JsonColumn,
      priceWei: provider.priceWei as unknown as JsonColumn,
      registered: provider.registered,
      stakedWei: provider.stakedWei,
      registrationTransactionHash: provider.registrationTransactionHash,
      draining: provider.draining,
      lastSeenMs: BigInt(provider.lastSeenMs),
    };
    await this.#prisma.provider.upsert({
      where: whereOf(provider.address),
      create: { address: provider.address, ...row },
      update: row,
    });
  }

  async setStake(
    provider: Address,
    registered: boolean,
    stakedWei: string,
    transactionHash: string,
  ): Promise<void> {
    if (registered && transactionHash !== "") {
      // First, while the row still says whether it was registered: what changes a stake later is no registration.
      await this.#prisma.provider.updateMany({
        where: { ...whereOf(provider), OR: [{ registered: false }, { registrationTransactionHash: "" }] },
        data: { registered, stakedWei, registrationTransactionHash: transactionHash },
      });
    }
    await this.#prisma.provider.updateMany({ where: whereOf(provider), data: { registered, stakedWei } });
  }

  async touch(provider: Address, draining: boolean, atMs: number): Promise<void> {
    await this.#prisma.provider.updateMany({
      where: whereOf(provider),
      data: { draining, lastSeenMs: BigInt(atMs) },
    });
  }

  standing(provider: Address): Promise<ProviderStanding | undefined> {
    return readStanding(this.#pool, provider, this.#clock.now());
  }

  standings(limit: number): AsyncIterable<ProviderStanding> {
    return readStandings(this.#pool, this.#clock.now(), limit);
  }
}

/** A provider's row is its own account's. */
function whereOf(provider: Address): { readonly address: Address; readonly tenant: TenantId } {
  return { address: provider, tenant: tenantOfAccount(provider) };
}
