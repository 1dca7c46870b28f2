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
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/**
 * A free port for every name: the wanted one, or the next free one above it. With `exact` a taken port is an
 * error that names it.
 */
export async function choosePorts(
  wanted: ReadonlyMap<string, number>,
  options: { readonly exact?: boolean } = {},
): Promise<PortChoice[]> {
  const taken = new Set<number>();
  const choices: PortChoice[] = [];
  for (const [name, first] of wanted) {
    const port = await firstFree(first, taken, options.exact === true ? 1 : SEARCH_SPAN);
    if (port === undefined) {
      throw new CodedError({
        code: "port-taken",
        kind: "conflict",
        message: `Port ${first} (${name}) is taken by another program. Stop it, or choose others with --port-base.`,
        details: { name, port: first },
      });
    }
    taken.add(port);
    choices.push({ name, wanted: first, port });
  }
  return choices;
}

async function firstFree(
  first: number,
  taken: ReadonlySet<number>,
  span: number,
): Promise<number | undefined> {
  for (let port = first; port < first + span && port < 65_536; port++) {
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  return undefined;
}
