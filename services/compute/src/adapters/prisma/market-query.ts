import type { Address, TenantId } from "@aios/kernel/identifiers";
import type { PostgresPool } from "@aios/service-kit/postgres-pool";
import type { Provider as ProviderRow } from "../../../generated/prisma/client.js";
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

/** Providers and how busy, faulty and recently used they are, in one statement: it is asked for every placement. */
export async function readMarket(db: Pick<PostgresPool, "query">, tenant: TenantId): Promise<MarketState> {
  const { rows } = await db.query<MarketRow>(MARKET, [tenant, BUSY_STATES, RECENT_LEASES, FAULT_WINDOW_MS]);
  const providers = rows.map(providerOf);
  const counted = (count: (row: MarketRow) => number): Map<Address, number> =>
    new Map(rows.flatMap((row) => (count(row) > 0 ? [[row.address as Address, count(row)]] : [])));
  return {
    providers,
    liveLeases: counted((row) => row.live),
    recentFaults: counted((row) => row.faults),
    recentByProvider: counted((row) => row.recent),
  };
}

interface MarketRow {
  readonly address: string;
  readonly name: string;
  readonly capabilities: ProviderCapabilities;
  readonly self_test: ProviderSelfTest;
  readonly price_wei: Record<string, string>;
  readonly registered: boolean;
  readonly staked_wei: string;
  readonly registration_transaction_hash: string;
  readonly draining: boolean;
  readonly last_seen_ms: string;
  readonly live: number;
  readonly faults: number;
  readonly recent: number;
}

/** Faults count back from when any provider was last seen: a market without providers ages nobody's faults. */
const MARKET = `
  WITH live AS (
    SELECT provider, count(*)::integer AS leases FROM job_lease WHERE state = ANY($2::text[]) GROUP BY provider
  ), faults AS (
    SELECT provider, count(*)::integer AS faults FROM provider_fault
    WHERE at_ms > coalesce((SELECT max(last_seen_ms) FROM provider), 0) - $4::bigint GROUP BY provider
  ), recent AS (
    SELECT provider, count(*)::integer AS leases FROM (
      SELECT provider FROM job_lease WHERE tenant = $1 ORDER BY offered_at_ms DESC LIMIT $3) latest
    GROUP BY provider
  )
  SELECT p.*, coalesce(live.leases, 0) AS live, coalesce(faults.faults, 0) AS faults,
    coalesce(recent.leases, 0) AS recent
  FROM provider p
  LEFT JOIN live ON live.provider = p.address
  LEFT JOIN faults ON faults.provider = p.address
  LEFT JOIN recent ON recent.provider = p.address`;

function providerOf(row: MarketRow): ProviderRecord {
  return {
    address: row.address as Address,
    name: row.name,
    capabilities: row.capabilities,
    selfTest: row.self_test,
    priceWei: row.price_wei,
    registered: row.registered,
    stakedWei: row.staked_wei,
    registrationTransactionHash: row.registration_transaction_hash,
    draining: row.draining,
    lastSeenMs: Number(row.last_seen_ms),
  };
}
