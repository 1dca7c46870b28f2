import { once } from "node:events";
import { connect, createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import type { Clock } from "@aios/kernel/clock";
import { isCodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { encodeFrame, FrameDecoder } from "./frame-codec.js";
import { keyOfCertificate, type NodeIdentity } from "./node-certificate.js";
import { type Offence, PeerScores, type ScoreSettings } from "./peer-scores.js";
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
  /** A peer that says nothing for so long is dialled anew. */
  readonly idleMs: number;
  readonly handshakeMs: number;
  /** Between two attempts to dial a peer; twice as long after each that reached nobody, up to `maxRedialMs`. */
  readonly redialMs: number;
  readonly maxRedialMs: number;
  /** Connections whose handshake is not done yet. */
  readonly maxHandshakes: number;
  readonly scores: ScoreSettings;
}

export interface PeerNetworkCounters {
  received: number;
  sent: number;
  dropped: number;
  refused: number;
}

interface Link {
  readonly socket: TLSSocket;
  readonly queue: SendQueue;
  isBlocked: boolean;
}

/**
 * Streams between nodes that know each other's keys: TLS 1.3, both sides authenticated by node key, frames of bounded size,
 * bounded queues. Of two nodes the one with the lower key dials, so that there is one stream between them. Whoever is not in the
 * peer book, or is banned, is refused in the handshake's end, before a frame is read.
 *
 * Delivery is not guaranteed: what a peer is too slow for is dropped, oldest first, and counted.
 */
export class PeerNetwork {
  readonly counters: PeerNetworkCounters = { received: 0, sent: 0, dropped: 0, refused: 0 };
  readonly #settings: PeerNetworkSettings;
  readonly #clock: Clock;
  readonly #onFrame: (peer: string, frame: Uint8Array) => void;
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
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#onFrame = onFrame;
    this.#scores = new PeerScores(settings.scores);
  }

  /** Peers with a stream now. */
  get connected(): string[] {
    return [...this.#links.keys()];
  }

  /** Listens. Returns the port. */
  async start(): Promise<number> {
    const { host, port, handshakeMs } = this.#settings;
    const server = createServer({ ...this.#tls, handshakeTimeout: handshakeMs }, (socket) =>
      this.#accepted(socket),
    );
    server.maxConnections = this.#settings.scores.maxPeers + this.#settings.maxHandshakes;
    server.on("tlsClientError", () => {
      this.counters.refused += 1;
    });
    this.#server = server;
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
    const ended = this.#keepDialling(key, AbortSignal.any([control.signal, this.#stopping.signal]));
    this.#ended.add(ended);
    void ended.finally(() => this.#ended.delete(ended));
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

  /** Counts an offence of a peer; banned ones lose their stream. */
  punish(peer: string, offence: Offence): void {
    if (this.#scores.punish(peer, offence, this.#clock.now())) this.#links.get(peer)?.socket.destroy();
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

  get #tls(): Pick<TlsOptions, "key" | "cert" | "minVersion" | "requestCert" | "rejectUnauthorized"> {
    const { privateKeyPem, certificatePem } = this.#settings.identity;
    // Certificates name nobody: who is meant is decided by their key, against the peer book.
    return {
      key: privateKeyPem,
      cert: certificatePem,
      minVersion: "TLSv1.3",
      requestCert: true,
      rejectUnauthorized: false,
    };
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
    socket.on("error", () => undefined);
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
    const link: Link = { socket, queue: new SendQueue(this.#settings.maxQueueBytes), isBlocked: false };
    this.#links.set(peer, link);
    const decoder = new FrameDecoder(this.#settings.maxFrameBytes);
    socket.setNoDelay(true);
    socket.setTimeout(this.#settings.idleMs, () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => this.#received(peer, socket, decoder, chunk));
    socket.on("drain", () => {
      link.isBlocked = false;
      this.#flush(link);
    });
    socket.once("close", () => {
      if (this.#links.get(peer) === link) this.#links.delete(peer);
    });
  }

  #received(peer: string, socket: TLSSocket, decoder: FrameDecoder, chunk: Buffer): void {
    try {
      for (const frame of decoder.push(chunk)) {
        this.counters.received += 1;
        this.#onFrame(peer, frame);
      }
    } catch (error) {
      if (!isCodedError(error) || error.code !== "frame-too-large") throw error;
      this.punish(peer, "frame-too-large");
      socket.destroy();
    }
  }

  #enqueue(link: Link, frame: Buffer): void {
    this.counters.dropped += link.queue.push(frame);
    this.#flush(link);
  }

  #flush(link: Link): void {
    while (!link.isBlocked && !link.socket.destroyed) {
      const frame = link.queue.shift();
      if (frame === undefined) return;
      this.counters.sent += 1;
      link.isBlocked = !link.socket.write(frame);
    }
  }
}
