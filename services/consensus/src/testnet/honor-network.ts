import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { blsPublicKey, provePossession } from "@aios/core-finality/bls-signatures";
import { isCodedError } from "@aios/kernel/coded-error";
import { generateNodeKeyPem, nodeIdentity } from "@aios/peer-network/node-certificate";
import type { Peer } from "@aios/peer-network/peer-network";
import { HOME_FILES, type NodeFile } from "../honor-home.js";
import type { HonorSettings } from "../honor-options.js";

/** Where a node listens, and how others of the network get there. */
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
  /** The port at which one node reaches another. */
  readonly portBetween?: (from: number, to: number) => number;
  readonly settings?: Partial<HonorSettings>;
}

interface Keys {
  readonly seatSecret: Uint8Array;
  readonly nodeKeyPem: string;
  readonly nodeKey: string;
}

const HOST = "127.0.0.1";

/** Makes keys, one genesis, and a home directory for each node of a network on this machine. Returns the homes. */
export async function makeHonorNetwork(plan: HonorNetworkPlan): Promise<string[]> {
  const keys = plan.places.map(makeKeys);
  const genesis = { ...plan.genesis, honor: honorGenesis(plan, keys.slice(0, plan.seats)) };
  const homes: string[] = [];
  for (const [index, own] of keys.entries()) {
    const home = join(plan.directory, `node-${index}`);
    homes.push(home);
    await mkdir(home, { recursive: true, mode: 0o700 });
    const secret = { mode: 0o600 };
    await writeFile(join(home, HOME_FILES.genesis), JSON.stringify(genesis, undefined, 2));
    await writeFile(join(home, HOME_FILES.node), JSON.stringify(nodeFile(plan, keys, index), undefined, 2));
    await writeFile(join(home, HOME_FILES.nodeKey), own.nodeKeyPem, secret);
    if (index < plan.seats)
      await writeFile(join(home, HOME_FILES.seatKey), Buffer.from(own.seatSecret).toString("hex"), secret);
  }
  return homes;
}

function nodeFile(plan: HonorNetworkPlan, keys: readonly Keys[], index: number): NodeFile {
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

function honorGenesis(plan: HonorNetworkPlan, seats: readonly Keys[]): Record<string, unknown> {
  return {
    genesisTimeMs: plan.genesisTimeMs,
    ...(plan.tickMs === undefined ? {} : { tickMs: plan.tickMs }),
    k: plan.k,
    maxDelayMs: plan.maxDelayMs,
    members: seats.map(({ seatSecret }, seat) => ({
      account: `0x${(0xa105_0000 + seat).toString(16).padStart(40, "0")}`,
      publicKey: hex(blsPublicKey(seatSecret)),
      proofOfPossession: hex(provePossession(seatSecret)),
    })),
  };
}

function makeKeys(): Keys {
  const nodeKeyPem = generateNodeKeyPem();
  return { seatSecret: newSeatSecret(), nodeKeyPem, nodeKey: nodeIdentity(nodeKeyPem).publicKey };
}

/** A secret scalar of BLS12-381: of random 32 bytes somewhat less than half are one. */
export function newSeatSecret(): Uint8Array {
  for (;;) {
    const secret = Uint8Array.from(randomBytes(32));
    try {
      blsPublicKey(secret);
      return secret;
    } catch (error) {
      if (!isCodedError(error)) throw error;
    }
  }
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
