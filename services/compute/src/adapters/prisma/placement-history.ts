import { type Address, tenantOfAccount } from "@aios/kernel/identifiers";
import type { PostgresPool } from "@aios/service-kit/postgres-pool";
import type { Placing } from "../../domain/ports.js";

type Database = Pick<PostgresPool, "query">;

/** Offers of one statement: a market that is recorded for the first time is written in several. */
const OFFERS_AT_ONCE = 5_000;

// What placements were decided from. `offer_change` holds an offer only where it differs from the provider's one before,
// and is written with the placement that it matters to; `seq` grows in the order in which placements took their turns.

/** Every provider's latest offer up to the position. */
// All tenants: every provider of the market is weighed for every job.
export async function readOffersAt(db: Database, head: number): Promise<ReadonlyMap<Address, string>> {
  const { rows } = await db.query<{ provider: string; offer: string }>(
    `SELECT DISTINCT ON (provider) provider, offer FROM offer_change WHERE seq <= $1::bigint
     ORDER BY provider, seq DESC`,
    [head],
  );
  return new Map(rows.map(({ provider, offer }) => [provider as Address, offer]));
}

/** Writes the placement with the offers that changed before it. Answers the position of the newest offer. */
export async function savePlacement(
  db: Database,
  tenant: string,
  { placement, offers }: Pick<Placing, "placement" | "offers">,
  recordedHead: number,
): Promise<number> {
  const { jobId, fencingToken, decidedAtMs, log } = placement;
  let head = recordedHead;
  const changed = [...offers];
  for (let at = 0; at < changed.length; at += OFFERS_AT_ONCE) {
    const some = changed.slice(at, at + OFFERS_AT_ONCE);
    const { rows } = await db.query<{ head: string }>(
      `WITH added AS (
         INSERT INTO offer_change (tenant, provider, changed_at_ms, offer)
         SELECT tenant, provider, $1::bigint, offer
         FROM unnest($2::text[], $3::text[], $4::text[]) AS changed (tenant, provider, offer)
         RETURNING seq)
       SELECT max(seq) AS head FROM added`,
      [
        decidedAtMs,
        some.map(([provider]) => tenantOfAccount(provider)),
        some.map(([provider]) => provider),
        some.map(([, offer]) => offer),
      ],
    );
    head = Number(rows[0]?.head ?? head);
  }
  await db.query(
    `INSERT INTO placement (job_id, fencing_token, tenant, decided_at_ms, log, market_head)
     VALUES ($1, $2, $3, $4, $5, $6::bigint)
     ON CONFLICT (job_id, fencing_token) DO UPDATE
     SET tenant = excluded.tenant, decided_at_ms = excluded.decided_at_ms, log = excluded.log,
       market_head = excluded.market_head`,
    [jobId, fencingToken, tenant, decidedAtMs, log, head],
  );
  return head;
}

/** Old placements, then offers that nothing that is left was decided from: of each provider the last before stays. */
// All tenants: what is older than is kept goes, whosever it is.
export async function forgetPlacements(db: Database, beforeMs: number, limit: number): Promise<number> {
  const placements = await db.query(
    `DELETE FROM placement WHERE (job_id, fencing_token) IN (
       SELECT job_id, fencing_token FROM placement WHERE decided_at_ms < $1::bigint LIMIT $2)`,
    [beforeMs, limit],
  );
  const offers = await db.query(
    `WITH oldest AS (
       SELECT coalesce((SELECT min(market_head) FROM placement), (SELECT max(seq) FROM offer_change)) AS head)
     DELETE FROM offer_change WHERE seq IN (
       SELECT old.seq FROM offer_change old, oldest
       WHERE old.seq < oldest.head AND EXISTS (
         SELECT 1 FROM offer_change newer
         WHERE newer.provider = old.provider AND newer.seq > old.seq AND newer.seq <= oldest.head)
       ORDER BY old.seq LIMIT $1)`,
    [limit],
  );
  return (placements.rowCount ?? 0) + (offers.rowCount ?? 0);
}
