import type { ArchivedEntry, ArchiveSummary } from "./archive.js";

/** First entry of a backup of a release on Kubernetes, and what tells it from one of a single machine. */
export const ABOUT_ENTRY = "cluster/about.json";
/** Rises with what an older program would restore wrongly. */
export const CLUSTER_FORMAT = 2;
/** Secrets and ConfigMaps of the network, as Kubernetes has them. */
export const OBJECTS_ENTRY = "cluster/objects.json";
/** Everything below is what the databases' own archive holds. */
export const DATABASES = "databases";
/** Everything below is what the events' own archive holds. */
export const EVENTS = "events";
/** Everything below is what one claim's own archive holds. */
export const volumePath = (claim: string): string => `volumes/${claim}`;

/** Whether an entry tells how many rows a database has. */
export const isRowCount = (path: string): boolean => /^databases\/[^/]+\/rows\.json$/.test(path);

/** What a backup of a release on Kubernetes says of itself before its parts. */
export interface ClusterAbout {
  readonly format: number;
  readonly release: string;
  readonly namespace: string;
  /** Tag of the images that wrote the state. */
  readonly version: string;
  /** What the operator had set; the chart's defaults are not in it, nor is any secret. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Head of the chain when everything else was stopped; absent where no node of the release's own told it. */
  readonly chain?: { readonly height: number; readonly hash: string };
  /** The release has a node of its own, which did not run or was not asked: a restore cannot compare its block. */
  readonly isHeadUnknown?: true;
  /** Secrets and ConfigMaps without which the state is worth nothing, as `kind/name`. */
  readonly network: readonly string[];
  /** Claims whose files follow, in their order. */
  readonly volumes: readonly ArchivedVolume[];
  /** Services whose databases follow as rows; those of a bundled server are files of its volume. */
  readonly databases: readonly string[];
  /** Whether events that no service had handled follow: they are in a Kafka outside. */
  readonly hasEvents: boolean;
  /** Servers of the operator's own that keep a part of the state, which is not in the backup. */
  readonly elsewhere: readonly string[];
}

/** One claim of a StatefulSet. */
export interface ArchivedVolume {
  readonly claim: string;
  readonly statefulSet: string;
  readonly template: string;
}

/** Whether an archive was made of a release on Kubernetes. */
export function isClusterBackup({ firstPath }: Pick<ArchiveSummary, "firstPath">): boolean {
  return firstPath === ABOUT_ENTRY;
}

/** All of an entry's content; for those that are small by what they are. */
export async function bytesOf({ content }: ArchivedEntry): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}
