import { applyMigrations } from "@aios/service-kit/migrate";
import { type MigratedDatabase, startMigratedDatabase } from "@aios/testkit/migrated-database";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MIGRATIONS = new URL("../../prisma/migrations/", import.meta.url);

let database: MigratedDatabase;
beforeAll(async () => {
  database = await startMigratedDatabase(MIGRATIONS, { before: "20261129000000_tenants" });
});
afterAll(() => database?.stop());

describe("economy's tables get their tenants", () => {
  const id = "00000000-0000-4000-8000-000000000001";
  const attempt = (hash: string, number: number) =>
    database.pool.query(
      `INSERT INTO transaction_attempt (hash, transaction_id, number, raw_transaction, max_fee_per_gas_wei,
         max_priority_fee_per_gas_wei, created_at_ms) VALUES ($1, $2, $3, '', '1', '1', 0)`,
      [hash, id, number],
    );

  it("with the rows that are there: the chain's and the signers' are the platform's, an attempt is its buyer's", async () => {
    await database.pool.query("INSERT INTO chain_identity (chain_id, genesis_hash) VALUES (7, '0x00')");
    await database.pool.query(
      "INSERT INTO signer_account (signer, address, next_nonce) VALUES ('relayer', '0x01', 3)",
    );
    await database.pool.query(
      "INSERT INTO indexed_block (number, hash, parent_hash, timestamp_seconds) VALUES (0, '0xa', '0x0', 0)",
    );
    await database.pool.query(
      `INSERT INTO contract_event (block_hash, log_index, block_number, timestamp_seconds, transaction_hash, gas_used,
         contract, name, args, subject) VALUES ('0xa', 0, 0, 0, '0xb', 1, 'JobEscrow', 'JobOpened', '{}', 'job:0x1')`,
    );
    await database.pool.query(
      `INSERT INTO queued_transaction (id, caller, idempotency_key, request_hash, tenant, signer, contract, to_address,
         data, value_wei, purpose, traceparent, state, created_at_ms, updated_at_ms)
       VALUES ($1, 'compute', 'k', 'h', 'account:0xaa', 'relayer', 'JobEscrow', '0x02', '', '0', 'p', '', 'sent', 0, 0)`,
      [id],
    );
    await attempt("0xb", 1);

    await applyMigrations(MIGRATIONS, database.url);

    for (const table of ["chain_identity", "signer_account", "indexed_block", "contract_event"]) {
      expect((await database.pool.query(`SELECT tenant FROM ${table}`)).rows).toEqual([
        { tenant: "platform" },
      ]);
    }
    const { rows } = await database.pool.query("SELECT tenant FROM transaction_attempt");
    expect(rows).toEqual([{ tenant: "account:0xaa" }]);
  });

  it("also for a process of the version before, which writes attempts without one", async () => {
    await attempt("0xc", 2);
    const { rows } = await database.pool.query("SELECT tenant FROM transaction_attempt WHERE hash = '0xc'");
    expect(rows).toEqual([{ tenant: "account:0xaa" }]);
  });
});
