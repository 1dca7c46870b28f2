import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../../../generated/prisma/client.js";

/** A client on its own bounded pool. */
export function createPrisma(databaseUrl: string, maxConnections: number): PrismaClient {
  return new PrismaClient({
    adapter: new PrismaPg({
      connectionString: databaseUrl,
      max: maxConnections,
      connectionTimeoutMillis: 5_000,
      statement_timeout: 30_000,
      application_name: "compute",
    }),
    transactionOptions: { maxWait: 10_000, timeout: 20_000 },
  });
}
