import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessSpec } from "./managed-process.js";
import { memoryBudgetOf } from "./memory-budget.js";

/** Names the file that tells other processes how to reach the server; only its owner may read it. */
export const CONNECTION_FILE = "POSTGRES_CONNECTION_FILE";
const PLACEHOLDER = "DATABASE";

export interface PostgresPlacement {
  readonly root: string;
  readonly dataDir: string;
  readonly port: number;
}

/** The embedded database server as a supervised process. */
export function postgresProcess({ root, dataDir, port }: PostgresPlacement): ProcessSpec {
  return {
    name: "postgres",
    script: join(root, "apps", "launcher", "dist", "src", "postgres-main.js"),
    env: {
      POSTGRES_DATA_DIR: join(dataDir, "postgres"),
      POSTGRES_PORT: String(port),
      [CONNECTION_FILE]: connectionFile(dataDir),
    },
    logFile: join(dataDir, "logs", "postgres.log"),
    readyUrl: `tcp://127.0.0.1:${port}`,
    heapMiB: memoryBudgetOf("postgres").heapMiB,
  };
}

/** Connection URLs of the running server's databases. */
export function databaseUrls(dataDir: string): (database: string) => string {
  const template = readFileSync(connectionFile(dataDir), "utf8");
  return (database) => template.replace(PLACEHOLDER, database);
}

/** What the connection file holds: a URL with a placeholder for the database's name. */
export function databaseTemplate(url: string): string {
  if (!url.includes(PLACEHOLDER)) throw new RangeError("the URL names no placeholder database");
  return url;
}

function connectionFile(dataDir: string): string {
  return join(dataDir, "postgres-connection");
}
