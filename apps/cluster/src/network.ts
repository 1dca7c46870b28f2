import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registryAddressOf } from "@aios/contracts/deploy";
import { ensureGenesis } from "@aios/launcher/genesis";
import { type Identities, loadIdentities } from "@aios/launcher/identities";
import { SERVICES } from "@aios/service-kit/local-instance";

/** Files of a network by name: private keys of its services and accounts, their public keys, the genesis. */
export type NetworkFiles = Readonly<Record<string, string>>;

const GENESIS = "genesis.json";
const TRUST_BUNDLE = "services.jwks";

/** A network of its own: new keys for every service and account, and a genesis that gives them their balances. */
export function newNetwork(nowSeconds: number): Promise<NetworkFiles> {
  return inTemporaryFolder((folder) => {
    const identities = loadIdentities(folder);
    ensureGenesis(join(folder, GENESIS), identities, nowSeconds);
    return readFiles(folder);
  });
}

/** Runs `work` with the network's keys as files, which are gone when it has ended. */
export function withIdentities<T>(
  network: NetworkFiles,
  work: (identities: Identities) => T | Promise<T>,
): Promise<T> {
  return inTemporaryFolder((folder) => {
    for (const [name, content] of Object.entries(network)) {
      writeFileSync(join(folder, name), content, { mode: 0o600 });
    }
    return work(loadIdentities(folder));
  });
}

/** What everyone may know of a network: genesis, public keys, and the addresses that services are configured with. */
export function publicPart(network: NetworkFiles): Promise<Readonly<Record<string, string>>> {
  return withIdentities(network, ({ accounts }) => ({
    [GENESIS]: present(network, GENESIS),
    [TRUST_BUNDLE]: present(network, TRUST_BUNDLE),
    CONTRACT_REGISTRY_ADDRESS: registryAddressOf(accounts.deployer.address),
    PROVER_PAYOUT_ADDRESS: accounts.prover.address,
  }));
}

/** The network's files as a mounted secret shows them. */
export function readFiles(folder: string): NetworkFiles {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => !entry.name.startsWith("."));
  return Object.fromEntries(
    files
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}

/**
 * One URL by service and `events`, for a server whose databases are named after the services. The password becomes part
 * of a URL, so it is escaped.
 */
export function databaseUrls(host: string, port: number, user: string, password: string): NetworkFiles {
  const server = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}`;
  const named = SERVICES.filter((service) => service !== "consensus").map((service): [string, string] => [
    service,
    `${server}/aios_${service.replaceAll("-", "_")}`,
  ]);
  return Object.fromEntries([...named, ["events", `${server}/aios_events`], ["password", password]]);
}

async function inTemporaryFolder<T>(work: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "aios-network-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function present(network: NetworkFiles, name: string): string {
  const content = network[name];
  if (content === undefined) throw new TypeError(`the network has no ${name}`);
  return content;
}
