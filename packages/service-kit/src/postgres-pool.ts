import { SpanKind, trace } from "@opentelemetry/api";
import pg from "pg";
import type { Logger } from "./logger.js";
import { recordFailure, startSpan } from "./tracing.js";

export type PostgresPool = pg.Pool;

export interface PoolOptions {
  readonly url: string;
  readonly max: number;
  readonly applicationName: string;
  readonly logger?: Logger;
  /** Longest time a statement may run. */
  readonly statementTimeoutMs?: number;
}

/** A bounded pool whose queries appear in traces, and which outlives restarts of the server. */
export function createPool(options: PoolOptions): PostgresPool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: options.statementTimeoutMs ?? 30_000,
    keepAlive: true,
  });
  pool.on("connect", traceQueries);
  // An idle connection that the server closes reports here; the pool replaces it.
  pool.on("error", (error) => options.logger?.warn({ error }, "an idle database connection was lost"));
  return pool;
}

/**
 * A condition that is true and lets the statement's own transaction commit before it is on disk, for what may happen
 * again after a crash of the server. A later transaction that waits for the disk brings it along.
 */
export const WITHOUT_FLUSH = "(SELECT set_config('synchronous_commit', 'off', true)) = 'off'";

/** Runs `work` in a transaction on one connection. */
export async function inTransaction<T>(
  pool: PostgresPool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // Without a listener an error of a checked-out connection would end the process.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch((failure: unknown) => {
      broken ??= failure instanceof Error ? failure : new Error(String(failure));
    });
    throw error;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}

/** One span per statement, only inside a trace; values never leave the process. */
function traceQueries(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
  const traced = (...parameters: unknown[]): unknown => {
    if (trace.getActiveSpan() === undefined) return query(...parameters);
    const statement = statementOf(parameters[0]);
    const span = startSpan(`postgres ${statement.split(/\s/, 1)[0]?.toUpperCase() ?? ""}`, {
      kind: SpanKind.CLIENT,
      attributes: { "db.system.name": "postgresql", "db.query.text": statement.slice(0, 500) },
    });
    const end = (error: unknown): void => {
      if (error !== undefined && error !== null) recordFailure(span, error);
      span.end();
    };
    const callback = parameters.at(-1);
    if (typeof callback === "function") {
      return query(...parameters.slice(0, -1), (error: unknown, result: unknown) => {
        end(error);
        (callback as (error: unknown, result: unknown) => void)(error, result);
      });
    }
    const result = query(...parameters);
    if (result instanceof Promise) result.then(() => end(undefined), end);
    else end(undefined);
    return result;
  };
  Object.defineProperty(client, "query", { value: traced, configurable: true });
}

function statementOf(query: unknown): string {
  if (typeof query === "string") return query.trim();
  const { text } = query as { readonly text?: unknown };
  return typeof text === "string" ? text.trim() : "";
}
