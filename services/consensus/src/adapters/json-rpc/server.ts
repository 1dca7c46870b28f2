import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { closeConnectionsWithAnswers } from "@aios/service-kit/http-drain";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import type { ChainNews } from "../../application/chain-events.js";
import type { BlockReader } from "../../domain/ports.js";
import type { RpcDispatcher } from "./dispatcher.js";
import { ConnectionSubscriptions } from "./subscriptions.js";

const HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "POST, OPTIONS",
  "access-control-allow-headers": "content-type",
} as const;
const TOO_LARGE = '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"request body too large"}}';
/** How often connections are looked at for what they owe: the time-outs hold to within it. */
const CHECKING_INTERVAL_MS = 2_000;
/** Of a body that is too large, so much more is thrown away, for so long, before its connection is closed. */
const LINGER_BYTES = 64 * 1_024 * 1_024;
const LINGER_MS = 5_000;
const MAX_QUEUED_PER_CONNECTION = 1_000;
const CLOSE_GRACE_MS = 2_000;
const POLICY_VIOLATION = 1008;
const GOING_AWAY = 1001;

/** JSON-RPC on one port: HTTP POST and WebSocket. */
export class RpcServer {
  readonly #http: Server;
  readonly #sockets: WebSocketServer;

  constructor(
    private readonly dispatcher: RpcDispatcher,
    private readonly news: ChainNews,
    private readonly blocks: Pick<BlockReader, "blockWithReceipts">,
    leaving: AbortSignal,
  ) {
    const { limits } = dispatcher;
    this.#http = createServer(
      { connectionsCheckingInterval: CHECKING_INTERVAL_MS },
      (request, response) => void this.#onRequest(request, response),
    );
    closeConnectionsWithAnswers(this.#http, leaving);
    this.#http.maxConnections = limits.maxConnections;
    this.#http.requestTimeout = 30_000;
    this.#http.headersTimeout = 10_000;
    this.#http.keepAliveTimeout = 30_000;
    this.#sockets = new WebSocketServer({
      server: this.#http,
      maxPayload: limits.maxBodyBytes,
      perMessageDeflate: false,
    });
    this.#sockets.on("connection", (socket) => this.#onConnection(socket));
    // The HTTP server reports the same error to whoever listens.
    this.#sockets.on("error", () => undefined);
  }

  async listen(host: string, port: number): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen(port, host, () => {
        this.#http.off("error", reject);
        resolve();
      });
    });
    return this.#http.address() as AddressInfo;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.close(GOING_AWAY, "the node is stopping");
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeIdleConnections();
    const force = setTimeout(() => {
      for (const socket of this.#sockets.clients) socket.terminate();
      this.#http.closeAllConnections();
    }, CLOSE_GRACE_MS);
    await closed;
    clearTimeout(force);
    this.#sockets.close();
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "OPTIONS") {
      response.writeHead(204, HEADERS).end();
      return;
    }
    if (request.method !== "POST") {
      response.writeHead(405, { ...HEADERS, allow: "POST, OPTIONS" }).end();
      return;
    }
    const chunks: Buffer[] = [];
    const body = await readBody(request, this.dispatcher.limits.maxBodyBytes, (chunk) => chunks.push(chunk));
    if (body === "aborted") return;
    if (body === "too-large") {
      await this.#refuseBody(request, response);
      return;
    }
    const answer = await this.dispatcher.handle(Buffer.concat(chunks).toString("utf8"));
    if (answer === undefined) response.writeHead(204, HEADERS).end();
    else response.writeHead(200, { ...HEADERS, "content-type": "application/json" }).end(answer);
  }

  /**
   * A connection that is closed over unread bytes is reset, and the answer lost with it: what is still under way is read first,
   * within bounds (nginx's `lingering_close`).
   */
  async #refuseBody(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = { ...HEADERS, "content-type": "application/json", "content-length": TOO_LARGE.length };
    response.writeHead(413, { ...headers, connection: "close" }).write(TOO_LARGE);
    const hangUp = setTimeout(() => request.destroy(), LINGER_MS);
    await readBody(request, LINGER_BYTES, () => undefined);
    clearTimeout(hangUp);
    response.end();
  }

  #onConnection(socket: WebSocket): void {
    const { limits } = this.dispatcher;
    const send = (text: string): void => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (socket.bufferedAmount > limits.maxBufferedBytes) socket.terminate();
      else socket.send(text);
    };
    const subscriptions = new ConnectionSubscriptions(
      this.news,
      this.blocks,
      send,
      limits.maxSubscriptionsPerConnection,
    );
    let [queued, queuedBytes] = [0, 0];
    // One at a time and in order: an answer to eth_subscribe precedes its first notice.
    let tail: Promise<void> = Promise.resolve();
    socket.on("message", (message) => {
      if (++queued > MAX_QUEUED_PER_CONNECTION) {
        socket.close(POLICY_VIOLATION, "too many requests wait");
        return;
      }
      const text = textOf(message);
      queuedBytes += text.length;
      if (queuedBytes > limits.maxBodyBytes) socket.pause();
      tail = tail.then(async () => {
        const answer = await this.dispatcher.handle(text, subscriptions.methods);
        queued--;
        queuedBytes -= text.length;
        if (socket.isPaused && queuedBytes <= limits.maxBodyBytes) socket.resume();
        if (answer !== undefined) send(answer);
      });
    });
    socket.on("error", () => socket.terminate());
    socket.on("close", () => subscriptions.close());
  }
}

function textOf(message: RawData): string {
  if (Array.isArray(message)) return Buffer.concat(message).toString("utf8");
  return message instanceof ArrayBuffer ? Buffer.from(message).toString("utf8") : message.toString("utf8");
}

/** Hands on the bytes of a body. What is beyond the limit is left unread. */
async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  take: (chunk: Buffer) => void,
): Promise<"whole" | "too-large" | "aborted"> {
  let size = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) return "too-large";
      take(chunk);
    }
  } catch {
    return "aborted";
  }
  return "whole";
}
