import { join } from "node:path";
import type { ProcessSpec } from "./managed-process.js";

export interface PostgresPlacement {
  readonly root: string;
  readonly dataDir: string;
  readonly port: number;
}

/** The embedded database server as a supervised process, and the URLs of its databases. */
export function postgresProcess({ root, dataDir, port }: PostgresPlacement): {
  readonly process: ProcessSpec;
  readonly databaseUrl: (database: string) => string;
} {
  return {
    process: {
      name: "postgres",
      script: join(root, "apps", "launcher", "dist", "src", "postgres-main.js"),
      env: { POSTGRES_DATA_DIR: join(dataDir, "postgres"), POSTGRES_PORT: String(port) },
      logFile: join(dataDir, "logs", "postgres.log"),
      readyUrl: `tcp://127.0.0.1:${port}`,
      heapMiB: 64,
    },
    databaseUrl: (database) => `postgres://aios:aios@127.0.0.1:${port}/${database}`,
  };
}
