import { once } from "node:events";
import { createServer } from "node:net";
import { CodedError } from "@aios/kernel/coded-error";
import type { HonorOptions } from "./node/honor-options.js";

/**
 * Listens where a node does, so that it neither runs nor starts until what this answers is called. Throws `node-running`.
 */
export async function holdPort({ host, port }: HonorOptions["listen"]): Promise<() => Promise<void>> {
  // A peer that dials meanwhile is hung up on: a connection that nobody reads would keep the port from being let go.
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, "listening");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
    throw new CodedError({
      code: "node-running",
      kind: "conflict",
      message: "Something listens where this node does: stop it before its chain is replaced.",
      details: { port },
      cause,
    });
  }
  return async () => {
    server.close();
    await once(server, "close");
  };
}
