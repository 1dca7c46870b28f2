import { type ArchivedEntry, bytesEntry, packArchive, readArchive } from "@aios/launcher/backup/archive";
import {
  ABOUT_ENTRY,
  bytesOf,
  type ClusterAbout,
  DATABASES,
  EVENTS,
  isRowCount,
  OBJECTS_ENTRY,
  volumePath,
} from "@aios/launcher/backup/cluster-archive";
import { refuseExistingFile, writeSealedFile } from "@aios/launcher/backup/sealed-file";
import { requirePassphrase } from "@aios/launcher/backup/sealed-stream";
import { type ChainHead, chainHead } from "./chain-head.js";
import { aboutOf, claimsThere, outsideServers, planOf, secretsOf } from "./inventory.js";
import { readObjects } from "./network-objects.js";
import { type ClusterSummary, mebibytes, type Operation, rowsOf } from "./operation.js";
import type { ReleaseShape } from "./release.js";
import { StatePods } from "./state-pods.js";
import { type Workload, Workloads } from "./workloads.js";

export interface BackupChoice {
  readonly file: string;
  readonly passphrase: string;
  /** Of scrypt; the usual one where absent. */
  readonly costLog2?: number;
  /** Only says what would be done. */
  readonly planOnly: boolean;
  /** Leaves the release stopped, for a state that moves elsewhere; without a backup there is nothing to move. */
  readonly keepStopped: boolean;
}

/**
 * Writes all state of a release into one sealed file: stops what runs, copies claims, databases and keys, starts it
 * again, also where it fails or is interrupted. Answers nothing for a plan. Throws `release-absent`, `file-exists`,
 * `passphrase-too-short`, and what the parts throw.
 */
export async function backUpCluster(
  operation: Operation,
  choice: BackupChoice,
): Promise<ClusterSummary | undefined> {
  const { kubectl, helm, release, clock, say } = operation;
  refuseExistingFile(choice.file);
  requirePassphrase(choice.passphrase);
  const installed = await helm.installed();
  const { shape } = installed;
  const workloads = new Workloads(kubectl, release, clock);
  const volumes = await claimsThere(operation, shape);
  const running = await workloads.list();
  const servers = await outsideServers(operation, shape);
  say(planOf(operation, choice.file, { running, volumes, servers, shape }));
  if (choice.planOnly) return undefined;
  const cleanWorkloads = new Workloads(operation.cleaner, release, clock);
  const pods = new StatePods(kubectl, release, shape.image);
  let isWritten = false;
  try {
    const chain = await stopAll(operation, workloads, running, shape);
    await pods.start(volumes, secretsOf(servers));
    const about = aboutOf(operation, installed, { chain, volumes, servers });
    const summary = await write(operation, choice, about, pods);
    isWritten = true;
    return summary;
  } finally {
    try {
      await new StatePods(operation.cleaner, release, shape.image).remove();
    } finally {
      if (choice.keepStopped && isWritten) say(`${release} stays stopped, as it was asked to.`);
      else {
        say(`starting ${release} again`);
        await cleanWorkloads.ready(await cleanWorkloads.start(shape.kedaScaled));
      }
    }
  }
}

/** The node last: what all others have done is then in the block that it tells. */
async function stopAll(
  { kubectl, release, say }: Operation,
  workloads: Workloads,
  running: readonly Workload[],
  shape: ReleaseShape,
): Promise<ChainHead | undefined> {
  const isLast = ({ metadata: { name, labels } }: Workload): boolean =>
    name === `${release}-consensus` || labels?.["app.kubernetes.io/component"] === "backend";
  say("stopping the services");
  await workloads.stop(
    running.filter((workload) => !isLast(workload)),
    shape.kedaScaled,
  );
  const isNodeUp = running.some(
    ({ metadata, spec }) => metadata.name === `${release}-consensus` && spec.replicas !== 0,
  );
  const chain = isNodeUp ? await chainHead(kubectl, release) : undefined;
  await workloads.stop(running.filter(isLast), shape.kedaScaled);
  return chain;
}

async function write(
  operation: Operation,
  { file, passphrase, costLog2 }: BackupChoice,
  about: ClusterAbout,
  pods: StatePods,
): Promise<ClusterSummary> {
  const { kubectl, release, clock, say } = operation;
  const createdAt = new Date(clock.now()).toISOString();
  const objects = await readObjects(kubectl, release, about.network);
  const rows: Record<string, number> = {};
  let total = 0;
  async function* part(title: string, prefix: string, archive: AsyncIterable<Buffer>) {
    say(`copying ${title}`);
    let bytes = 0;
    for await (const entry of readArchive(archive)) {
      const path = `${prefix}/${entry.path}`;
      bytes += entry.sizeBytes;
      if (!isRowCount(path)) yield { ...entry, path };
      else {
        const content = await bytesOf(entry);
        rows[path.split("/")[1] ?? ""] = (JSON.parse(content.toString()) as { rows: number }).rows;
        yield bytesEntry(path, content);
      }
    }
    total += bytes;
    say(`  ${mebibytes(bytes)}`);
  }
  async function* entries(): AsyncGenerator<ArchivedEntry> {
    yield bytesEntry(ABOUT_ENTRY, Buffer.from(JSON.stringify(about)));
    yield bytesEntry(OBJECTS_ENTRY, Buffer.from(JSON.stringify(objects)));
    for (const { claim } of about.volumes)
      yield* part(`the volume ${claim}`, volumePath(claim), pods.read(pods.ofClaim(claim), "pack-volume"));
    if (about.databases.length > 0)
      yield* part("the databases", DATABASES, pods.read(pods.ofServers, "pack-databases"));
    if (about.hasEvents) yield* part("waiting events", EVENTS, pods.read(pods.ofServers, "pack-events"));
  }
  await writeSealedFile(file, packArchive(entries(), createdAt), passphrase, costLog2);
  say(`copied ${about.volumes.length} volumes and ${rowsOf(rows)} rows`);
  return {
    createdAt,
    release,
    volumes: about.volumes.length,
    databases: rows,
    bytes: total,
    chain: about.chain ?? null,
  };
}
