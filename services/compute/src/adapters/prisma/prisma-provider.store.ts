import { type Address, type TenantId, tenantOfAccount } from "@aios/kernel/identifiers";
import type { PostgresPool } from "@aios/service-kit/postgres-pool";
import type { PrismaClient, Provider as ProviderRow } from "../../../generated/prisma/client.js";
import type { MarketState, ProviderStore } from "../../domain/ports.js";
import type { ProviderRecord } from "../../domain/provider.js";
import { providerFromRow, readMarket } from "./market-query.js";

type JsonColumn = ProviderRow["capabilities"] & object;

export class PrismaProviderStore implements ProviderStore {
  readonly #prisma: PrismaClient;
  readonly #pool: PostgresPool;

  constructor(prisma: PrismaClient, pool: PostgresPool) {
    this.#prisma = prisma;
    this.#pool = pool;
  }

  async find(provider: Address): Promise<ProviderRecord | undefined> {
    const row = await this.#prisma.provider.findUnique({ where: { address: provider } });
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
      where: { address: provider.address },
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
    await this.#prisma.provider.updateMany({
      where: { address: provider },
      data: {
        registered,
        stakedWei,
        ...(registered && transactionHash !== "" ? { registrationTransactionHash: transactionHash } : {}),
      },
    });
  }

  async touch(provider: Address, draining: boolean, atMs: number): Promise<void> {
    await this.#prisma.provider.updateMany({
      where: { address: provider },
      data: { draining, lastSeenMs: BigInt(atMs) },
    });
  }

  async all(): Promise<readonly ProviderRecord[]> {
    const rows = await this.#prisma.provider.findMany({ orderBy: { address: "asc" } });
    return rows.map(providerFromRow);
  }

  market(tenant: TenantId): Promise<MarketState> {
    return readMarket(this.#pool, tenant);
  }
}
