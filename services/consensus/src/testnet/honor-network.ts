import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ChainTimeParameters } from "@aios/core-committee/chain-time";
import { address } from "@aios/kernel/identifiers";
import { nodeIdentity } from "@aios/peer-network/node-certificate";
import type { Peer } from "@aios/peer-network/peer-network";
import { invalidGenesis } from "../domain/errors.js";
import { HOME_FILES, type NodeFile, readNodeKeys, readSecret } from "../honor-home.js";
import { initHome, type PublicKeys, writeNodeFile } from "../make-home.js";
import type { HonorSettings } from "../node/honor-options.js";
import { DEFAULT_STAKING, type FirstMember, type StakingPlan, withStaking } from "./staking-genesis.js";

/** Where a node listens. */
export interface NodePlace {
  readonly rpcPort: number;
  readonly peerPort: number;
}

export interface HonorNetworkPlan {
  readonly directory: string;
  /** Nodes with a seat: 4, or a multiple of three from 6 up. */
  readonly seats: number;
  /** Nodes with keys that could have a seat. They know the others; the others meet them through the staking contract. */
  readonly candidates?: number;
  /** All nodes, those with a seat first, then the candidates; the rest follows. */
  readonly places: readonly NodePlace[];
  /** Genesis without its honor part. */
  readonly genesis: Readonly<Record<string, unknown>>;
  readonly genesisTimeMs: number;
  readonly tickMs?: number;
  /** How often sets hand over; the chain's defaults unless given. */
  readonly time?: Partial<Pick<ChainTimeParameters, "ticksPerSlot" | "slotsPerEpoch" | "epochsPerCycle">>;
  /** Assumed for the choice of k. */
  readonly maxDelayMs: number;
  readonly k: number;
  /** The port at which one node reaches another; its peer port unless given. */
  readonly portBetween?: (from: number, to: number) => number;
  readonly settings?: Partial<HonorSettings>;
  /** Of the block DAG, in genesis. */
  readonly mergeDepth?: number;
  readonly snapshotIntervalBlocks?: number;
  /** What the nodes' homes say of history and snapshots. */
  readonly past?: Partial<Pick<NodeFile, "history" | "historyBlocks" | "snapshots">>;
  /** Deposits, elections and slashing; absent: the first set stays. */
  readonly staking?: NetworkStaking;
}

/** The staking contract of a network, and where its members' coins come from. */
export interface NetworkStaking extends Partial<StakingPlan> {
  /** Account of the genesis file that gives each member its deposit and `operatorWei` for transactions. */
  readonly paidBy: string;
  readonly operatorWei: bigint;
  /** Seats to fill once enough candidates stand. */
  readonly seats?: number;
}

const HOST = "127.0.0.1";

/** Makes keys, one genesis, and a home directory for each node of a network on this machine. Returns the homes. */
export async function makeHonorNetwork(plan: HonorNetworkPlan): Promise<string[]> {
  const homes = plan.places.map((_, index) => join(plan.directory, `node-${index}`));
  const keys: PublicKeys[] = [];
  for (const [index, home] of homes.entries())
    keys.push(await initHome(home, index < plan.seats + (plan.candidates ?? 0), nodeFile(plan, index, [])));
  const genesis = JSON.stringify(await genesisOf(plan, keys, homes), undefined, 2);
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
  plan: Pick<HonorNetworkPlan, "places" | "portBetween" | "settings" | "candidates" | "past"> & {
    readonly seats?: number;
  },
  index: number,
  keys: readonly PublicKeys[],
): NodeFile {
  const place = plan.places[index] as NodePlace;
  const { seats = keys.length, candidates = 0 } = plan;
  const isCandidate = (node: number): boolean => node >= seats && node < seats + candidates;
  const peers = keys.flatMap(({ nodeKey }, other): Peer[] => {
    if (other === index || isCandidate(other)) return [];
    const port = plan.portBetween?.(index, other) ?? (plan.places[other] as NodePlace).peerPort;
    return [{ publicKey: nodeKey, host: HOST, port }];
  });
  return {
    peerListen: { host: HOST, port: place.peerPort },
    rpcListen: { host: HOST, port: place.rpcPort },
    peers: [...peers],
    ...plan.past,
    ...(plan.settings === undefined ? {} : { settings: { ...plan.settings } }),
  };
}

function honorGenesis(plan: HonorNetworkPlan, keys: readonly PublicKeys[]): Record<string, unknown> {
  return {
    genesisTimeMs: plan.genesisTimeMs,
    ...(plan.tickMs === undefined ? {} : { tickMs: plan.tickMs }),
    ...(plan.mergeDepth === undefined ? {} : { mergeDepth: plan.mergeDepth }),
    ...(plan.snapshotIntervalBlocks === undefined
      ? {}
      : { snapshotIntervalBlocks: plan.snapshotIntervalBlocks }),
    k: plan.k,
    maxDelayMs: plan.maxDelayMs,
    ...plan.time,
    members: keys
      .slice(0, plan.seats)
      .flatMap(({ seat, operator }) => (seat === undefined ? [] : [{ account: operator, ...seat }])),
    ...(plan.staking?.seats === undefined ? {} : { seats: plan.staking.seats }),
  };
}

async function genesisOf(
  plan: HonorNetworkPlan,
  keys: readonly PublicKeys[],
  homes: readonly string[],
): Promise<Record<string, unknown>> {
  const genesis = { ...plan.genesis, honor: honorGenesis(plan, keys) };
  const { staking } = plan;
  if (staking === undefined) return genesis;
  const members: FirstMember[] = [];
  for (const [index, { operator, nodeKey }] of keys.slice(0, plan.seats).entries())
    if (operator !== undefined)
      members.push({
        account: operator,
        secret: await readSecret(join(homes[index] as string, HOME_FILES.seatKey)),
        nodeKey,
      });
  const { paidBy, operatorWei, seats: _, ...chosen } = staking;
  const contract: StakingPlan = {
    ...DEFAULT_STAKING,
    treasury: address(paidBy),
    admin: address(paidBy),
    ...chosen,
  };
  const alloc = { ...(plan.genesis["alloc"] as Record<string, Record<string, unknown>>) };
  const payer =
    Object.keys(alloc).find((account) => account.toLowerCase() === paidBy.toLowerCase()) ?? paidBy;
  const costWei = BigInt(members.length) * (contract.minimumDepositWei + operatorWei);
  const leftWei = BigInt(String(alloc[payer]?.["balanceWei"] ?? 0)) - costWei;
  if (leftWei < 0n) throw invalidGenesis(`alloc.${payer}`, "has too little to pay the first deposits");
  alloc[payer] = { ...alloc[payer], balanceWei: leftWei.toString() };
  for (const { account } of members)
    alloc[account] = { name: "operator", balanceWei: operatorWei.toString() };
  return withStaking({ ...genesis, alloc }, contract, members);
}
