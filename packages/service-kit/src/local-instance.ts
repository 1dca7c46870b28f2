import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What a platform on one machine leaves in its data directory, so that others can say what runs, and reach it. */
export interface LocalInstance {
  readonly pid: number;
  /** When that process began: the id alone may be somebody else's by now. Missing where the system does not tell. */
  readonly birth?: string;
  readonly startedAt: string;
  /** Missing while it starts. */
  readonly urls?: { readonly gateway: string; readonly jsonRpc: string };
  /** By the names of `USUAL_PORTS`. Missing while it starts. */
  readonly ports?: Readonly<Record<string, number>>;
}

export const INSTANCE_FILE = "instance.json";

/** Every service of the platform, in the order in which they are started and numbered. */
export const SERVICES = [
  "consensus",
  "storage",
  "compute",
  "zk-prover",
  "marketplace",
  "economy",
  "scoring",
  "gateway",
] as const;
export type ServiceName = (typeof SERVICES)[number];

const FIRST_GRPC_PORT = 15_051;
const FIRST_HEALTH_PORT = 9_051;

/**
 * Ports of a platform on one machine; a taken one moves up. All lie below 32768, where outgoing connections of other
 * programs do not take them between the choice and the use.
 */
export const USUAL_PORTS: ReadonlyMap<string, number> = new Map<string, number>([
  ["gateway", 8_080],
  ["json-rpc", 8_545],
  ["postgres", 15_432],
  ["libp2p", 4_001],
  ...SERVICES.filter((name) => name !== "gateway").map((name, index): [string, number] => [
    `grpc-${name}`,
    FIRST_GRPC_PORT + index,
  ]),
  ...SERVICES.map((name, index): [string, number] => [`health-${name}`, FIRST_HEALTH_PORT + index]),
  ["health-provider-1", 9_061],
  ["health-provider-2", 9_062],
]);

/** The instance that the directory names, running or not; undefined for none, or for a file that cannot be read. */
export function readLocalInstance(dataDir: string): LocalInstance | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, INSTANCE_FILE), "utf8")) as LocalInstance;
  } catch {
    return undefined;
  }
}
