import { createDatabaseIfMissing } from "@aios/service-kit/database";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@aios/service-kit/embedded-postgres";
import { temporaryDirectory } from "./temporary-directory.js";

export interface TestPostgres {
  readonly port: number;
  /** URL of a database, which need not exist yet. */
  url(database: string): string;
  /** Creates a database under a name of its own; answers its URL. */
  createDatabase(): Promise<string>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  /** Stops if it runs, then starts on the same port and data. */
  restart(): Promise<void>;
  /** Ends it and removes the data. */
  stop(): Promise<void>;
}

/** A real PostgreSQL 18 in a temporary directory, without the writes that only guard against power loss. */
export async function startPostgres(): Promise<TestPostgres> {
  const directory = temporaryDirectory("postgres");
  const start = (port: number): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir: directory.path, durable: false, port });
  let server = await start(0);
  const { port } = server;
  let databases = 0;
  return {
    port,
    url: (database) => server.url(database),
    async createDatabase() {
      databases += 1;
      const url = server.url(`test_${process.pid}_${databases}`);
      await createDatabaseIfMissing(url);
      return url;
    },
    kill: () => server.kill(),
    async restart() {
      await server.stop();
      server = await start(port);
    },
    async stop() {
      await server.stop();
      directory.remove();
    },
  };
}
