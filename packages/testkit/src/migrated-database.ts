import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createMessagingSchema } from "@aios/service-kit/messaging-schema";
import { applyMigrations } from "@aios/service-kit/migrate";
import { createPool, type PostgresPool } from "@aios/service-kit/postgres-pool";
import { eventually } from "./eventually.js";
import { startPostgres } from "./postgres.js";

/** A service's schema, outbox and inbox included, on a real PostgreSQL of its own. */
export interface MigratedDatabase {
  /** Outlives crashes of the server, as a service's pool does. */
  readonly pool: PostgresPool;
  readonly url: string;
  /** SIGKILL in the middle of whatever runs, then a start on the same data; resolves when it answers again. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

export interface MigratedDatabaseOptions {
  /** Name of the first migration that is not applied, for a test that fills the older tables before it goes on. */
  readonly before?: string;
}

/** `migrations`: the folder of a service's Prisma migrations. */
export async function startMigratedDatabase(
  migrations: URL,
  { before }: MigratedDatabaseOptions = {},
): Promise<MigratedDatabase> {
  const postgres = await startPostgres();
  const url = await postgres.createDatabase();
  if (before === undefined) await applyMigrations(migrations, url);
  else await applyMigrationsBefore(migrations, before, url);
  const pool = createPool({ url, max: 8, applicationName: "conformance" });
  await createMessagingSchema(pool);
  return {
    pool,
    url,
    async crash() {
      await postgres.kill();
      await postgres.restart();
      await eventually(() => pool.query("SELECT 1"), 30_000);
    },
    async stop() {
      await pool.end();
      await postgres.stop();
    },
  };
}

async function applyMigrationsBefore(migrations: URL, before: string, url: string): Promise<void> {
  const source = fileURLToPath(migrations);
  const names = (await readdir(source, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  if (!names.includes(before)) throw new Error(`there is no migration ${before}`);
  const older = await mkdtemp(join(tmpdir(), "aios-migrations-"));
  try {
    for (const name of names.filter((name) => name < before)) {
      await cp(join(source, name), join(older, name), { recursive: true });
    }
    await applyMigrations(older, url);
  } finally {
    await rm(older, { recursive: true, force: true });
  }
}
