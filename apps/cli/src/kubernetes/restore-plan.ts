import { CodedError } from "@aios/kernel/coded-error";
import { type ArchiveSummary, readArchive } from "@aios/launcher/backup/archive";
import { type ClusterAbout, isRowCount, OBJECTS_ENTRY } from "@aios/launcher/backup/cluster-archive";
import { openSealedFile } from "@aios/launcher/backup/sealed-file";
import { readAbout, readRowCount, readStoredObjects } from "./backup-content.js";
import {
  claimsThere,
  type FoundVolume,
  type OutsideServers,
  outsideServers,
  versionOf,
} from "./inventory.js";
import type { KubernetesObject } from "./kubectl.js";
import { type StoredObject, thereOf } from "./network-objects.js";
import { mebibytes, type Operation, rowsOf } from "./operation.js";
import type { ReleaseShape } from "./release.js";
import { Workloads } from "./workloads.js";

/** Why nothing is compared with the restored chain. */
export const HEAD_UNKNOWN = "its head is not in the backup: block and hash are not compared";

/** A backup of which every hash was checked. */
export interface CheckedBackup {
  readonly about: ClusterAbout;
  readonly objects: readonly StoredObject[];
  readonly createdAt: string;
  readonly bytes: number;
  readonly rows: Readonly<Record<string, number>>;
}

/** Where a backup goes. */
export interface Target {
  readonly shape: ReleaseShape;
  readonly volumes: readonly FoundVolume[];
  readonly servers: OutsideServers;
  /** Claims to be made. */
  readonly missing: readonly FoundVolume[];
  /** Claims of the release's StatefulSets that are there, by name; those of a larger release than the backup's included. */
  readonly there: readonly string[];
}

/** Reads all of a backup. Throws `other-backup`, `backup-newer`, `backup-unexpected`, and what opening a backup throws. */
export async function checkBackup(file: string, passphrase: string): Promise<CheckedBackup> {
  let summary: ArchiveSummary | undefined;
  const entries = readArchive(openSealedFile(file, passphrase), (read) => {
    summary = read;
  });
  const first = await entries.next();
  const about = await readAbout(first.done === true ? undefined : first.value);
  let objects: readonly StoredObject[] = [];
  const rows: Record<string, number> = {};
  for await (const entry of entries) {
    if (entry.path === OBJECTS_ENTRY) objects = await readStoredObjects(entry);
    else if (isRowCount(entry.path)) rows[entry.path.split("/")[1] ?? ""] = await readRowCount(entry);
  }
  const { bytes, createdAt } = summary ?? { bytes: 0, createdAt: "" };
  return { about, objects, rows, bytes, createdAt };
}

/** Throws `release-differs`: hosts in the state are named after it. */
export function requireRelease({ about }: CheckedBackup, release: string): void {
  if (about.release !== release) throw releaseDiffers(about.release, release);
}

/** Where each part goes. Throws `state-differs` for a chart or values under which a part has no place. */
export async function targetOf(
  operation: Operation,
  { about }: CheckedBackup,
  shape: ReleaseShape,
): Promise<Target> {
  const volumes = about.volumes.map((volume) => {
    const template = shape.claims.find(({ statefulSet }) => statefulSet === volume.statefulSet);
    if (template === undefined) throw stateDiffers(`the volume ${volume.claim} has no StatefulSet`);
    return { ...volume, placement: template.placement };
  });
  const servers = await outsideServers(operation, shape);
  const services = servers.databases.map(({ service }) => service);
  const strange = [
    ...about.databases.filter((name) => !services.includes(name)),
    ...services.filter((name) => !about.databases.includes(name)),
  ];
  if (strange.length > 0) throw stateDiffers(`of ${strange.join(", ")} the database is elsewhere`);
  if (about.hasEvents && servers.kafka === undefined)
    throw stateDiffers("its waiting events were in a Kafka outside, and there is none now");
  if (!about.hasEvents && servers.kafka !== undefined)
    throw stateDiffers(
      "its waiting events are in its own volumes, and would now be read from a Kafka outside",
    );
  const there = (await claimsThere(operation, shape)).map(({ claim }) => claim);
  const missing = volumes.filter(({ claim }) => !there.includes(claim));
  return { shape, volumes, servers, missing, there };
}

