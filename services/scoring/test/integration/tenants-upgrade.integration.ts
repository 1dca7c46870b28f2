import { applyMigrations } from "@aios/service-kit/migrate";
import { type MigratedDatabase, startMigratedDatabase } from "@aios/testkit/migrated-database";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MIGRATIONS = new URL("../../prisma/migrations/", import.meta.url);

let database: MigratedDatabase;
beforeAll(async () => {
  database = await startMigratedDatabase(MIGRATIONS, { before: "20261129000000_tenants" });
});
afterAll(() => database?.stop());

describe("scoring's tables of public facts get their tenant", () => {
  it("with the rows that are there", async () => {
    await database.pool.query(
      "INSERT INTO settled_job (job_id, state, buyer, provider, receipt_hash) VALUES ('0x1', 'settled', '0xa', '0xb', '0xc')",
    );
    await database.pool.query(
      `INSERT INTO anchor_batch (batch_id, number, root, receipt_count, state, created_at_ms)
       VALUES ('00000000-0000-4000-8000-000000000001', 1, '0xd', 1, 'anchored', 0)`,
    );
    await applyMigrations(MIGRATIONS, database.url);
    for (const table of ["settled_job", "anchor_batch"]) {
      expect((await database.pool.query(`SELECT tenant FROM ${table}`)).rows).toEqual([
        { tenant: "platform" },
      ]);
    }
  });
});
