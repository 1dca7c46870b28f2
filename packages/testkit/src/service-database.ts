import { afterAll, beforeAll } from "vitest";
import { type MigratedDatabase, startMigratedDatabase } from "./migrated-database.js";

/** What a service's stores are opened over in tests. */
export interface ServiceDatabase<Client> extends Pick<MigratedDatabase, "pool" | "url"> {
  readonly client: Client;
  /** SIGKILL in the middle of whatever runs, then a start on the same data; resolves when it answers again. */
  crash(): Promise<void>;
}

/**
 * A PostgreSQL with a service's schema and a client over it, for the tests of the file or of the `describe` that calls
 * this: started before them and ended after them. `migrations`: the folder of the service's Prisma migrations.
 */
export function useServiceDatabase<Client extends { $disconnect(): Promise<unknown> }>(
  migrations: URL,
  open: (database: MigratedDatabase) => Client,
): ServiceDatabase<Client> {
  let database: MigratedDatabase | undefined;
  let client: Client | undefined;
  beforeAll(async () => {
    database = await startMigratedDatabase(migrations);
    client = open(database);
  });
  afterAll(async () => {
    await client?.$disconnect();
    await database?.stop();
  });
  return {
    get pool() {
      return started(database).pool;
    },
    get url() {
      return started(database).url;
    },
    get client() {
      return started(client);
    },
    crash: () => started(database).crash(),
  };
}

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("the database has not started");
  return value;
}