/** Throws `target-not-empty`; databases are looked at when they are written. */
export async function requireEmpty(
  { kubectl, release, namespace, clock }: Operation,
  { objects }: CheckedBackup,
  { there: claims }: Target,
): Promise<void> {
  const workloads = await new Workloads(kubectl, release, clock).list();
  const there = [
    ...workloads.map(({ kind, metadata }: KubernetesObject) => `${kind}/${metadata.name}`),
    ...claims.map((claim) => `PersistentVolumeClaim/${claim}`),
    ...(await thereOf(kubectl, objects)),
  ];
  if (there.length > 0) throw notEmpty(namespace, there);
}

/** Throws `claims-left`: a pod would go on with the old state of a claim that the backup has not. */
export function requireNoOthers({ namespace }: Operation, { volumes, there }: Target): void {
  const others = there.filter((name) => !volumes.some(({ claim }) => claim === name));
  if (others.length > 0) throw claimsLeft(namespace, others);
}

/** What a restore will do, for whoever starts it. */
export function planOf(
  { namespace, release }: Operation,
  { file, chart, replace }: { readonly file: string; readonly chart: string; readonly replace: boolean },
  { about, createdAt, bytes, rows }: CheckedBackup,
  { shape, volumes, missing }: Target,
): string {
  const version = versionOf(shape);
  return [
    `Restore of ${release} into ${namespace} from ${file}, ${mebibytes(bytes)} of ${createdAt}:`,
    ...(replace ? ["  replaces whatever of this state is there, and stops the release meanwhile"] : []),
    `  volumes     ${volumes.map(({ claim }) => claim).join(", ")} (${missing.length} to be made)`,
    `  databases   ${about.databases.join(", ") || "none"} (${rowsOf(rows)} rows)`,
    ...(about.hasEvents
      ? ["  events      those that no service had handled; what is in Kafka now is skipped"]
      : []),
    `  chain       ${headOf(about)}`,
    `  then        helm upgrade --install ${release} ${chart}, with the values of the backup`,
    ...(version === about.version
      ? []
      : [`  version     written by ${about.version}, started by ${version}`]),
    ...about.elsewhere.map((what) => `  not in it   ${what}`),
  ].join("\n");
}

function headOf({ chain, isHeadUnknown }: ClusterAbout): string {
  if (chain !== undefined) return `block ${chain.height}, ${chain.hash}`;
  return isHeadUnknown === true ? HEAD_UNKNOWN : "no node in the backup";
}

const notEmpty = (namespace: string, there: readonly string[]): CodedError =>
  new CodedError({
    code: "target-not-empty",
    kind: "conflict",
    message: `The namespace ${namespace} has ${there.join(", ")} already. Restore into another namespace, or replace what is there with --replace.`,
    details: { there },
  });

const claimsLeft = (namespace: string, claims: readonly string[]): CodedError =>
  new CodedError({
    code: "claims-left",
    kind: "conflict",
    message: `The backup has nothing for ${claims.join(", ")} in the namespace ${namespace}, and a pod would go on with what is there. Nothing was changed. Keep a copy of what you need of it, scale the StatefulSet below it, then: kubectl --namespace ${namespace} delete persistentvolumeclaim ${claims.join(" ")}`,
    details: { claims },
  });

const releaseDiffers = (inBackup: string, asked: string): CodedError =>
  new CodedError({
    code: "release-differs",
    kind: "invalid",
    message: `The backup is of the release ${inBackup}, and addresses in it have that name. Restore it as --release ${inBackup}, not ${asked}; another namespace is fine.`,
  });

const stateDiffers = (what: string): CodedError =>
  new CodedError({
    code: "state-differs",
    kind: "invalid",
    message: `The chart with these values keeps its state elsewhere than the backup's release did: ${what}. Restore with the same services and the same kinds of servers (bundled or outside).`,
  });
