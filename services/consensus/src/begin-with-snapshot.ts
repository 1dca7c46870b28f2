import { fastestBls } from "@aios/bls/fastest-bls";
import { CodedError } from "@aios/kernel/coded-error";
import { nodeIdentity } from "@aios/peer-network/node-certificate";
import { PeerNetwork } from "@aios/peer-network/peer-network";
import { systemClock } from "@aios/service-kit/system-clock";
import { importSnapshot, ownHead } from "./adapters/lmdb/snapshot/import-snapshot.js";
import {
  SnapshotDirectory,
  snapshotFile,
  writeSnapshotFile,
} from "./adapters/lmdb/snapshot/snapshot-directory.js";
import { PeerSnapshots } from "./adapters/lmdb/snapshot/sync-from-peers.js";
import { genesisHeader } from "./application/execute-blocks.js";
import type { Genesis } from "./domain/genesis.js";
import { buildGenesisState } from "./domain/genesis-state.js";
import { honorDigest, requireStakingGenesis } from "./domain/honor-chain.js";
import type { FoundedStaking } from "./domain/snapshot-chain.js";
import type { SnapshotSource } from "./domain/snapshot-index.js";
import { holdPort } from "./hold-port.js";
import { readHonorHome } from "./honor-home.js";
import { genesisDigest } from "./node/genesis-digest.js";
import { defaultHonorSettings, type HonorOptions } from "./node/honor-options.js";
import { peerNetworkSettings } from "./node/peer-network-settings.js";

export interface SnapshotStart {
  readonly dataDir: string;
  readonly genesis: Genesis;
  readonly honor: HonorOptions;
  /** Told what was refused of peers, by reason. */
  readonly onRefused?: ((refused: ReadonlyMap<string, number>) => void) | undefined;
}

/** Whether a node that has no chain yet is to begin with a snapshot. */
export async function beginsWithSnapshot(dataDir: string, honor: HonorOptions | undefined): Promise<boolean> {
  return honor?.sync === "snapshot" && (await ownHead(dataDir)) === undefined;
}

/** Fetches a snapshot from peers, the latest that is right, and begins with it. Answers its height. Throws `no-snapshot`. */
export async function beginFromPeers(start: SnapshotStart): Promise<number> {
  const { honor } = start;
  const settings = { ...defaultHonorSettings, ...honor.settings };
  const network = new PeerNetwork(
    peerNetworkSettings(nodeIdentity(honor.nodeKeyPem), honor, settings),
    systemClock,
    (peer, frame) => peers.receive(peer, frame),
  );
  const peers = new PeerSnapshots(network, systemClock);
  await network.start();
  try {
    for (const peer of honor.peers) network.add(peer);
    return await peers.sync((source) => begin(source, start));
  } finally {
    start.onRefused?.(peers.refused);
    await network.stop();
  }
}

/**
 * Puts a snapshot from a file in the place of the chain of a home, whose node does not run. Answers its height. Throws
 * `node-running`, what `importSnapshot` throws, and what reading a home throws.
 */
export async function importSnapshotFile(home: string, file: string): Promise<number> {
  const { genesis, dataDir, honor } = await readHonorHome(home);
  // Held until all is done, so that the node cannot start in between either.
  const release = await holdPort(honor.listen);
  try {
    return await begin(snapshotFile(file), { dataDir, genesis, honor });
  } finally {
    await release();
  }
}

/** Copies the latest snapshot that the node of a home made to a file. Throws `no-snapshot`. */
export async function exportSnapshotFile(
  home: string,
  file: string,
): Promise<{ readonly height: number; readonly sizeBytes: number }> {
  const { dataDir } = await readHonorHome(home);
  const directory = new SnapshotDirectory(dataDir);
  const height = directory.heights.at(-1);
  if (height === undefined)
    throw new CodedError({
      code: "no-snapshot",
      kind: "not-found",
      message:
        "This node has made no snapshot yet: while it runs it makes one of every height that the chain's snapshotIntervalBlocks divides.",
    });
  return writeSnapshotFile(directory.source(height), file);
}

/**
 * Block 0 of a chain with a staking contract, made from the genesis file without storing its state: its hash is in no name that
 * is signed, but the digest that the contract keeps is. Throws `invalid-genesis`.
 */
async function foundedStaking(genesis: Genesis): Promise<FoundedStaking | undefined> {
  const { honor } = genesis;
  if (honor?.stakingContract === undefined) return undefined;
  requireStakingGenesis(genesis);
  const stateRoot = await buildGenesisState(genesis.alloc, () => Promise.resolve());
  // Who stood at the first block, a chain that is further than that never asks.
  return {
    genesisHash: genesisHeader(genesis, stateRoot).hash,
    start: { digest: honorDigest(genesis, honor), candidates: [] },
  };
}

async function begin(source: SnapshotSource, { dataDir, genesis, honor }: SnapshotStart): Promise<number> {
  const { signatures } = await fastestBls();
  return importSnapshot(source, {
    staking: await foundedStaking(genesis),
    dataDir,
    genesis,
    genesisDigest: genesisDigest(genesis),
    isArchive: honor.archive,
    trust: {
      scheme: signatures,
      nowMs: systemClock.now(),
      trustPeriodMs: honor.trustPeriodMs,
      checkpoint: honor.trustedCheckpoint,
    },
  });
}
