import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOME_FILES } from "@aios/consensus/honor-home";
import { registryAddressOf } from "@aios/contracts/deploy";
import { ensureGenesis } from "@aios/launcher/genesis";
import { makeHonorHomes } from "@aios/launcher/honor-nodes";
import { type Identities, loadIdentities } from "@aios/launcher/identities";
import { nodeIdentity } from "@aios/peer-network/node-certificate";
import { SERVICES } from "@aios/service-kit/local-instance";
import { required } from "./arguments.js";

/** Files of a network by name: private keys of its services and accounts, their public keys, the genesis. */
export type NetworkFiles = Readonly<Record<string, string>>;

const GENESIS = "genesis.json";
const TRUST_BUNDLE = "services.jwks";
/** As the charts open it between the pods of consensus. */
const HONOR_PEER_PORT = 30_400;
/** What each honor node alone holds: its name among peers, its vote, and its operator's deposit. */
const HONOR_KEYS = [HOME_FILES.nodeKey, HOME_FILES.seatKey, HOME_FILES.operatorKey];

/**
 * A network of its own: new keys for every service and account, and a genesis that gives them their balances. With
 * several honor nodes, keys for each of these too.
 */
export function newNetwork(nowMs: number, honorNodes: number): Promise<NetworkFiles> {
  return inTemporaryFolder(async (folder) => {
    const identities = loadIdentities(folder);
    if (honorNodes === 1) {
      ensureGenesis(join(folder, GENESIS), identities, Math.floor(nowMs / 1_000));
      return readFiles(folder);
    }
    const places = Array.from({ length: honorNodes }, () => ({ peerPort: HONOR_PEER_PORT, rpcPort: 0 }));
    const homes = await makeHonorHomes(join(folder, "honor"), places, identities, nowMs);
    const own = homes.flatMap((home, node) =>
      HONOR_KEYS.map((file): [string, string] => [
        honorKey(node, file),
        readFileSync(join(home, file), "utf8"),
      ]),
    );
    const genesis = readFileSync(join(homes[0] as string, HOME_FILES.genesis), "utf8");
    return { ...readFiles(folder), [GENESIS]: genesis, ...Object.fromEntries(own) };
  });
}

/** Honor nodes that the network was made for; 1 where one node makes its blocks. */
export function honorNodesOf(network: NetworkFiles): number {
  let nodes = 0;
  while (network[honorKey(nodes, HOME_FILES.nodeKey)] !== undefined) nodes += 1;
  return Math.max(1, nodes);
}

/** Files without which the network is not whole: nobody can make them again. */
export function missingFiles(network: NetworkFiles): readonly string[] {
  const nodes = honorNodesOf(network);
  const ofNode = (node: number): string[] => HONOR_KEYS.map((file) => honorKey(node, file));
  const ofNodes = nodes === 1 ? [] : Array.from({ length: nodes }, (_, node) => ofNode(node)).flat();
  return [GENESIS, TRUST_BUNDLE, ...ofNodes].filter((file) => network[file] === undefined);
}

function honorKey(node: number, file: string): string {
  return `honor-${node}-${file}`;
}

/**
 * All honor nodes as each of them is told: key@host:port, separated by commas. Hosts are those of the pods of
 * `<release>-consensus` below its headless Service.
 */
function honorPeers(network: NetworkFiles, release: string): string {
  const nodes = honorNodesOf(network);
  if (nodes === 1) return "";
  const host = (node: number): string => `${release}-consensus-${node}.${release}-consensus-peers`;
  return Array.from({ length: nodes }, (_, node) => {
    const { publicKey } = nodeIdentity(present(network, honorKey(node, HOME_FILES.nodeKey)));
    return `${publicKey}@${host(node)}:${HONOR_PEER_PORT}`;
  }).join(",");
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
export function publicPart(
  network: NetworkFiles,
  release: string,
): Promise<Readonly<Record<string, string>>> {
  return withIdentities(network, ({ accounts }) => ({
    [GENESIS]: present(network, GENESIS),
    [TRUST_BUNDLE]: present(network, TRUST_BUNDLE),
    CONTRACT_REGISTRY_ADDRESS: registryAddressOf(accounts.deployer.address),
    PROVER_PAYOUT_ADDRESS: accounts.prover.address,
    CONSENSUS_PEERS: honorPeers(network, release),
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

/** The account's private key among the network's files. Throws `argument-missing`. */
export function accountKey(files: NetworkFiles, account: string): string {
  return required(`account ${account}`, files[`account-${account}.key`]).trim();
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
