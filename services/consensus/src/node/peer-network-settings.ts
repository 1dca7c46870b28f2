import type { NodeIdentity } from "@aios/peer-network/node-certificate";
import type { PeerNetworkSettings } from "@aios/peer-network/peer-network";
import type { HonorOptions, HonorSettings } from "./honor-options.js";

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
    handshakeMs: 10_000,
    redialMs: 500,
    maxRedialMs: 8_000,
    maxHandshakes: 32,
    scores: { banAt: 200, banMs: 60_000, forgivenPerSecond: 1, maxPeers: 1_024 },
  };
}
