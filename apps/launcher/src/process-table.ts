import { join } from "node:path";
import { SERVICES, type ServiceName, USUAL_PORTS } from "@aios/service-kit/local-instance";
import type { HonkPowers } from "./honk-powers.js";
import type { Identities } from "./identities.js";
import type { ProcessSpec } from "./managed-process.js";
import { memoryBudgetOf } from "./memory-budget.js";

/** Ports by name, as chosen at this start. */
export type Ports = ReadonlyMap<string, number>;

export interface PlatformPaths {
  readonly root: string;
  readonly dataDir: string;
}

/** What every process of the platform is told. */
export interface CommonSettings {
  readonly paths: PlatformPaths;
  readonly ports: Ports;
  readonly identities: Identities;
  readonly chainId: number;
  readonly genesisFile: string;
}

/** What is known once the database runs and the contracts are on chain. */
export interface PlatformSettings extends CommonSettings {
  /** Connection URL for a database name. */
  readonly databaseUrl: (database: string) => string;
  readonly contractRegistry: string;
  /** What the contracts were deployed with. */
  readonly honkPowers: HonkPowers | undefined;
}

const HOST = "127.0.0.1";

/** First choice of every port: the usual ones, or those from `base` upwards. */
export function wantedPorts(base: number | undefined): Map<string, number> {
  const names = [...USUAL_PORTS.keys()];
  return base === undefined
    ? new Map(USUAL_PORTS)
    : new Map(names.map((name, index) => [name, base + index]));
}

/** The chain's node needs neither database nor events. */
export function consensusProcess(
  settings: CommonSettings,
  honor: Readonly<Record<string, string>> = {},
): ProcessSpec {
  return processOf("consensus", settings, {
    CONSENSUS_JSON_RPC_LISTEN: `${HOST}:${port(settings.ports, "json-rpc")}`,
    CONSENSUS_GENESIS_FILE: settings.genesisFile,
    ...honor,
  });
}

/** How to run one of the services that build on chain and database. */
export function serviceProcess(
  name: Exclude<ServiceName, "consensus">,
  settings: PlatformSettings,
): ProcessSpec {
  return processOf(name, settings, {
    ...peerUrls(settings.ports),
    DATABASE_URL: settings.databaseUrl(`aios_${name.replace("-", "_")}`),
    EVENT_BUS_URL: settings.databaseUrl("aios_events"),
    CHAIN_RPC_URL: `http://${HOST}:${port(settings.ports, "json-rpc")}`,
    ...ownSettings(name, settings),
  });
}

function processOf(
  name: ServiceName,
  settings: CommonSettings,
  env: Readonly<Record<string, string>>,
): ProcessSpec {
  const { paths, ports, identities } = settings;
  const health = `${HOST}:${port(ports, `health-${name}`)}`;
  return {
    name,
    script: join(paths.root, "services", name, "dist", "src", "main.js"),
    env: {
      ...(name === "gateway" ? {} : { AIOS_GRPC_LISTEN: `${HOST}:${port(ports, `grpc-${name}`)}` }),
      AIOS_HEALTH_LISTEN: health,
      AIOS_SERVICE_KEY_FILE: identities.serviceKeyFiles[name],
      AIOS_TRUST_BUNDLE_FILE: identities.trustBundleFile,
      AIOS_DATA_DIR: join(paths.dataDir, name),
      ...env,
    },
    logFile: join(paths.dataDir, "logs", `${name}.log`),
    readyUrl: `http://${health}/health`,
    heapMiB: memoryBudgetOf(name).heapMiB,
  };
}

/** How to run one provider: a stranger's program that happens to live on this machine. */
export function providerProcess(number: 1 | 2, settings: PlatformSettings): ProcessSpec {
  const name = `provider-${number}`;
  const { paths, ports, identities } = settings;
  const health = `${HOST}:${port(ports, `health-${name}`)}`;
  return {
    name,
    script: join(paths.root, "apps", "provider", "dist", "src", "main.js"),
    env: {
      COMPUTE_GRPC_URL: `${HOST}:${port(ports, "grpc-compute")}`,
      CHAIN_RPC_URL: `http://${HOST}:${port(ports, "json-rpc")}`,
      CONTRACT_REGISTRY_ADDRESS: settings.contractRegistry,
      AIOS_DATA_DIR: join(paths.dataDir, name),
      AIOS_HEALTH_LISTEN: health,
      PROVIDER_KEY_FILE: identities.accounts[`provider-${number}`].keyFile,
      PROVIDER_NAME: `local provider ${number}`,
    },
    logFile: join(paths.dataDir, "logs", `${name}.log`),
    readyUrl: `http://${health}/health`,
    heapMiB: memoryBudgetOf(name).heapMiB,
  };
}

function ownSettings(
  name: Exclude<ServiceName, "consensus">,
  { ports, identities, ...settings }: PlatformSettings,
): Record<string, string> {
  const { accounts } = identities;
  const own: Partial<Record<ServiceName, Record<string, string>>> = {
    economy: {
      RELAYER_KEY_FILE: accounts.relayer.keyFile,
      MATCHER_KEY_FILE: accounts.matcher.keyFile,
      ANCHOR_KEY_FILE: accounts.anchor.keyFile,
      CONTRACT_REGISTRY_ADDRESS: settings.contractRegistry,
    },
    "zk-prover": {
      PROVER_PAYOUT_ADDRESS: accounts.prover.address,
      ...(settings.honkPowers === undefined
        ? {}
        : {
            PROVER_HONK_POWERS_FILE: settings.honkPowers.file,
            PROVER_HONK_POWERS_SHA256: settings.honkPowers.hash,
          }),
    },
    storage: { LIBP2P_LISTEN: `/ip4/${HOST}/tcp/${port(ports, "libp2p")}` },
    gateway: {
      GATEWAY_HTTP_LISTEN: `${HOST}:${port(ports, "gateway")}`,
      DEMO_BUYER_KEY_FILE: accounts.business.keyFile,
      GATEWAY_LOOPBACK_OPERATOR: "true",
      GATEWAY_GRAPHQL_EXPLORER: "true",
      GATEWAY_STUDIO_DIR: join(settings.paths.root, "apps", "studio", "dist"),
    },
  };
  return own[name] ?? {};
}

function peerUrls(ports: Ports): Record<string, string> {
  return Object.fromEntries(
    SERVICES.filter((name) => name !== "gateway").map((name) => [
      `${name.toUpperCase().replace("-", "_")}_GRPC_URL`,
      `${HOST}:${port(ports, `grpc-${name}`)}`,
    ]),
  );
}

function port(ports: Ports, name: string): number {
  const value = ports.get(name);
  if (value === undefined) throw new RangeError(`no port named ${name}`);
  return value;
}
