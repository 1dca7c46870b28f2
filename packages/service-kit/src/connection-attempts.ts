import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** The kernel sends its first packet again after 1 s and after 3 s: who answers none of the three is not there. */
const ANSWERED_WITHIN_MS = 5_000;
const CLIENT_SOCKETS = "net.client.socket";

/**
 * Ends each attempt of this process to connect over TCP that nobody answers within the time, as `ETIMEDOUT`. The kernel
 * alone goes on for two minutes, at intervals that double: whoever began while a network was cut would find it mended only
 * after as long again as the cut had lasted. gRPC's own attempts have no limit.
 */
export function limitConnectionAttempts(answeredWithinMs = ANSWERED_WITHIN_MS): Disposable {
  const watch = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    const limit = setTimeout(() => {
      if (socket.connecting) socket.destroy(nobodyAnswered(answeredWithinMs));
    }, answeredWithinMs);
    limit.unref();
    const settled = (): void => clearTimeout(limit);
    socket.once("connect", settled).once("close", settled);
  };
  subscribe(CLIENT_SOCKETS, watch);
  return { [Symbol.dispose]: () => unsubscribe(CLIENT_SOCKETS, watch) };
}

function nobodyAnswered(withinMs: number): Error {
  return Object.assign(new Error(`nobody answered the connection within ${withinMs} ms`), {
    code: "ETIMEDOUT",
    syscall: "connect",
  });
}
