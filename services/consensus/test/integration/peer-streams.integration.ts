import type { PeerStreams } from "@aios/consensus/domain/honor-ports";
import { generateNodeKeyPem, type NodeIdentity, nodeIdentity } from "@aios/peer-network/node-certificate";
import { PeerNetwork } from "@aios/peer-network/peer-network";
import { systemClock } from "@aios/service-kit/system-clock";
import {
  type PeersUnderTest,
  type PeerUnderTest,
  peerStreamsConformance,
} from "../conformance/peer-streams.conformance.js";

const HOST = "127.0.0.1";
const SETTINGS = {
  host: HOST,
  maxFrameBytes: 65_536,
  maxQueueBytes: 1_048_576,
  idleMs: 30_000,
  protocols: ["test"],
  penalties: { "frame-too-large": 100, "peer-silent": 0, "peer-not-reading": 0 },
  handshakeMs: 10_000,
  redialMs: 20,
  maxRedialMs: 200,
  maxHandshakes: 8,
  scores: { banAt: 100, banMs: 600_000, forgivenPerSecond: 1, maxPeers: 16 },
};

interface Node extends PeerUnderTest {
  readonly network: PeerNetwork;
  readonly streams: PeerStreams;
  readonly identity: NodeIdentity;
  readonly port: number;
}

async function startNode(identity: NodeIdentity, port = 0): Promise<Node> {
  const received: { from: string; payload: string }[] = [];
  const network = new PeerNetwork({ ...SETTINGS, identity, port }, systemClock, (from, frame) =>
    received.push({ from, payload: Buffer.from(frame).toString() }),
  );
  const listening = await network.start();
  return { network, streams: network, identity, port: listening, key: identity.publicKey, received };
}

function introduce(node: Node, others: readonly Node[]): void {
  for (const { key, port } of others)
    if (key !== node.key) node.network.add({ publicKey: key, host: HOST, port });
}

peerStreamsConformance("PeerNetwork", async (count): Promise<PeersUnderTest> => {
  const nodes = await Promise.all(
    Array.from({ length: count }, () => startNode(nodeIdentity(generateNodeKeyPem()))),
  );
  for (const node of nodes) introduce(node, nodes);
  const nodeOf = ({ key }: PeerUnderTest): Node => nodes.find((node) => node.key === key) as Node;
  return {
    peers: [...nodes],
    crash: (peer) => nodeOf(peer).network.stop(),
    async revive(peer) {
      const { identity, port } = nodeOf(peer);
      const again = await startNode(identity, port);
      nodes[nodes.indexOf(nodeOf(peer))] = again;
      introduce(again, nodes);
      return again;
    },
    async close() {
      await Promise.all(nodes.map(({ network }) => network.stop()));
    },
  };
});
