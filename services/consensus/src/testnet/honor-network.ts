import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeIdentity } from "@aios/peer-network/node-certificate";
import type { Peer } from "@aios/peer-network/peer-network";
import { HOME_FILES, type NodeFile, readNodeKeys } from "../honor-home.js";
import type { HonorSettings } from "../honor-options.js";
import { initHome, type PublicKeys, writeNodeFile } from "../make-home.js";

/** Where a node listens. */
export interface NodePlace {
  readonly rpcPort: number;
  readonly peerPort: number;
}

export interface HonorNetworkPlan {
  readonly directory: string;
  /** Nodes with a seat: 4, or a multiple of three from 6 up. */
  readonly seats: number;
  /** All nodes, those with a seat first; the rest follows. */
  readonly places: readonly NodePlace[];
  /** Genesis without its honor part. */
  readonly genesis: Readonly<Record<string, unknown>>;
  readonly genesisTimeMs: number;
  readonly tickMs?: number;
  /** Assumed for the choice of k. */
  readonly maxDelayMs: number;
  readonly k: number;
  /** The port at which one node reaches another; its peer port unless given. */
  readonly portBetween?: (from: number, to: number) => number;
  readonly settings?: Partial<HonorSettings>;
}

const HOST = "127.0.0.1";

/** Makes keys, one genesis, and a home directory for each node of a network on this machine. Returns the homes. */
export async function makeHonorNetwork(plan: HonorNetworkPlan): Promise<string[]> {
  const homes = plan.places.map((_, index) => join(plan.directory, `node-${index}`));
  const keys: PublicKeys[] = [];
  for (const [index, home] of homes.entries())
    keys.push(await initHome(home, index < plan.seats, nodeFile(plan, index, [])));
  const genesis = JSON.stringify({ ...plan.genesis, honor: honorGenesis(plan, keys) }, undefined, 2);
  for (const [index, home] of homes.entries()) {
    await writeFile(join(home, HOME_FILES.genesis), genesis);
    await writeNodeFile(home, nodeFile(plan, index, keys));
  }
  return homes;
}

/** Lets the nodes of a network that was made before find each other at other ports. Returns the homes. */
export async function moveHonorNetwork(
  directory: string,
  places: readonly NodePlace[],
  portBetween?: HonorNetworkPlan["portBetween"],
): Promise<string[]> {
  const homes = places.map((_, index) => join(directory, `node-${index}`));
  const keys = await Promise.all(
    homes.map(async (home): Promise<PublicKeys> => {
      const { nodeKeyPem } = await readNodeKeys(join(home, HOME_FILES.nodeKey), undefined);
      return { nodeKey: nodeIdentity(nodeKeyPem).publicKey };
    }),
  );
  const plan = { places, ...(portBetween === undefined ? {} : { portBetween }) };
  for (const [index, home] of homes.entries()) await writeNodeFile(home, nodeFile(plan, index, keys));
  return homes;
}

function nodeFile(
  plan: Pick<HonorNetworkPlan, "places" | "portBetween" | "settings">,
  index: number,
  keys: readonly PublicKeys[],
): NodeFile {
  const place = plan.places[index] as NodePlace;
  const peers = keys.flatMap(({ nodeKey }, other): Peer[] => {
    if (other === index) return [];
    const port = plan.portBetween?.(index, other) ?? (plan.places[other] as NodePlace).peerPort;
    return [{ publicKey: nodeKey, host: HOST, port }];
  });
  return {
    peerListen: { host: HOST, port: place.peerPort },
    rpcListen: { host: HOST, port: place.rpcPort },
    peers: [...peers],
    ...(plan.settings === undefined ? {} : { settings: { ...plan.settings } }),
  };
}

function honorGenesis(plan: HonorNetworkPlan, keys: readonly PublicKeys[]): Record<string, unknown> {
  return {
    genesisTimeMs: plan.genesisTimeMs,
    ...(plan.tickMs === undefined ? {} : { tickMs: plan.tickMs }),
    k: plan.k,
    maxDelayMs: plan.maxDelayMs,
    members: keys.flatMap(({ seat }, index) =>
      seat === undefined
        ? []
        : [{ account: `0x${(0xa105_0000 + index).toString(16).padStart(40, "0")}`, ...seat }],
    ),
  };
}
