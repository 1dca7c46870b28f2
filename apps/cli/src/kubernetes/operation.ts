import type { Clock } from "@aios/kernel/clock";
import type { Helm } from "./helm.js";
import type { Kubectl } from "./kubectl.js";

/** What a backup or a restore works with. */
export interface Operation {
  readonly kubectl: Kubectl;
  readonly helm: Helm;
  readonly namespace: string;
  readonly release: string;
  readonly clock: Pick<Clock, "now" | "wait">;
  /** The same cluster for what has to be done after an interruption too. */
  readonly cleaner: Kubectl;
  /** What happens, for whoever waits. */
  readonly say: (line: string) => void;
}

export interface ClusterSummary {
  readonly createdAt: string;
  readonly release: string;
  readonly volumes: number;
  /** Rows of each database. */
  readonly databases: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly chain: { readonly height: number; readonly hash: string } | null;
}

/** What an error says, for a sentence that tells it. */
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const MIB = 1024 ** 2;

export const mebibytes = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;

export const rowsOf = (databases: Readonly<Record<string, number>>): number =>
  Object.values(databases).reduce((sum, rows) => sum + rows, 0);
