import { once } from "node:events";
import { connect, createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import type { Clock } from "@aios/kernel/clock";
import { isCodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { encodeFrame, FrameDecoder } from "./frame-codec.js";
import { keyOfCertificate, type NodeIdentity } from "./node-certificate.js";
import { type PeerScore, PeerScores, type ScoreSettings } from "./peer-scores.js";
import { SendQueue } from "./send-queue.js";

/** A peer that may take part: its node key, and where it listens. */
export interface Peer {
  readonly publicKey: string;
  readonly host: string;
  readonly port: number;
}

export interface PeerNetworkSettings {
  readonly identity: NodeIdentity;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly maxFrameBytes: number;
  /** For each peer. */
  readonly maxQueueBytes: number;
  /**
   * A stream on which a peer says nothing for so long, or reads nothing of what is sent, ends. With peers that agreed on a protocol
   * frames without content keep it up.
   */
  readonly idleMs: number;
  /**
   * Protocols that this node speaks, the best first. Each stream agrees on one when it is made (ALPN); a peer that knows of none is
   * of a build before there were any, one that knows only others is refused.
   */
  readonly protocols: readonly string[];
  readonly handshakeMs: number;
  /** Between two attempts to dial a peer; twice as long after each that reached nobody, up to `maxRedialMs`. */
  readonly redialMs: number;
  readonly maxRedialMs: number;
  /** Connections whose handshake is not done yet. */
  readonly maxHandshakes: number;
  readonly scores: ScoreSettings;
  /** Points that a peer gets for what it does to its stream. */
  readonly penalties: Readonly<Record<StreamFault, number>>;
}

/** What ends a stream: a frame that is too large, a peer that does not say anything, or does not read. */
export type StreamFault = "frame-too-large" | "peer-silent" | "peer-not-reading";

export interface PeerNetworkCounters {
  received: number;
  sent: number;
  dropped: number;
  refused: number;
  /** Streams that failed since both sides speak no common protocol. */
  incompatible: number;
}

interface Link {
  readonly socket: TLSSocket;
  readonly queue: SendQueue;
  /** What both sides speak; undefined with a build that knows of no protocols. */
  readonly protocol: string | undefined;
  /** Since when it takes nothing more. */
  blockedSinceMs: number | undefined;
  heardAtMs: number;
  /** Since the last look. */
  emptyFrames: number;
}

/** Streams are looked at so often within `idleMs`. */
const LOOKS = 4;
/** Frames without content that are let through between two looks: those of some that were held up on the way. */
const MAX_EMPTY_FRAMES = 16;
const NO_CONTENT = encodeFrame(new Uint8Array(0));
const NO_COMMON_PROTOCOL = /NO_APPLICATION_PROTOCOL/;

/**
 * Streams between nodes that know each other's keys: TLS 1.3, both sides authenticated by node key, frames of bounded size,
 * bounded queues. Of two nodes the one with the lower key dials, so that there is one stream between them. Whoever is not in the
 * peer book, or is banned, is refused in the handshake's end, before a frame is read.
 *
 * Delivery is not guaranteed: what a peer is too slow for is dropped, oldest first, and counted.
 */
export class PeerNetwork {
  readonly counters: PeerNetworkCounters = { received: 0, sent: 0, dropped: 0, refused: 0, incompatible: 0 };
  readonly #settings: PeerNetworkSettings;
  readonly #clock: Clock;
  readonly #onFrame: (peer: string, frame: Uint8Array) => void;
  readonly #onFault: (peer: string, fault: StreamFault) => void;
  readonly #scores: PeerScores;
  readonly #book = new Map<string, Peer>();
  readonly #links = new Map<string, Link>();
  readonly #stopping = new AbortController();
  /** By key, what goes on dialling, and what ends that. */
  readonly #dialling = new Map<string, AbortController>();
  readonly #ended = new Set<Promise<void>>();
  readonly #handshakes = new Set<TLSSocket>();
  #server: Server | undefined;

  constructor(
    settings: PeerNetworkSettings,
    clock: Clock,
    onFrame: (peer: string, frame: Uint8Array) => void,
    onFault: (peer: string, fault: StreamFault) => void = () => undefined,
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#onFrame = onFrame;
    this.#onFault = onFault;
    this.#scores = new PeerScores(settings.scores);
  }

  /** Peers with a stream now. */
  get connected(): string[] {
    return [...this.#links.keys()];
  }

  /** What a peer with a stream speaks; undefined for a build that knows of no protocols. */
  protocolOf(peer: string): string | undefined {
    return this.#links.get(peer)?.protocol;
  }

  /** Peers that have points now. */
  get scores(): ReadonlyMap<string, PeerScore> {
    return this.#scores.all(this.#clock.now());
  }

  /** Bytes that wait for a peer to read. */
  queuedBytes(peer: string): number {
    return this.#links.get(peer)?.queue.bytes ?? 0;
  }

  /** Listens. Returns the port. */
  async start(): Promise<number> {
    const { host, port, handshakeMs } = this.#settings;
    const server = createServer({ ...this.#tls, handshakeTimeout: handshakeMs }, (socket) =>
      this.#accepted(socket),
    );
    server.maxConnections = this.#settings.scores.maxPeers + this.#settings.maxHandshakes;
    server.on("tlsClientError", (error: NodeJS.ErrnoException) => this.#handshakeFailed(error));
    this.#server = server;
    this.#while(this.#watch());
    server.listen(port, host);
    await once(server, "listening");
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }

  /** Adds a peer to the book, or moves it; dials it where that is this node's part. */
  add(peer: Peer): void {
    const { publicKey: key, host, port } = peer;
    const known = this.#book.get(key);
    this.#book.set(key, peer);
    if (this.#settings.identity.publicKey >= key || this.#stopping.signal.aborted) return;
    if (known?.host === host && known.port === port) return;
    this.#stopDialling(key);
    const control = new AbortController();
    this.#dialling.set(key, control);
    this.#while(this.#keepDialling(key, AbortSignal.any([control.signal, this.#stopping.signal])));
  }

  /** What `stop` waits for. */
  #while(work: Promise<void>): void {
    this.#ended.add(work);
    void work.finally(() => this.#ended.delete(work));
  }

  /** Takes a peer out of the book: it loses its stream, and is neither dialled nor let in any more. */
  remove(peer: string): void {
    this.#book.delete(peer);
    this.#stopDialling(peer);
    this.#links.get(peer)?.socket.destroy();
  }

  #stopDialling(peer: string): void {
    this.#dialling.get(peer)?.abort();
    this.#dialling.delete(peer);
  }

  /** Sends to one peer, or to all; what nobody can take now is dropped and counted. */
  send(peer: string | undefined, payload: Uint8Array): void {
    const frame = encodeFrame(payload);
    if (peer === undefined) for (const link of this.#links.values()) this.#enqueue(link, frame);
    else {
      const link = this.#links.get(peer);
      if (link === undefined) this.counters.dropped += 1;
      else this.#enqueue(link, frame);
    }
  }

  /** Gives points to a peer; banned ones lose their stream. */
  punish(peer: string, points: number): void {
    if (this.#scores.punish(peer, points, this.#clock.now())) this.#links.get(peer)?.socket.destroy();
  }

  /** Closes everything and waits for it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { socket } of this.#links.values()) socket.destroy();
    for (const socket of this.#handshakes) socket.destroy();
    const server = this.#server;
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
    await Promise.all(this.#ended);
  }

  get #tls(): Pick<
    TlsOptions,
    "key" | "cert" | "minVersion" | "requestCert" | "rejectUnauthorized" | "ALPNProtocols"
  > {
    const { identity, protocols } = this.#settings;
    const { privateKeyPem, certificatePem } = identity;
    // Certificates name nobody: who is meant is decided by their key, against the peer book.
    return {
      key: privateKeyPem,
      cert: certificatePem,
      minVersion: "TLSv1.3",
      requestCert: true,
      rejectUnauthorized: false,
      ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
    };
  }

  #handshakeFailed({ code, message }: NodeJS.ErrnoException): void {
    if (NO_COMMON_PROTOCOL.test(code ?? message)) this.counters.incompatible += 1;
    else this.counters.refused += 1;
  }

  #accepted(socket: TLSSocket): void {
    const peer = this.#authenticated(socket);
    if (peer !== undefined && peer < this.#settings.identity.publicKey) this.#open(peer, socket);
    else this.#refuse(socket);
  }

  #refuse(socket: TLSSocket): void {
    this.counters.refused += 1;
    socket.on("error", () => undefined);
    socket.destroy();
  }

  /** The peer's key, if it is in the book and not banned. */
  #authenticated(socket: TLSSocket): string | undefined {
    const certificate = socket.getPeerX509Certificate();
    const key = certificate === undefined ? undefined : keyOfCertificate(certificate);
    if (key === undefined || !this.#book.has(key)) return undefined;
    return this.#scores.isBanned(key, this.#clock.now()) ? undefined : key;
  }

  async #keepDialling(key: string, signal: AbortSignal): Promise<void> {
    const { redialMs, maxRedialMs } = this.#settings;
    let waitMs = redialMs;
    while (!signal.aborted) {
      const peer = this.#book.get(key);
      const isReached =
        peer !== undefined &&
        !this.#scores.isBanned(key, this.#clock.now()) &&
        (await this.#dial(peer, signal));
      if (isReached) waitMs = redialMs;
      await this.#clock.wait(durationMs(waitMs), signal).catch(() => undefined);
      waitMs = Math.min(2 * waitMs, maxRedialMs);
    }
  }

  /** One stream from its beginning to its end. Whether the peer answered at all. */
  async #dial({ publicKey, host, port }: Peer, signal: AbortSignal): Promise<boolean> {
    const socket = connect({ ...this.#tls, host, port, timeout: this.#settings.handshakeMs });
    let isReached = false;
    const give = (): void => void socket.destroy();
    signal.addEventListener("abort", give, { once: true });
    this.#handshakes.add(socket);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (NO_COMMON_PROTOCOL.test(error.code ?? error.message)) this.counters.incompatible += 1;
    });
    socket.once("timeout", () => socket.destroy());
    socket.once("secureConnect", () => {
      this.#handshakes.delete(socket);
      isReached = this.#authenticated(socket) === publicKey;
      if (isReached) this.#open(publicKey, socket);
      else this.#refuse(socket);
    });
    await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    this.#handshakes.delete(socket);
    signal.removeEventListener("abort", give);
    return isReached;
  }

  #open(peer: string, socket: TLSSocket): void {
    // A new stream takes the place of one whose end did not get through.
    this.#links.get(peer)?.socket.destroy();
    const link: Link = {
      socket,
      queue: new SendQueue(this.#settings.maxQueueBytes),
      protocol: typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : undefined,
      blockedSinceMs: undefined,
      heardAtMs: this.#clock.now(),
      emptyFrames: 0,
    };
    this.#links.set(peer, link);
    const decoder = new FrameDecoder(this.#settings.maxFrameBytes);
    socket.setNoDelay(true);
    socket.setTimeout(this.#settings.idleMs, () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => this.#received(peer, link, decoder, chunk));
    socket.on("drain", () => {
      link.blockedSinceMs = undefined;
      this.#flush(link);
    });
    socket.once("close", () => {
      if (this.#links.get(peer) === link) this.#links.delete(peer);
    });
  }

  #received(peer: string, link: Link, decoder: FrameDecoder, chunk: Buffer): void {
    link.heardAtMs = this.#clock.now();
    try {
      for (const frame of decoder.push(chunk)) {
        // For what it said before, it may have been banned.
        if (link.socket.destroyed) return;
        if (isKeepAlive(link, frame)) continue;
        this.counters.received += 1;
        this.#onFrame(peer, frame);
      }
    } catch (error) {
      if (!isCodedError(error) || error.code !== "frame-too-large") throw error;
      this.#end(peer, link, "frame-too-large");
    }
  }

  #end(peer: string, { socket }: Link, fault: StreamFault): void {
    socket.destroy();
    this.#onFault(peer, fault);
    this.punish(peer, this.#settings.penalties[fault]);
  }

  /** Keeps streams up, and ends those of peers that do not say or read anything any more: nothing else would tell. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    const everyMs = Math.ceil(this.#settings.idleMs / LOOKS);
    for (let lookedAtMs = this.#clock.now(); !signal.aborted; lookedAtMs = this.#clock.now()) {
      await this.#clock.wait(durationMs(everyMs), signal).catch(() => undefined);
      if (signal.aborted) return;
      const wasHeldUp = this.#clock.now() - lookedAtMs > 2 * everyMs;
      for (const [peer, link] of this.#links)
        if (wasHeldUp) this.#excuse(link);
        else this.#look(peer, link);
    }
  }

  /** This process stood still: what peers said meanwhile is still to be read. */
  #excuse(link: Link): void {
    link.heardAtMs = this.#clock.now();
    if (link.blockedSinceMs !== undefined) link.blockedSinceMs = link.heardAtMs;
  }

  #look(peer: string, link: Link): void {
    const sinceMs = this.#clock.now() - this.#settings.idleMs;
    link.emptyFrames = 0;
    if (link.blockedSinceMs !== undefined && link.blockedSinceMs < sinceMs)
      this.#end(peer, link, "peer-not-reading");
    // Builds without protocols keep nothing up: silence of theirs says nothing.
    else if (link.protocol !== undefined && link.heardAtMs < sinceMs) this.#end(peer, link, "peer-silent");
    else if (link.protocol !== undefined) this.#enqueue(link, NO_CONTENT);
  }

  #enqueue(link: Link, frame: Buffer): void {
    this.counters.dropped += link.queue.push(frame);
    this.#flush(link);
  }

  #flush(link: Link): void {
    while (link.blockedSinceMs === undefined && !link.socket.destroyed) {
      const frame = link.queue.shift();
      if (frame === undefined) return;
      this.counters.sent += 1;
      if (!link.socket.write(frame)) link.blockedSinceMs = this.#clock.now();
    }
  }
}

/** A frame without content, of which an honest peer sends few. */
function isKeepAlive(link: Link, frame: Uint8Array): boolean {
  if (frame.length > 0 || link.protocol === undefined) return false;
  link.emptyFrames += 1;
  return link.emptyFrames <= MAX_EMPTY_FRAMES;
}
