import type { TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import { useServiceDatabase } from "@aios/testkit/service-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaIdempotencyStore } from "../../src/adapters/prisma/prisma-idempotency.repository.js";
import { PrismaSessionStore } from "../../src/adapters/prisma/prisma-session.repository.js";
import { housekeepingConformance } from "../conformance/housekeeping.conformance.js";
import {
  CLAIM_MS,
  idempotencyStoreConformance,
  KEEP_MS,
} from "../conformance/idempotency-store.conformance.js";
import {
  nonceStoreConformance,
  revocationStoreConformance,
} from "../conformance/session-store.conformance.js";

const OUTCOME = { status: 201, contentType: "application/json", body: "{}" };
const database = useServiceDatabase(
  new URL("../../prisma/migrations", import.meta.url),
  ({ pool }) => new PrismaClient({ adapter: new PrismaPg(pool) }),
);

describe("idempotency store: Postgres", () => {
  idempotencyStoreConformance(
    () => new PrismaIdempotencyStore(database.client, { claimMs: CLAIM_MS, keepMs: KEEP_MS }),
    () => database.crash(),
  );
});

describe("nonce store: Postgres", () => {
  nonceStoreConformance(
    () => new PrismaSessionStore(database.client),
    () => database.crash(),
  );
});

describe("revocation store: Postgres", () => {
  revocationStoreConformance(
    () => new PrismaSessionStore(database.client),
    () => database.crash(),
  );
});

describe("housekeeping: sessions in Postgres", () => {
  const store = () => new PrismaSessionStore(database.client);
  let nonces = 0;
  housekeepingConformance(
    store,
    (now) => store().issue(`nonce-${nonces++}`, (now + 1_000) as TimestampMs),
    () => database.crash(),
  );
});

describe("housekeeping: idempotency keys in Postgres", () => {
  const store = () => new PrismaIdempotencyStore(database.client, { claimMs: CLAIM_MS, keepMs: KEEP_MS });
  let keys = 0;
  housekeepingConformance(
    store,
    async (now) => {
      const key = { tenant: "account:a" as TenantId, key: `kept-${keys++}` };
      const claim = await store().claim(key, "hash", now);
      if (claim.kind === "claimed") await store().complete(key, claim.claim, OUTCOME);
    },
    () => database.crash(),
  );
});
