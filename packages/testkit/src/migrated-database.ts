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

/** `migrations`: the folder of a service's Prisma migrations. */
export async function startMigratedDatabase(migrations: URL): Promise<MigratedDatabase> {
  const postgres = await startPostgres();
  const url = await postgres.createDatabase();
  await applyMigrations(migrations, url);
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
