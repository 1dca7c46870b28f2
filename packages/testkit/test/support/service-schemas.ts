import { existsSync, readdirSync } from "node:fs";
import { withConnection } from "@aios/service-kit/database";
import { createMessagingSchema } from "@aios/service-kit/messaging-schema";
import { applyMigrations } from "@aios/service-kit/migrate";
import { createPool } from "@aios/service-kit/postgres-pool";
import type { TestPostgres } from "../../src/postgres.js";
import { readCatalogue, type SchemaShape } from "../../src/schema-catalogue.js";

const ROOT = new URL("../../../../", import.meta.url.replace("/dist/test/", "/test/"));

/** Where the schemas of the release before are kept. */
export const RELEASED = new URL("packages/testkit/baseline-schemas.json", ROOT);

/** Services that keep rows. */
export const SERVICES: readonly string[] = readdirSync(new URL("services/", ROOT))
  .filter((service) => existsSync(migrationsOf(service)))
  .sort();

/** The schema that today's migrations give a service's database, with what the service kit adds. */
export async function schemaOf(service: string, postgres: TestPostgres): Promise<SchemaShape> {
  const url = await postgres.createDatabase();
  await applyMigrations(migrationsOf(service), url);
  const pool = createPool({ url, max: 1, applicationName: "schema" });
  try {
    await createMessagingSchema(pool);
  } finally {
    await pool.end();
  }
  return withConnection(url, readCatalogue);
}

function migrationsOf(service: string): URL {
  return new URL(`services/${service}/prisma/migrations/`, ROOT);
}
