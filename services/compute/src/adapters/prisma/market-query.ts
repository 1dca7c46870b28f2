import { type Address, type TenantId, tenantOfAccount } from "@aios/kernel/identifiers";
import type { PostgresPool } from "@aios/service-kit/postgres-pool";
import type { Provider as ProviderRow } from "../../../generated/prisma/client.js";
import type { PlacementView } from "../../domain/ports.js";
import type { ProviderRecord } from "../../domain/provider.js";
import { BUSY_LEASE_STATES, FAULT_WINDOW_MS, type ProviderStanding } from "../../domain/provider-market.js";
import { decodeProvider } from "./stored-row.js";

/** A tenant's latest leases that the spread looks at. */
const RECENT_LEASES = 50;

type Database = Pick<PostgresPool, "query">;

/** Throws `stored-row-unreadable`. */
export function providerFromRow(row: ProviderRow): ProviderRecord {
  return decodeProvider({ ...row, lastSeenMs: Number(row.lastSeenMs) });
}

/** One provider with the leases that keep it busy and its recent faults. */
export async function readStanding(
  db: Database,
  provider: Address,
  nowMs: number,
): Promise<ProviderStanding | undefined> {
  const { rows } = await db.query<StandingRow>(`${STANDING} WHERE p.address = $3 AND p.tenant = $4`, [
    BUSY_LEASE_STATES,
    nowMs - FAULT_WINDOW_MS,
    provider,
    tenantOfAccount(provider),
  ]);
  return rows[0] === undefined ? undefined : standingOf(rows[0]);
}

/** Everybody's, a step of at most `limit` at a time. */
// All tenants: every provider of the market is weighed for every job.
export async function* readStandings(
  db: Database,
  nowMs: number,
  limit: number,
): AsyncGenerator<ProviderStanding> {
  for (let after = ""; ; ) {
    const { rows } = await db.query<StandingRow>(
      `${STANDING} WHERE p.address > $3 ORDER BY p.address LIMIT $4`,
      [BUSY_LEASE_STATES, nowMs - FAULT_WINDOW_MS, after, limit],
    );
    for (const row of rows) yield standingOf(row);
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return;
    after = last.address;
  }
}

/** What a placement asks of the database beside the providers themselves, in one statement. */
export async function readPlacementFacts(
  db: Database,
  tenant: TenantId,
): Promise<Pick<PlacementView, "recentByProvider" | "recordedHead">> {
  const { rows } = await db.query<{ head: string; recent: Record<string, number> }>(PLACEMENT_FACTS, [
    tenant,
    RECENT_LEASES,
  ]);
  const recent = Object.entries(rows[0]?.recent ?? {});
  return {
    recordedHead: Number(rows[0]?.head ?? 0),
    recentByProvider: new Map(recent.map(([provider, count]) => [provider as Address, count])),
  };
}

interface StandingRow {
  readonly address: string;
  readonly name: string;
  readonly capabilities: unknown;
  readonly self_test: unknown;
  readonly price_wei: unknown;
  readonly registered: boolean;
  readonly staked_wei: string;
  readonly registration_transaction_hash: string;
  readonly draining: boolean;
  readonly last_seen_ms: string;
  readonly busy: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
}

const STANDING = `
  SELECT p.*,
    (SELECT coalesce(array_agg(l.job_id || ':' || l.fencing_token), '{}') FROM job_lease l
      WHERE l.provider = p.address AND l.state = ANY($1::text[])) AS busy,
    (SELECT coalesce(json_object_agg(f.job_id || ':' || f.fencing_token, f.at_ms), '{}') FROM provider_fault f
      WHERE f.provider = p.address AND f.at_ms > $2::bigint) AS faults
  FROM provider p`;

const PLACEMENT_FACTS = `
  SELECT coalesce((SELECT max(seq) FROM offer_change), 0) AS head,
    (SELECT coalesce(json_object_agg(provider, leases), '{}') FROM (
      SELECT provider, count(*)::integer AS leases FROM (
        SELECT provider FROM job_lease WHERE tenant = $1 ORDER BY offered_at_ms DESC LIMIT $2) latest
      GROUP BY provider) counted) AS recent`;

function standingOf(row: StandingRow): ProviderStanding {
  const provider = decodeProvider({
    address: row.address,
    name: row.name,
    capabilities: row.capabilities,
    selfTest: row.self_test,
    priceWei: row.price_wei,
    registered: row.registered,
    stakedWei: row.staked_wei,
    registrationTransactionHash: row.registration_transaction_hash,
    draining: row.draining,
    lastSeenMs: Number(row.last_seen_ms),
  });
  return { provider, busy: row.busy, faults: row.faults };
}
