import { writeFileSync } from "node:fs";
import { isCodedError } from "@aios/kernel/coded-error";
import { startEmbeddedPostgres } from "@aios/service-kit/embedded-postgres";
import { CONNECTION_FILE, databaseTemplate } from "./postgres-process.js";

// The embedded database server as a process of its own, so that it is supervised like every other one.
const { POSTGRES_DATA_DIR: dataDir, POSTGRES_PORT: port, [CONNECTION_FILE]: connectionFile } = process.env;
if (dataDir === undefined || port === undefined || connectionFile === undefined) {
  throw new Error(`POSTGRES_DATA_DIR, POSTGRES_PORT and ${CONNECTION_FILE} must be set.`);
}

try {
  const server = await startEmbeddedPostgres({
    dataDir,
    port: Number(port),
    onLog: (line) => process.stdout.write(`${line}\n`),
  });
  writeFileSync(connectionFile, databaseTemplate(server.url("DATABASE")), { mode: 0o600 });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void server.stop());
  const { expected, log } = await server.ended;
  if (!expected) process.stderr.write(`${log.join("\n")}\n`);
  process.exitCode = expected ? 0 : 1;
} catch (error) {
  process.stderr.write(`${isCodedError(error) ? `${error.code}: ${error.message}` : String(error)}\n`);
  process.exitCode = 1;
}
