import { applyMigrations } from "@aios/service-kit/migrate";
import { type MigratedDatabase, startMigratedDatabase } from "@aios/testkit/migrated-database";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MIGRATIONS = new URL("../../prisma/migrations/", import.meta.url);

let database: MigratedDatabase;
beforeAll(async () => {
  database = await startMigratedDatabase(MIGRATIONS, { before: "20261129000000_tenants" });
});
afterAll(() => database?.stop());

describe("marketplace's licences get their tenants", () => {
  const licence = (licenceId: number) =>
    database.pool.query(
      "INSERT INTO licence (licence_id, model_id, owner, price_wei, transaction_hash) VALUES ($1, 1, '0xaa', '5', '0xb')",
      [licenceId],
    );

  it("with the rows that are there: a licence is its holder's", async () => {
    await licence(1);
    await applyMigrations(MIGRATIONS, database.url);
    expect((await database.pool.query("SELECT tenant FROM licence")).rows).toEqual([
      { tenant: "account:0xaa" },
    ]);
  });

  it("also for a process of the version before, which writes licences without one", async () => {
    await licence(2);
    const { rows } = await database.pool.query("SELECT tenant FROM licence WHERE licence_id = 2");
    expect(rows).toEqual([{ tenant: "account:0xaa" }]);
  });
});
