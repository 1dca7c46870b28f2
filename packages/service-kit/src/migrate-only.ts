import { CodedError } from "@aios/kernel/coded-error";
import { databaseSettings, loadSettings, type SettingsDefinition } from "./config.js";
import { createMessagingSchema } from "./messaging-schema.js";
import { applyMigrations } from "./migrate.js";
import { createPool } from "./postgres-pool.js";
import type { ServiceOptions } from "./service-options.js";
import { startFailure } from "./start-failure.js";

/**
 * Brings the database of one service up to date and starts nothing else; reads only `DATABASE_URL`. Safe to run twice
 * and beside running processes of the version before. Throws `no-migrations` for a service without a database.
 */
export async function migrateOnly<D extends SettingsDefinition>(
  { name, migrationsDir, env = process.env }: ServiceOptions<D>,
  say: (line: string) => void,
): Promise<void> {
  if (migrationsDir === undefined) {
    throw new CodedError({
      code: "no-migrations",
      kind: "invalid",
      message: `${name} keeps nothing in a database: there is nothing to migrate.`,
    });
  }
  const { DATABASE_URL: url } = loadSettings(databaseSettings, env);
  const { applied, alreadyApplied } = await applyMigrations(migrationsDir, url).catch((error: unknown) => {
    throw startFailure("DATABASE_URL", error);
  });
  const pool = createPool({ url, max: 1, applicationName: `${name} migration` });
  try {
    await createMessagingSchema(pool);
  } finally {
    await pool.end();
  }
  for (const migration of applied) say(`applied ${migration}`);
  say(`the schema is up to date: ${applied.length} applied now, ${alreadyApplied.length} before`);
}
