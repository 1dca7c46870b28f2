import type { Address, TenantId } from "@aios/kernel/identifiers";
import type { Prisma, Provider as ProviderRow } from "../../../generated/prisma/client.js";
import type { MarketState } from "../../domain/ports.js";
import type { ProviderCapabilities, ProviderRecord, ProviderSelfTest } from "../../domain/provider.js";

/** Leases that keep a provider busy: from the offer until its result is here. */
const BUSY_STATES = ["offered", "agreed", "leased"];
/** A tenant's latest leases that the spread looks at. */
const RECENT_LEASES = 50;
const FAULT_WINDOW_MS = 24 * 3_600_000;

export function providerFromRow(row: ProviderRow): ProviderRecord {
  return {
    address: row.address as Address,
    name: row.name,
    capabilities: row.capabilities as unknown as ProviderCapabilities,
    selfTest: row.selfTest as unknown as ProviderSelfTest,
    priceWei: row.priceWei as unknown as Record<string, string>,
    registered: row.registered,
    stakedWei: row.stakedWei,
    registrationTransactionHash: row.registrationTransactionHash,
    draining: row.draining,
    lastSeenMs: Number(row.lastSeenMs),
  };
}

/** Providers and how busy, faulty and recently used they are. */
export async function readMarket(db: Prisma.TransactionClient, tenant: TenantId): Promise<MarketState> {
  const providers = await db.provider.findMany();
  const busy = await db.jobLease.groupBy({
    by: ["provider"],
    where: { state: { in: BUSY_STATES } },
    _count: { _all: true },
  });
  const latest = providers.reduce((newest, row) => Math.max(newest, Number(row.lastSeenMs)), 0);
  const faults = await db.providerFault.groupBy({
    by: ["provider"],
    where: { atMs: { gt: BigInt(latest - FAULT_WINDOW_MS) } },
    _count: { _all: true },
  });
  const recent = await db.jobLease.findMany({
    where: { tenant },
    orderBy: { offeredAtMs: "desc" },
    take: RECENT_LEASES,
    select: { provider: true },
  });
  return {
    providers: providers.map(providerFromRow),
    liveLeases: counts(busy.map((group) => [group.provider, group._count._all])),
    recentFaults: counts(faults.map((group) => [group.provider, group._count._all])),
    recentByProvider: counts(recent.map((lease) => [lease.provider, 1])),
  };
}

function counts(entries: readonly (readonly [string, number])[]): Map<Address, number> {
  const sums = new Map<Address, number>();
  for (const [provider, count] of entries) {
    sums.set(provider as Address, (sums.get(provider as Address) ?? 0) + count);
  }
  return sums;
}
