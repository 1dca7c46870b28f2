import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * From the moment `leaving` aborts, every answer of the server says `Connection: close` and ends its connection
 * (RFC 9112 §9.6), so that a client with kept-alive connections opens the next one elsewhere; new connections are still
 * accepted. Answers whose head has been sent keep their connection for one more request.
 */
export function closeConnectionsWithAnswers(server: Server, leaving: AbortSignal): void {
  const unanswered = new Set<ServerResponse>();
  const close = (response: ServerResponse): void => {
    response.shouldKeepAlive = false;
  };
  server.prependListener("request", (_request, response) => {
    if (leaving.aborted) return close(response);
    unanswered.add(response);
    response.once("close", () => unanswered.delete(response));
  });
  leaving.addEventListener("abort", () => unanswered.forEach(close), { once: true });
}

/**
 * Cuts what a closing server still waits for when the time is over: requests without an end and connections that were
 * upgraded. Make it before the server listens.
 */
export class HttpCutOff {
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /** Runs the server's `close`; after `timeoutMs` nothing is left for it to wait for. */
  async during(close: () => Promise<void>, timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, timeoutMs);
    try {
      await close();
    } finally {
      clearTimeout(timer);
    }
  }
}
