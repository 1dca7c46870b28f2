import { access, constants, statfs } from "node:fs/promises";
import { connect } from "node:net";
import { availableParallelism, freemem, totalmem } from "node:os";
import { type Finding, ok, problem, warning } from "./finding.js";

const GIB = 1024 ** 3;
const NEEDED_DISK_BYTES = 2 * GIB;
const NEEDED_MEMORY_BYTES = 2.5 * GIB;
const MINIMUM_NODE = 22;
const CONNECT_TIMEOUT_MS = 500;

/** Ports that the platform takes by default, and who listens there. */
export const DEFAULT_PORTS: readonly (readonly [string, number])[] = [
  ["gateway", 8080],
  ["consensus (JSON-RPC)", 8545],
  ["consensus", 50051],
  ["storage", 50052],
  ["compute", 50053],
  ["zk-prover", 50054],
  ["marketplace", 50055],
  ["economy", 50056],
  ["scoring", 50057],
  ["PostgreSQL", 54329],
  ["storage (libp2p)", 4001],
];

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

/** While the platform runs its ports are taken by it; otherwise a taken port is somebody else's. */
export async function portFindings(platformRuns: boolean, ports = DEFAULT_PORTS): Promise<Finding[]> {
  const taken = await Promise.all(
    ports.map(async ([owner, port]) => ({ owner, port, listening: await isListening(port) })),
  );
  const busy = taken.filter((each) => each.listening);
  if (platformRuns)
    return [
      ok("ports", `${busy.length} of ${ports.length} default ports are in use while the platform runs`),
    ];
  if (busy.length === 0) return [ok("ports", `all ${ports.length} default ports are free`)];
  return busy.map(({ owner, port }) =>
    warning(
      "ports",
      `Port ${port} (${owner}) is taken, and no platform answers at the gateway's address.`,
      `Find who listens with 'ss -ltnp sport = :${port}', end it, or let 'npm start' choose another port.`,
    ),
  );
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
