import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { HOME_FILES } from "@aios/consensus/honor-home";
import { makeHonorNetwork, moveHonorNetwork, type NodePlace } from "@aios/consensus/testnet/honor-network";
import { DEFAULT_CHAIN_TIME } from "@aios/core-committee/chain-time";
import { groupCount } from "@aios/core-committee/honor-set";
import { smallestSafeK } from "@aios/core-ghostdag/anticone-bound";
import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import { address } from "@aios/kernel/identifiers";
import { aios } from "@aios/kernel/units";
import { localGenesis, seatsOf, writeGenesis } from "./genesis.js";
import type { Identities } from "./identities.js";
import type { ProcessSpec } from "./managed-process.js";
import { memoryBudgetOf } from "./memory-budget.js";
import type { Ports } from "./process-table.js";

/** Of a new chain, where nothing is asked for. */
export const USUAL_HONOR_NODES = 4;
const FIRST_PEER_PORT = 30_400;
const FIRST_RPC_PORT = 30_500;
/**
 * Of a chain whose nodes are one group: a transaction waits up to a tick for the node that its sender falls to, and a tick in
 * which nobody sent anything costs no block there. Slots stay as long as everywhere.
 */
const ONE_GROUP_TIME = { tickMs: 300, ticksPerSlot: 10 };
/** Until a block of one node is checked by all others, on one machine or in one cluster. */
const MAX_DELAY_MS = 100;
/** Pays an operator's transactions for years: evidence is rare. */
const OPERATOR_WEI = aios(10);

/** Names of the processes that take part in a chain of so many nodes. */
export function chainProcesses(nodes: number): string[] {
  return ["consensus", ...Array.from({ length: nodes - 1 }, (_, index) => nameOf(index + 1))];
}

function nameOf(node: number): string {
  return `honor-${node + 1}`;
}

/** First choices of the ports of honor nodes; the first node's JSON-RPC is the platform's. */
export function honorPorts(seats: number, base: number | undefined): Map<string, number> {
  const [peer, rpc] = base === undefined ? [FIRST_PEER_PORT, FIRST_RPC_PORT] : [base, base + seats];
  const ports = new Map<string, number>();
  for (let node = 0; node < seats; node++) ports.set(`peer-${node}`, peer + node);
  for (let node = 1; node < seats; node++) ports.set(`json-rpc-${node}`, rpc + node - 1);
  return ports;
}

/** Makes the homes of new honor nodes, one for each place, with keys of their own and the genesis of their chain. */
export function makeHonorHomes(
  directory: string,
  places: readonly NodePlace[],
  identities: Identities,
  nowMs: number,
): Promise<string[]> {
  const seats = places.length;
  const groups = groupCount(seats);
  const { tickMs, ticksPerSlot } = groups === 1 ? ONE_GROUP_TIME : DEFAULT_CHAIN_TIME;
  const blocksPerSecond = (seats / groups / tickMs) * 1_000;
  return makeHonorNetwork({
    directory,
    seats,
    places,
    genesis: localGenesis(identities, Math.floor(nowMs / 1_000)),
    genesisTimeMs: nowMs,
    tickMs,
    time: { ticksPerSlot },
    maxDelayMs: MAX_DELAY_MS,
    k: smallestSafeK({ blocksPerSecond, maxDelayMs: MAX_DELAY_MS, maxExcessProbability: 0.01 }),
    staking: {
      paidBy: identities.accounts.deployer.address,
      treasury: address(identities.accounts.treasury.address),
      operatorWei: OPERATOR_WEI,
    },
  });
}

export interface HonorNodesOptions {
  readonly root: string;
  readonly dataDir: string;
  readonly genesisFile: string;
  readonly identities: Identities;
  readonly clock: Clock;
  readonly ports: Ports;
}

/** The honor nodes of this machine: the first is the platform's `consensus`, the others vote beside it. */
export class HonorNodes {
  private constructor(
    private readonly options: HonorNodesOptions,
    private readonly homes: readonly string[],
  ) {}

  /**
   * Nodes of the chain in the data directory, or of the one that is asked for; 1: one node makes its blocks. Throws
   * `chain-has-other-nodes` where both differ: who finalises a chain is in its first block.
   */
  static count(genesisFile: string, asked: number | undefined): number {
    if (!existsSync(genesisFile)) return asked ?? USUAL_HONOR_NODES;
    const count = Math.max(1, seatsOf(genesisFile));
    if (asked === undefined || asked === count) return count;
    throw new CodedError({
      code: "chain-has-other-nodes",
      kind: "conflict",
      message: `The chain in this data directory ${
        count === 1 ? "has one node that makes its blocks" : `has ${count} honor nodes`
      }, not ${asked === 1 ? "one that makes its blocks" : asked}. Leave --honor-nodes out, start with --fresh, or choose another --data-dir.`,
    });
  }

  /** Makes keys and genesis at the first start; later ones only find each other's new ports. */
  static async prepare(seats: number, options: HonorNodesOptions): Promise<HonorNodes> {
    const { dataDir, genesisFile, identities, clock, ports } = options;
    const directory = join(dataDir, "honor");
    const places = Array.from(
      { length: seats },
      (_, node): NodePlace => ({
        peerPort: ports.get(`peer-${node}`) as number,
        rpcPort: ports.get(node === 0 ? "json-rpc" : `json-rpc-${node}`) as number,
      }),
    );
    if (existsSync(genesisFile)) return new HonorNodes(options, await moveHonorNetwork(directory, places));
    const homes = await makeHonorHomes(directory, places, identities, clock.now());
    const made = await readFile(join(homes[0] as string, HOME_FILES.genesis), "utf8");
    writeGenesis(genesisFile, JSON.parse(made) as Record<string, unknown>);
    return new HonorNodes(options, homes);
  }

  /** What makes the platform's `consensus` the first of them. */
  async environment(): Promise<Record<string, string>> {
    const home = this.homes[0] as string;
    const { peers } = JSON.parse(await readFile(join(home, HOME_FILES.node), "utf8")) as {
      peers: { publicKey: string; host: string; port: number }[];
    };
    return {
      CONSENSUS_MODE: "honor",
      CONSENSUS_PEER_LISTEN: `127.0.0.1:${this.options.ports.get("peer-0")}`,
      CONSENSUS_PEERS: peers.map(({ publicKey, host, port }) => `${publicKey}@${host}:${port}`).join(","),
      CONSENSUS_NODE_KEY_FILE: join(home, HOME_FILES.nodeKey),
      CONSENSUS_SEAT_KEY_FILE: join(home, HOME_FILES.seatKey),
      CONSENSUS_OPERATOR_KEY_FILE: join(home, HOME_FILES.operatorKey),
    };
  }

  /** The others, each its own process. */
  processes(): ProcessSpec[] {
    const { root, dataDir, ports } = this.options;
    return this.homes.slice(1).map((home, index) => ({
      name: nameOf(index + 1),
      script: join(root, "services", "consensus", "dist", "src", "run-node.js"),
      args: [home],
      env: {},
      logFile: join(dataDir, "logs", `${nameOf(index + 1)}.log`),
      readyUrl: `tcp://127.0.0.1:${ports.get(`json-rpc-${index + 1}`)}`,
      heapMiB: memoryBudgetOf(nameOf(index + 1)).heapMiB,
    }));
  }
}
