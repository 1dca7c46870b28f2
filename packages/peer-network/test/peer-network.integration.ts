import { once } from "node:events";
import { connect } from "node:tls";
import { type DurationMs, durationMs } from "@aios/kernel/units";
import { SystemClock } from "@aios/service-kit/system-clock";
import { afterEach, describe, expect, it, vi } from "vitest";
import { generateNodeKeyPem, type NodeIdentity, nodeIdentity } from "../src/node-certificate.js";
import { PeerNetwork, type PeerNetworkSettings } from "../src/peer-network.js";

const settings = (
  identity: NodeIdentity,
  changes: Partial<PeerNetworkSettings> = {},
): PeerNetworkSettings => ({
  identity,
  host: "127.0.0.1",
  port: 0,
  maxFrameBytes: 65_536,
  maxQueueBytes: 1_048_576,
  idleMs: 30_000,
  handshakeMs: 10_000,
  redialMs: 50,
  maxRedialMs: 400,
  maxHandshakes: 8,
  scores: { banAt: 100, banMs: 60_000, forgivenPerSecond: 1, maxPeers: 16 },
  ...changes,
});

interface TestNode {
  readonly network: PeerNetwork;
  readonly identity: NodeIdentity;
  readonly port: number;
  readonly frames: string[];
}

const running: PeerNetwork[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((network) => network.stop()));
});

/** Sorted by key, so that the first one dials. */
const identities = (count: number): NodeIdentity[] =>
  Array.from({ length: count }, () => nodeIdentity(generateNodeKeyPem())).sort((a, b) =>
    a.publicKey < b.publicKey ? -1 : 1,
  );

async function startNode(
  identity: NodeIdentity,
  changes: Partial<PeerNetworkSettings> = {},
): Promise<TestNode> {
  const frames: string[] = [];
  const clock = new SystemClock();
  const network = new PeerNetwork(settings(identity, changes), clock, (peer, frame) =>
    frames.push(`${peer.slice(0, 4)}:${Buffer.from(frame).toString()}`),
  );
  running.push(network);
  return { network, identity, port: await network.start(), frames };
}

function introduce(nodes: readonly TestNode[]): void {
  for (const node of nodes)
    for (const { identity, port } of nodes)
      if (identity !== node.identity)
        node.network.add({ publicKey: identity.publicKey, host: "127.0.0.1", port });
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 20 });
const isFull = (nodes: readonly TestNode[]) => () => {
  for (const { network } of nodes) expect(network.connected).toHaveLength(nodes.length - 1);
};

