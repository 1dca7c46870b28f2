import { once } from "node:events";
import { connect } from "node:tls";
import { type DurationMs, durationMs } from "@aios/kernel/units";
import { SystemClock } from "@aios/service-kit/system-clock";
import { afterEach, describe, expect, it, vi } from "vitest";
import { encodeFrame } from "../src/frame-codec.js";
import { generateNodeKeyPem, type NodeIdentity, nodeIdentity } from "../src/node-certificate.js";
import { PeerNetwork, type PeerNetworkSettings } from "../src/peer-network.js";

const PROTOCOL = "test/2";
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
  protocols: [PROTOCOL],
  penalties: { "frame-too-large": 100, "peer-silent": 0, "peer-not-reading": 0 },
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
  readonly faults: string[];
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
  onFrame: (network: PeerNetwork, peer: string) => void = () => undefined,
): Promise<TestNode> {
  const frames: string[] = [];
  const faults: string[] = [];
  const clock = new SystemClock();
  const network = new PeerNetwork(
    settings(identity, changes),
    clock,
    (peer, frame) => {
      frames.push(`${peer.slice(0, 4)}:${Buffer.from(frame).toString()}`);
      onFrame(network, peer);
    },
    (_, fault) => faults.push(fault),
  );
  running.push(network);
  return { network, identity, port: await network.start(), frames, faults };
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
        // Those between two looks at the streams are longer.
        if (ms <= 400) waits.push(ms);
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

  /** A peer by hand, which dials and says what it likes. */
  async function handmade(node: TestNode, identity: NodeIdentity, protocols: string[] = [PROTOCOL]) {
    node.network.add({ publicKey: identity.publicKey, host: "127.0.0.1", port: 1 });
    const socket = connect({
      host: "127.0.0.1",
      port: node.port,
      rejectUnauthorized: false,
      key: identity.privateKeyPem,
      cert: identity.certificatePem,
      ...(protocols.length === 0 ? {} : { ALPNProtocols: protocols }),
    });
    socket.on("error", () => undefined);
    await until(() => expect(node.network.connected).toEqual([identity.publicKey]));
    return socket;
  }

  it("agrees with each peer on a protocol, on none with a build that knows of none, and refuses one of other protocols", async () => {
    const [low, older, high] = identities(3) as [NodeIdentity, NodeIdentity, NodeIdentity];
    const dialler = await startNode(low);
    const old = await startNode(older, { protocols: [] });
    const listener = await startNode(high, { protocols: ["test/3", PROTOCOL] });
    introduce([dialler, old, listener]);
    await until(isFull([dialler, old, listener]));
    expect(dialler.network.protocolOf(high.publicKey)).toBe(PROTOCOL);
    expect(listener.network.protocolOf(low.publicKey)).toBe(PROTOCOL);
    for (const [node, peer] of [
      [dialler, older],
      [old, low],
      [old, high],
      [listener, older],
    ] as const)
      expect(node.network.protocolOf(peer.publicKey)).toBeUndefined();
    dialler.network.send(older.publicKey, Buffer.from("word"));
    await until(() => expect(old.frames).toEqual([`${low.publicKey.slice(0, 4)}:word`]));

    await listener.network.stop();
    const newer = await startNode(high, { protocols: ["test/9"], port: listener.port });
    introduce([dialler, newer]);
    await until(() => expect(dialler.network.counters.incompatible).toBeGreaterThan(0));
    await until(() => expect(newer.network.counters.incompatible).toBeGreaterThan(0));
    expect(newer.network.connected).toEqual([]);
  });

  it("keeps streams up on which nobody has anything to say", async () => {
    const [low, high] = identities(2) as [NodeIdentity, NodeIdentity];
    const idleMs = 400;
    const nodes = [await startNode(low, { idleMs }), await startNode(high, { idleMs })];
    introduce(nodes);
    await until(isFull(nodes));
    const peer = nodes[0]?.network;
    let ended = 0;
    const watch = setInterval(() => {
      ended += peer?.connected.length === 1 ? 0 : 1;
    }, 20);
    await new Promise((resolve) => setTimeout(resolve, 4 * idleMs));
    clearInterval(watch);
    expect([ended, nodes.flatMap(({ frames, faults }) => [...frames, ...faults])]).toEqual([0, []]);
  });

  it("lets go of a peer that says nothing any more, and of what waits for it", async () => {
    const [low, high] = identities(2) as [NodeIdentity, NodeIdentity];
    const node = await startNode(high, { idleMs: 300 });
    const socket = await handmade(node, low);
    await until(() => expect(node.network.connected).toEqual([]));
    expect(node.faults).toEqual(["peer-silent"]);
    socket.destroy();
  });

  it("lets go of a peer that goes on talking and does not read", async () => {
    const [low, high] = identities(2) as [NodeIdentity, NodeIdentity];
    const node = await startNode(high, { idleMs: 300, maxQueueBytes: 300_000 });
    const socket = await handmade(node, low);
    socket.pause();
    const talk = setInterval(() => socket.write(encodeFrame(Buffer.from("hello"))), 50);
    let mostQueued = 0;
    // More than the buffers between them take.
    const speak = setInterval(() => {
      for (let count = 0; count < 20; count++) node.network.send(undefined, new Uint8Array(60_000));
      mostQueued = Math.max(mostQueued, node.network.queuedBytes(low.publicKey));
    }, 10);
    await until(() => expect(node.network.connected).toEqual([]));
    clearInterval(talk);
    clearInterval(speak);
    expect(mostQueued).toBeGreaterThan(200_000);
    expect(mostQueued).toBeLessThanOrEqual(300_000);
    expect(node.faults).toEqual(["peer-not-reading"]);
    expect(node.network.queuedBytes(low.publicKey)).toBe(0);
    socket.destroy();
  });

  it("takes frames without content for a sign of life, and many of them for a flood", async () => {
    const [low, high] = identities(2) as [NodeIdentity, NodeIdentity];
    const node = await startNode(high);
    const socket = await handmade(node, low);
    for (let count = 0; count < 20; count++) socket.write(encodeFrame(new Uint8Array(0)));
    await until(() => expect(node.frames).toHaveLength(4));
    socket.destroy();
  });

  it("hands on nothing more of a peer that was banned for what it said before, though it came with that", async () => {
    const [low, high] = identities(2) as [NodeIdentity, NodeIdentity];
    const node = await startNode(high, {}, (network, peer) => network.punish(peer, 100));
    const socket = await handmade(node, low);
    const ended = once(socket, "close");
    socket.write(Buffer.concat(["wrong", "more", "rest"].map((text) => encodeFrame(Buffer.from(text)))));
    await ended;
    expect(node.frames).toEqual([`${low.publicKey.slice(0, 4)}:wrong`]);
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
