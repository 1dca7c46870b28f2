import { createServer } from "node:net";
import { CodedError } from "@aios/kernel/coded-error";

export interface PortChoice {
  readonly name: string;
  readonly wanted: number;
  readonly port: number;
}

/** How far above the wanted port the launcher looks before it gives up. */
const SEARCH_SPAN = 200;

/** True when nothing listens on the port of this machine's loopback and wildcard addresses. */
export async function isPortFree(port: number): Promise<boolean> {
  for (const host of ["127.0.0.1", "0.0.0.0"]) {
    if (!(await canListen(port, host))) return false;
  }
  return true;
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/**
 * A port for every name: the wanted one where it is free, else the next free one above it that nobody wants. Throws
 * `port-taken` where there is none near.
 */
export async function choosePorts(wanted: ReadonlyMap<string, number>): Promise<PortChoice[]> {
  const spoken = new Set(wanted.values());
  const choices: PortChoice[] = [];
  for (const [name, first] of wanted) {
    const port = (await isPortFree(first)) ? first : await nextFree(first, spoken);
    if (port === undefined) {
      throw new CodedError({
        code: "port-taken",
        kind: "conflict",
        message: `Port ${first} (${name}) and the ${SEARCH_SPAN} above it are taken by other programs. Stop them, or choose other ports with --port-base.`,
        details: { name, port: first },
      });
    }
    spoken.add(port);
    choices.push({ name, wanted: first, port });
  }
  return choices;
}

async function nextFree(above: number, spoken: ReadonlySet<number>): Promise<number | undefined> {
  for (let port = above + 1; port <= Math.min(above + SEARCH_SPAN, 65_535); port++) {
    if (!spoken.has(port) && (await isPortFree(port))) return port;
  }
  return undefined;
}
