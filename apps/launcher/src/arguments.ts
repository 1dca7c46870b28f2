import { join } from "node:path";
import { parseArgs } from "node:util";
import { isSetSize } from "@aios/core-committee/honor-set";
import { CodedError } from "@aios/kernel/coded-error";

export interface LauncherArguments {
  readonly help: boolean;
  /** Stop after the main job, with exit code 0 or 1. */
  readonly once: boolean;
  /** Wipe the state of earlier starts first. */
  readonly fresh: boolean;
  /** Start the platform without running the main job. */
  readonly idle: boolean;
  readonly dataDir: string;
  readonly portBase: number | undefined;
  /** Honor nodes that finalise a new chain, 1: one node makes its blocks; undefined: what the chain began with, or the usual. */
  readonly honorNodes: number | undefined;
  /** File of powers of tau for UltraHonk on a new chain; undefined: what the chain began with, or the development string. */
  readonly honkPowers: string | undefined;
}

export const USAGE = `npm start -- [options]

  Starts AiOS on this machine, runs the main job on real input and leaves the platform up.

  --once              stop after the main job; exit code 0 when it went through, else 1
  --idle              start the platform without running the main job
  --fresh             wipe the state of earlier starts first, after saying what
  --data-dir DIR      where state, keys and logs live (default: .aios/data)
  --honor-nodes N     how many honor nodes finalise a new chain by certificates, each a process of its own: 4 (the
                      default), or a multiple of three from 6 up; 1: one node makes the blocks and alone decides what
                      is final, with less memory; a chain keeps what it began with
  --honk-powers FILE  powers of tau (snarkjs' format) under which UltraHonk proofs are made and verified on a new chain;
                      take a file whose SHA-256 you compared with its ceremony's; left out: the development string,
                      under which everybody can forge; a chain keeps what it began with
  --port-base N       use the ports from N upwards instead of the usual ones
  --help              this text
`;

/** Reads the command line. Throws `invalid-argument`. */
export function parseLauncherArguments(argv: readonly string[], root: string): LauncherArguments {
  const { values } = parse(argv);
  const portBase = values["port-base"] === undefined ? undefined : Number(values["port-base"]);
  if (portBase !== undefined && !(Number.isInteger(portBase) && portBase >= 1_024 && portBase <= 65_000)) {
    throw invalid("--port-base must be a port number from 1024 to 65000.");
  }
  const honorNodes = values["honor-nodes"] === undefined ? undefined : Number(values["honor-nodes"]);
  if (honorNodes !== undefined && honorNodes !== 1 && !isSetSize(honorNodes)) {
    throw invalid(
      "--honor-nodes is 4, or a multiple of three from 6 up, or 1 for a chain with one block producer.",
    );
  }
  return {
    help: values.help === true,
    once: values.once === true,
    fresh: values.fresh === true,
    idle: values.idle === true,
    dataDir: values["data-dir"] ?? join(root, ".aios", "data"),
    portBase,
    honorNodes,
    honkPowers: values["honk-powers"],
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        help: { type: "boolean", short: "h" },
        once: { type: "boolean" },
        fresh: { type: "boolean" },
        idle: { type: "boolean" },
        "data-dir": { type: "string" },
        "port-base": { type: "string" },
        "honor-nodes": { type: "string" },
        "honk-powers": { type: "string" },
      },
    });
  } catch (error) {
    throw invalid(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function invalid(message: string): CodedError {
  return new CodedError({ code: "invalid-argument", kind: "invalid", message });
}
