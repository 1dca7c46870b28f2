import { CodedError } from "@aios/kernel/coded-error";
import pg from "pg";
import { sqlState } from "./database-outage.js";

const DUPLICATE_DATABASE = "42P04";
const UNIQUE_VIOLATION = "23505";
const NO_SUCH_DATABASE = "3D000";

/** Creates the database that the URL names unless it exists; safe when several processes do it at once. */
export async function createDatabaseIfMissing(url: string): Promise<void> {
  const name = databaseOf(url);
  try {
    await withConnection(url, async () => undefined);
    return;
  } catch (error) {
    if (sqlState(error) !== NO_SUCH_DATABASE) throw error;
  }
  const maintenance = new URL(url);
  maintenance.pathname = "/postgres";
  await withConnection(maintenance.toString(), async (client) => {
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`).catch((error: unknown) => {
      const state = sqlState(error);
      if (state !== DUPLICATE_DATABASE && state !== UNIQUE_VIOLATION) throw error;
    });
  });
}

/** Runs `work` on a connection of its own. */
export async function withConnection<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await openConnection(url);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A connection of its own, which whoever asked for it ends. */
export async function openConnection(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

function databaseOf(url: string): string {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  if (name !== "") return name;
  throw new CodedError({
    code: "invalid-settings",
    kind: "invalid",
    message: "The database URL names no database. Write postgres://user:password@host:port/database.",
  });
}
