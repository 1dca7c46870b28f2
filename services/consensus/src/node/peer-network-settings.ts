import { PACKET_FAULTS, PEER_BAN } from "@aios/core-honor-node/packet-faults";
import type { NodeIdentity } from "@aios/peer-network/node-certificate";
import type { PeerNetworkSettings } from "@aios/peer-network/peer-network";
import type { HonorOptions, HonorSettings } from "./honor-options.js";

/** Packets of the pull protocol are understood. What builds before it speak is no protocol by name. */
const PULL_PROTOCOL = "aios-peer/2";

/** How an honor chain's node talks to its peers. */
export function peerNetworkSettings(
  identity: NodeIdentity,
  { listen }: Pick<HonorOptions, "listen">,
  settings: HonorSettings,
): PeerNetworkSettings {
  return {
    identity,
    ...listen,
    maxFrameBytes: settings.maxFrameBytes,
    maxQueueBytes: settings.maxQueueBytes,
    idleMs: Math.max(10_000, 10 * settings.gossipMs),
    protocols: [PULL_PROTOCOL],
    handshakeMs: 10_000,
    redialMs: 500,
    maxRedialMs: 8_000,
    maxHandshakes: 32,
    scores: { ...PEER_BAN, maxPeers: 1_024 },
    penalties: PACKET_FAULTS,
  };
}
