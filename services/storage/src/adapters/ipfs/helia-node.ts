import { join } from "node:path";
import { withBitswap } from "@helia/bitswap";
import { withLibp2pLight } from "@helia/libp2p";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { FsDatastore } from "datastore-fs";
import { createHeliaLight } from "helia";
import { VerifiedBlockstore } from "./verified-blockstore.js";

export interface HeliaNodeOptions {
  readonly directory: string;
  /** Multiaddress; port 0: any free one. */
  readonly listen: string;
}

/**
 * An IPFS node on libp2p TCP with bitswap, blocks and identity on disk. It dials nobody by itself: no public
 * bootstrap peers, no DHT, no discovery; who knows its address may connect and ask for blocks by CID.
 */
export async function startHeliaNode({ directory, listen }: HeliaNodeOptions) {
  const blockstore = new VerifiedBlockstore(directory);
  await blockstore.open();
  const datastore = new FsDatastore(join(directory, "identity"));
  await datastore.open();
  const light = createHeliaLight({ blockstore, datastore });
  const networked = withLibp2pLight(light, {
    addresses: { listen: [listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { maxConnections: 100 },
    services: { identify: identify(), ping: ping() },
  });
  const node = await withBitswap(networked).start();
  // What lies on this disk, without the network: a block that goes is announced to nobody.
  return Object.assign(node, { localBlocks: blockstore });
}

export type HeliaNode = Awaited<ReturnType<typeof startHeliaNode>>;