describe("a network of peers", () => {
  it("connects each pair once, and delivers frames in order, to one or to all", async () => {
    const nodes = await Promise.all(identities(3).map((identity) => startNode(identity)));
    introduce(nodes);
    await until(isFull(nodes));
    const [first, second, third] = nodes as [TestNode, TestNode, TestNode];
    const name = first.identity.publicKey.slice(0, 4);
    for (let count = 0; count < 50; count++)
      first.network.send(second.identity.publicKey, Buffer.from(`${count}`));
    first.network.send(undefined, Buffer.from("all"));
    await until(() => expect(third.frames).toEqual([`${name}:all`]));
    await until(() => expect(second.frames).toHaveLength(51));
    expect(second.frames).toEqual([
      ...Array.from({ length: 50 }, (_, count) => `${name}:${count}`),
      `${name}:all`,
    ]);
  });

  it("comes back after a peer was gone", async () => {
    const [low, high] = identities(2) as [NodeIdentity, NodeIdentity];
    const dialler = await startNode(low);
    const listener = await startNode(high);
    introduce([dialler, listener]);
    await until(isFull([dialler, listener]));
    await listener.network.stop();
    await until(() => expect(dialler.network.connected).toEqual([]));
    const again = await startNode(high, { port: listener.port });
    introduce([dialler, again]);
    await until(isFull([dialler, again]));
  });

  it("lets go of a peer that is taken out of the book, and takes it back in at its new address", async () => {
    const [low, high] = identities(2) as [NodeIdentity, NodeIdentity];
    const dialler = await startNode(low);
    const listener = await startNode(high);
    introduce([dialler, listener]);
    await until(isFull([dialler, listener]));
    dialler.network.remove(high.publicKey);
    await until(() => expect(listener.network.connected).toEqual([]));
    listener.network.remove(low.publicKey);
    dialler.network.add({ publicKey: high.publicKey, host: "127.0.0.1", port: listener.port });
    await until(() => expect(listener.network.counters.refused).toBeGreaterThan(0));
    expect(listener.network.connected).toEqual([]);
    await listener.network.stop();
    const moved = await startNode(high);
    introduce([dialler, moved]);
    await until(isFull([dialler, moved]));
  });

  it("dials one that is not there less and less often", async () => {
    const [low, high] = identities(2) as [NodeIdentity, NodeIdentity];
    const waits: number[] = [];
    const clock = new (class extends SystemClock {
      override wait(ms: DurationMs, signal?: AbortSignal): Promise<void> {
        waits.push(ms);
        return super.wait(durationMs(1), signal);
      }
    })();
    const network = new PeerNetwork(settings(low), clock, () => undefined);
    running.push(network);
    await network.start();
    network.add({ publicKey: high.publicKey, host: "127.0.0.1", port: 1 });
    await until(() => expect(waits.length).toBeGreaterThan(5));
    expect(waits.slice(0, 5)).toEqual([50, 100, 200, 400, 400]);
  });

  it("lets nobody in whom the book does not name, nor whoever dials without a key", async () => {
    const [stranger, known] = identities(2) as [NodeIdentity, NodeIdentity];
    const node = await startNode(known);
    for (const credentials of [{ key: stranger.privateKeyPem, cert: stranger.certificatePem }, {}]) {
      const socket = connect({
        host: "127.0.0.1",
        port: node.port,
        rejectUnauthorized: false,
        ...credentials,
      });
      socket.on("error", () => undefined);
      await once(socket, "close");
    }
    expect(node.network.connected).toEqual([]);
    expect(node.network.counters.refused).toBe(2);
  });

  it("trusts no address: a node that shows another key than the book says is not spoken to", async () => {
    const [low, expected, impostor] = identities(3) as [NodeIdentity, NodeIdentity, NodeIdentity];
    const dialler = await startNode(low);
    const other = await startNode(impostor);
    dialler.network.add({ publicKey: expected.publicKey, host: "127.0.0.1", port: other.port });
    await until(() => expect(dialler.network.counters.refused).toBeGreaterThan(0));
    expect(dialler.network.connected).toEqual([]);
  });

  it("bans a peer that announces too large a frame, before it sends it", async () => {
    const [low, high] = identities(2) as [NodeIdentity, NodeIdentity];
    const dialler = await startNode(low, { redialMs: 20 });
    const listener = await startNode(high, { maxFrameBytes: 100 });
    introduce([dialler, listener]);
    await until(isFull([dialler, listener]));
    dialler.network.send(undefined, new Uint8Array(101));
    await until(() => expect(listener.network.counters.refused).toBeGreaterThan(1));
    expect(listener.network.connected).toEqual([]);
    expect(listener.frames).toEqual([]);
  });

  it("drops the oldest for a peer that does not read, within the bound of its queue", async () => {
    const [low, high] = identities(2) as [NodeIdentity, NodeIdentity];
    const node = await startNode(high, { maxQueueBytes: 300_000 });
    node.network.add({ publicKey: low.publicKey, host: "127.0.0.1", port: 1 });
    const socket = connect({
      host: "127.0.0.1",
      port: node.port,
      rejectUnauthorized: false,
      key: low.privateKeyPem,
      cert: low.certificatePem,
    });
    socket.on("error", () => undefined);
    await until(() => expect(node.network.connected).toHaveLength(1));
    socket.pause();
    const { counters } = node.network;
    for (let count = 0; count < 2_000; count++) node.network.send(undefined, new Uint8Array(20_000));
    expect(counters.dropped).toBeGreaterThan(0);
    expect((2_000 - counters.dropped - counters.sent) * 20_004).toBeLessThanOrEqual(300_000);
    socket.destroy();
  });
});
