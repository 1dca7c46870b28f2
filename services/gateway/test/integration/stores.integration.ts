import { useServiceDatabase } from "@aios/testkit/service-database";
import { PrismaPg } from "@prisma/adapter-pg";
import { describe } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaIdempotencyStore } from "../../src/adapters/prisma/prisma-idempotency.repository.js";
import { PrismaSessionStore } from "../../src/adapters/prisma/prisma-session.repository.js";
import {
  CLAIM_MS,
  idempotencyStoreConformance,
  KEEP_MS,
} from "../conformance/idempotency-store.conformance.js";
import { sessionStoreConformance } from "../conformance/session-store.conformance.js";

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

describe("session stores: Postgres", () => {
  sessionStoreConformance(
    () => new PrismaSessionStore(database.client),
    () => database.crash(),
  );
});
