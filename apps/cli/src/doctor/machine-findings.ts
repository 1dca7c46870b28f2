import { access, constants, statfs } from "node:fs/promises";
import { connect } from "node:net";
import { availableParallelism, freemem, totalmem } from "node:os";
import { USUAL_PORTS } from "@aios/service-kit/local-instance";
import { type Finding, ok, problem, warning } from "./finding.js";

const GIB = 1024 ** 3;
const NEEDED_DISK_BYTES = 2 * GIB;
const NEEDED_MEMORY_BYTES = 2.5 * GIB;
const MINIMUM_NODE = 22;
const CONNECT_TIMEOUT_MS = 500;

export function nodeFinding(version: string): Finding {
  const major = Number(version.split(".")[0]);
  if (major >= MINIMUM_NODE) return ok("node", `Node ${version}`);
  return problem(
    "node",
    `Node ${version} runs this; ${MINIMUM_NODE} or newer is needed.`,
    "Start it by 'npm run aios', which brings the pinned Node 24 along.",
  );
}

export async function diskFinding(directory: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  const text = `${(free / GIB).toFixed(1)} GiB free at ${directory}`;
  try {
    await access(directory, constants.W_OK);
  } catch {
    return problem(
      "disk",
      `${directory} cannot be written to.`,
      `Give this user the right to write there, or clone elsewhere.`,
    );
  }
  return free >= NEEDED_DISK_BYTES
    ? ok("disk", text)
    : problem(
        "disk",
        text,
        "Free at least 2 GiB: databases and contents stop the platform when the disk is full.",
      );
}

export function memoryFinding(free = freemem(), total = totalmem(), cores = availableParallelism()): Finding {
  const text = `${(free / GIB).toFixed(1)} of ${(total / GIB).toFixed(1)} GiB free, ${cores} cores`;
  if (total < NEEDED_MEMORY_BYTES)
    return problem("memory", text, "All processes together need 2.5 GiB: use a larger machine.");
  return free < NEEDED_MEMORY_BYTES / 2
    ? warning("memory", text, "Close other programs; the platform takes up to 2.5 GiB.")
    : ok("memory", text);
}

/** Before a start: whether somebody has a port that it would like. */
export async function portFindings(ports: ReadonlyMap<string, number> = USUAL_PORTS): Promise<Finding[]> {
  const wanted = await Promise.all(
    [...ports].map(async ([owner, port]) => ({ owner, port, listening: await isListening(port) })),
  );
  const busy = wanted.filter((each) => each.listening);
  if (busy.length === 0) return [ok("ports", `all ${ports.size} usual ports are free`)];
  return busy.map(({ owner, port }) =>
    warning(
      "ports",
      `Port ${port} (${owner}) is taken, and no platform answers at the gateway's address.`,
      `Find who listens with 'ss -ltnp sport = :${port}' and end it, or let 'npm start' choose another port.`,
    ),
  );
}

/** Of a platform that runs: which of its ports are not the usual ones. */
export function movedPortsFinding(ports: Readonly<Record<string, number>> | undefined): Finding {
  if (ports === undefined)
    return ok("ports", "the platform that answers was not started here; its ports were not looked at");
  const moved = Object.entries(ports).filter(([name, port]) => USUAL_PORTS.get(name) !== port);
  return moved.length === 0
    ? ok("ports", `all ${USUAL_PORTS.size} are the usual ones`)
    : ok("ports", `not the usual ones: ${moved.map(([name, port]) => `${name} ${port}`).join(", ")}`);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: CONNECT_TIMEOUT_MS });
    const end = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}
