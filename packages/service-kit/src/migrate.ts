import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CodedError } from "@aios/kernel/coded-error";
import type pg from "pg";
import { createDatabaseIfMissing, withConnection } from "./database.js";
import { sqlState } from "./database-outage.js";

/** Every migration holds this advisory lock, so that processes that start together take turns. */
const MIGRATION_LOCK = 0x41_49_4f_53;

const NO_SUCH_DATABASE = "3D000";

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

type RecordedMigration = Pick<Migration, "name" | "checksum">;

const READ_RECORDED = "SELECT name, checksum FROM public.aios_migrations ORDER BY name";

export interface MigrationReport {
  readonly applied: readonly string[];
  readonly alreadyApplied: readonly string[];
}

/**
 * Applies Prisma migration folders (`<timestamp>_<name>/migration.sql`) in order, each in a transaction with its
 * record. Creates the database when missing; running twice changes nothing. A database that a newer version has brought
 * ahead is fine, since a version only adds to it. Throws `migration-changed` when an applied file differs,
 * `migration-missing` when one is gone or was inserted before an applied one, `migration-failed`.
 */
export async function applyMigrations(
  directory: URL | string,
  databaseUrl: string,
): Promise<MigrationReport> {
  const migrations = await readMigrations(
    typeof directory === "string" ? directory : fileURLToPath(directory),
  );
  await createDatabaseIfMissing(databaseUrl);
  return withConnection(databaseUrl, async (client) => {
    await client.query("SET lock_timeout = '30s'");
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await client.query("SET lock_timeout = 0");
    await client.query(
      `CREATE TABLE IF NOT EXISTS public.aios_migrations (
         name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    const recorded = await recordedMigrations(client);
    const pending = pendingOf(migrations, recorded);
    for (const migration of pending) await applyOne(client, migration);
    return {
      applied: pending.map(({ name }) => name),
      alreadyApplied: recorded.map(({ name }) => name),
    };
  });
}

/**
 * Checks that every migration of this version is applied, and changes nothing: for processes that may not alter the
 * schema. A database that is already ahead is fine, since a newer version only adds to it. Throws `schema-behind`
 * (retryable) while one is missing, `migration-changed` when an applied file differs.
 */
export async function verifyMigrations(directory: URL | string, databaseUrl: string): Promise<void> {
  const migrations = await readMigrations(
    typeof directory === "string" ? directory : fileURLToPath(directory),
  );
  await whereDatabaseExists(migrations, databaseUrl, async (client) => {
    const { rows } = await client.query<{ present: boolean }>(
      "SELECT to_regclass('public.aios_migrations') IS NOT NULL AS present",
    );
    const recorded = rows[0]?.present === true ? await recordedMigrations(client) : [];
    const checksums = new Map(recorded.map(({ name, checksum }) => [name, checksum]));
    for (const { name, checksum } of migrations) {
      const applied = checksums.get(name);
      if (applied === undefined) throw schemaBehind(name);
      if (applied !== checksum) throw migrationChanged(name);
    }
  });
}

/** Migrations of this version against those that a database has. */
export interface SchemaState {
  readonly expected: number;
  /** Not applied yet. */
  readonly missing: readonly string[];
  /** Applied under this name with another text. */
  readonly changed: readonly string[];
  /** Applied by a newer version. */
  readonly ahead: readonly string[];
}

/** Compares them and changes nothing. */
export async function describeSchema(directory: URL, database: Pick<pg.Pool, "query">): Promise<SchemaState> {
  const migrations = await readMigrations(fileURLToPath(directory));
  const { rows } = await database.query<RecordedMigration>(READ_RECORDED);
  const recorded = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  const known = new Set(migrations.map(({ name }) => name));
  return {
    expected: migrations.length,
    missing: migrations.filter(({ name }) => !recorded.has(name)).map(({ name }) => name),
    changed: migrations
      .filter(({ name, checksum }) => recorded.has(name) && recorded.get(name) !== checksum)
      .map(({ name }) => name),
    ahead: [...recorded.keys()].filter((name) => !known.has(name)),
  };
}

async function whereDatabaseExists(
  [first]: readonly Migration[],
  databaseUrl: string,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  try {
    await withConnection(databaseUrl, work);
  } catch (error) {
    throw sqlState(error) === NO_SUCH_DATABASE && first !== undefined ? schemaBehind(first.name) : error;
  }
}

function schemaBehind(migration: string): CodedError {
  return new CodedError({
    code: "schema-behind",
    kind: "unavailable",
    message:
      `The database lacks the migration ${migration}, and AIOS_MIGRATIONS=verify forbids this process to apply it. ` +
      "Run the service once with --migrate, as the chart's migration Job does.",
    details: { migration },
  });
}

async function recordedMigrations(client: pg.Client): Promise<readonly RecordedMigration[]> {
  const { rows } = await client.query<RecordedMigration>(READ_RECORDED);
  return rows;
}

async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(directory, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

/** Names order migrations: what is later than all of this version came with a newer one, anything else is a gap. */
function pendingOf(
  migrations: readonly Migration[],
  recorded: readonly RecordedMigration[],
): readonly Migration[] {
  const checksums = new Map(recorded.map(({ name, checksum }) => [name, checksum]));
  const known = new Set(migrations.map(({ name }) => name));
  const lastKnown = migrations.at(-1)?.name ?? "";
  for (const { name } of recorded) {
    if (known.has(name) || name > lastKnown) continue;
    throw migrationError(
      "migration-missing",
      name,
      "was applied to this database but is not in this version",
    );
  }
  const pending = migrations.filter(({ name }) => !checksums.has(name));
  const changed = migrations.find(
    ({ name, checksum }) => checksums.has(name) && checksums.get(name) !== checksum,
  );
  if (changed !== undefined) throw migrationChanged(changed.name);
  const [first] = pending;
  const later = first === undefined ? undefined : recorded.find(({ name }) => name > first.name);
  if (first !== undefined && later !== undefined) {
    throw migrationError(
      "migration-missing",
      first.name,
      `is not applied to this database, which has the later ${later.name}`,
    );
  }
  return pending;
}

async function applyOne(client: pg.Client, migration: Migration): Promise<void> {
  try {
    await client.query("BEGIN");
    await client.query(migration.sql);
    // A migration may change the search path of the session.
    await client.query("RESET search_path");
    await client.query("INSERT INTO public.aios_migrations (name, checksum) VALUES ($1, $2)", [
      migration.name,
      migration.checksum,
    ]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    throw migrationError("migration-failed", migration.name, `failed: ${reason}`, error);
  }
}

function migrationChanged(name: string): CodedError {
  return migrationError("migration-changed", name, "was changed after it was applied; write a new migration");
}

function migrationError(code: string, migration: string, what: string, cause?: unknown): CodedError {
  return new CodedError({
    code,
    kind: "internal",
    message: `The database migration ${migration} ${what}.`,
    details: { migration },
    cause,
  });
}
