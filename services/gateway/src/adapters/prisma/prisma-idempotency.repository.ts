import { randomUUID } from "node:crypto";
import type { TimestampMs } from "@aios/kernel/units";
import type { PrismaClient } from "../../../generated/prisma/client.js";
import type { Claim, Housekeeping, IdempotencyKey, IdempotencyStore, Outcome } from "../../domain/ports.js";

export interface IdempotencySettings {
  /** How long a call may run before another may take it over. */
  readonly claimMs: number;
  /** How long outcomes are replayed. */
  readonly keepMs: number;
}

const RETRY_AFTER_MS = 1_000;

interface Row {
  requestHash: string;
  state: string;
  claim: string;
  claimedUntil: Date;
  status: number | null;
  contentType: string | null;
  body: string | null;
}

export class PrismaIdempotencyStore implements IdempotencyStore, Housekeeping {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly settings: IdempotencySettings,
  ) {}

  /** One statement decides: insert, or take over a claim that ran out (same request only), or neither. */
  claim(key: IdempotencyKey, requestHash: string, now: TimestampMs): Promise<Claim> {
    return this.#claim(key, requestHash, now);
  }

  async #claim({ tenant, key }: IdempotencyKey, requestHash: string, now: TimestampMs): Promise<Claim> {
    const claim = randomUUID();
    const at = new Date(now);
    const claimedUntil = new Date(now + this.settings.claimMs);
    const expiresAt = new Date(now + this.settings.keepMs);
    const claimed = await this.prisma.$queryRaw<{ claim: string }[]>`
      INSERT INTO "idempotency_record" AS r ("tenant", "key", "request_hash", "state", "claim", "claimed_until", "expires_at")
      VALUES (${tenant}, ${key}, ${requestHash}, 'running', ${claim}, ${claimedUntil}, ${expiresAt})
      ON CONFLICT ("tenant", "key") DO UPDATE
        SET "request_hash" = EXCLUDED."request_hash", "state" = 'running', "claim" = EXCLUDED."claim",
            "claimed_until" = EXCLUDED."claimed_until", "expires_at" = EXCLUDED."expires_at",
            "status" = NULL, "content_type" = NULL, "body" = NULL
        WHERE r."expires_at" <= ${at}
           OR (r."state" = 'running' AND r."claimed_until" <= ${at} AND r."request_hash" = EXCLUDED."request_hash")
      RETURNING "claim"`;
    if (claimed.length > 0) return { kind: "claimed", claim };
    const row: Row | null = await this.prisma.idempotencyRecord.findUnique({
      where: { tenant_key: { tenant, key } },
    });
    if (row === null) return { kind: "running", retryAfterMs: RETRY_AFTER_MS };
    if (row.requestHash !== requestHash) return { kind: "other-request" };
    if (row.state !== "done") return { kind: "running", retryAfterMs: RETRY_AFTER_MS };
    return {
      kind: "done",
      outcome: {
        status: row.status ?? 200,
        contentType: row.contentType ?? "application/json",
        body: row.body ?? "",
      },
    };
  }

  async complete({ tenant, key }: IdempotencyKey, claim: string, outcome: Outcome): Promise<void> {
    const data = {
      state: "done",
      status: outcome.status,
      contentType: outcome.contentType,
      body: outcome.body,
    };
    await this.prisma.idempotencyRecord.updateMany({ where: { tenant, key, claim, state: "running" }, data });
  }

  async release({ tenant, key }: IdempotencyKey, claim: string): Promise<void> {
    await this.prisma.idempotencyRecord.deleteMany({ where: { tenant, key, claim, state: "running" } });
  }

  // All tenants: what has expired goes, whosever it is.
  async removeExpired(now: TimestampMs): Promise<number> {
    return (await this.prisma.idempotencyRecord.deleteMany({ where: { expiresAt: { lte: new Date(now) } } }))
      .count;
  }
}
