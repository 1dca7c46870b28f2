import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { registryAddressOf } from "@aios/contracts/deploy";
import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { createGrpcClient, type GrpcClient } from "@aios/service-kit/grpc-client";
import { SERVICES, type ServiceName } from "@aios/service-kit/local-instance";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { type ServiceKeyFiles, writeServiceKeys } from "@aios/testkit/service-keys";
import { mainOf, ServiceProcess } from "@aios/testkit/service-process";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { ACCOUNTS } from "./test-chain.js";

export interface Foundation {
  readonly directory: string;
  readonly postgres: TestPostgres;
  readonly keys: ServiceKeyFiles;
  readonly eventBusUrl: string;
  /** Ends with the foundation. */
  owns(resource: Disposable): void;
  /** Settings that every service process needs. */
  env(service: ServiceName): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

/** Postgres, keys and an event log: what every service needs before it starts. */
export async function startFoundation(): Promise<Foundation> {
  const directory = temporaryDirectory("economy");
  const postgres = await startPostgres();
  const keys = await writeServiceKeys(join(directory.path, "keys"), [...SERVICES]);
  const eventBusUrl = await postgres.createDatabase();
  const databases = new Map<ServiceName, string>();
  const owned: Disposable[] = [];
  return {
    directory: directory.path,
    postgres,
    keys,
    eventBusUrl,
    async env(service) {
      const databaseUrl = databases.get(service) ?? (await postgres.createDatabase());
      databases.set(service, databaseUrl);
      return {
        AIOS_GRPC_LISTEN: "127.0.0.1:0",
        AIOS_HEALTH_LISTEN: "127.0.0.1:0",
        AIOS_SERVICE_KEY_FILE: keys.keyFile(service),
        AIOS_TRUST_BUNDLE_FILE: keys.trustBundleFile,
        AIOS_DATA_DIR: join(directory.path, service),
        DATABASE_URL: databaseUrl,
        EVENT_BUS_URL: eventBusUrl,
        LOG_LEVEL: process.env["TEST_LOG_LEVEL"] ?? "warn",
      };
    },
    owns: (resource) => void owned.push(resource),
    async stop() {
      for (const resource of owned) resource[Symbol.dispose]();
      await postgres.stop();
      directory.remove();
    },
  };
}

/** Settings of an economy process on this chain. */
export async function economyEnv(foundation: Foundation, chainUrl: string): Promise<Record<string, string>> {
  const keyFile = (name: "relayer" | "matcher" | "anchor"): string => {
    const file = join(foundation.directory, `${name}.key`);
    writeFileSync(file, ACCOUNTS[name].privateKey, { mode: 0o600 });
    return file;
  };
  return {
    ...(await foundation.env("economy")),
    LOG_LEVEL: "info",
    CHAIN_RPC_URL: chainUrl,
    CONTRACT_REGISTRY_ADDRESS: registryAddressOf(ACCOUNTS.deployer.address),
    RELAYER_KEY_FILE: keyFile("relayer"),
    MATCHER_KEY_FILE: keyFile("matcher"),
    ANCHOR_KEY_FILE: keyFile("anchor"),
  };
}

/** The economy service as its own process. */
export function startEconomy(env: Record<string, string>): Promise<ServiceProcess> {
  return ServiceProcess.start({ main: mainOf("economy"), env });
}

/** A client of the running economy, calling as one of the services. */
export async function economyClient(
  foundation: Foundation,
  grpcPort: number | undefined,
  caller: ServiceName,
): Promise<GrpcClient<typeof EconomyServiceService>> {
  const identity = await loadTokenIssuer(caller, foundation.keys.keyFile(caller));
  const client = createGrpcClient(EconomyServiceService, `127.0.0.1:${grpcPort}`, {
    identity,
    audience: "economy",
  });
  foundation.owns(client);
  return client;
}
