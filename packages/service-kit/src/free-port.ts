import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that systems give to outgoing connections (from 32768 on Linux, from 49152 on macOS): one of those may be
 * taken by any program that connects before the one that asked for it listens. Above those that browsers refuse.
 */
const FIRST_PORT = 11_000;
const PORT_COUNT = 9_000;

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
  const probe = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
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
