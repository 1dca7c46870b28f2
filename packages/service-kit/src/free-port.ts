import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that Linux (from 32768), macOS and Windows (from 49152) give to outgoing connections, and below what
 * Kubernetes gives to services (from 30000): a port out of those may be taken by any program that connects before the
 * one that asked for it listens.
 */
const FIRST_PORT = 20_000;
const PORT_COUNT = 10_000;

/** Where this process looks next; another process begins elsewhere, so that two seldom meet. */
let next = randomInt(PORT_COUNT);

/**
 * A TCP port of the loopback address that was free a moment ago, that no connection of this machine will get by itself,
 * and that this process has not been given lately.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORT_COUNT; attempt++) {
    const port = FIRST_PORT + next;
    next = (next + 1) % PORT_COUNT;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FIRST_PORT} to ${FIRST_PORT + PORT_COUNT - 1} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, "127.0.0.1");
  try {
    await once(probe, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
  probe.close();
  await once(probe, "close");
  return true;
}
