import { CodedError } from "@aios/kernel/coded-error";
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
import { refuseExistingFile, SealedTarget } from "@aios/launcher/backup/sealed-file";
import { requirePassphrase } from "@aios/launcher/backup/sealed-stream";
import { type ChainHead, chainHead } from "./chain-head.js";
import { aboutOf, claimsThere, outsideServers, planOf, secretsOf } from "./inventory.js";
import { readObjects } from "./network-objects.js";
import { type ClusterSummary, mebibytes, type Operation, rowsOf, wordsOf } from "./operation.js";
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
  /** Does not ask the chain's node, as one that does not come up. */
  readonly withoutHead: boolean;
}

/**
 * Writes all state of a release into one sealed file: stops what runs, copies claims, databases and keys, starts it
 * again, also where it fails or is interrupted. Before it stops anything it opens the file and asks the chain's node. Answers
 * nothing for a plan. Throws `release-absent`, `file-exists`, `target-not-writable`, `passphrase-too-short`, `chain-silent`,
 * `release-not-ready` where the backup is whole and the release not, and what the parts throw.
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
  const volumes = await claimsThere(operation, shape);
  const running = await new Workloads(kubectl, release, clock).list();
  const servers = await outsideServers(operation, shape);
  say(planOf(operation, choice.file, { running, volumes, servers, shape }));
  if (choice.planOnly) return undefined;
  const target = await SealedTarget.open(choice.file);
  try {
    if (isHeadTold(choice, running, release)) await chainHead(kubectl, release);
    return await whileStopped(operation, choice, shape, async () => {
      const chain = await stopAll(operation, choice, running, shape);
      const pods = new StatePods(kubectl, release, shape.image);
      await pods.start(volumes, secretsOf(servers));
      return write(operation, choice, aboutOf(operation, installed, { chain, volumes, servers }), {
        pods,
        target,
      });
    });
  } finally {
    await target.discard();
  }
}

/** Puts the release in order after `work`, whatever came of it: of two errors the first is thrown and the second told. */
async function whileStopped<T>(
  operation: Operation,
  choice: BackupChoice,
  shape: ReleaseShape,
  work: () => Promise<T>,
): Promise<T> {
  const { release, say } = operation;
  let done: T;
  try {
    done = await work();
  } catch (error) {
    await putInOrder(operation, shape, false).catch((second: unknown) =>
      say(`after the backup had failed, ${release} was not put in order either: ${wordsOf(second)}`),
    );
    throw error;
  }
  try {
    await putInOrder(operation, shape, choice.keepStopped);
  } catch (error) {
    throw notReady(choice.file, release, error);
  }
  return done;
}

async function putInOrder(
  { cleaner, release, clock, say }: Operation,
  shape: ReleaseShape,
  keepStopped: boolean,
): Promise<void> {
  try {
    await new StatePods(cleaner, release, shape.image).remove();
  } finally {
    if (keepStopped) say(`${release} stays stopped, as it was asked to.`);
    else {
      say(`starting ${release} again`);
      const workloads = new Workloads(cleaner, release, clock);
      await workloads.ready(await workloads.start(shape));
    }
  }
}

function isHeadTold({ withoutHead }: BackupChoice, running: readonly Workload[], release: string): boolean {
  const isNode = ({ metadata, spec }: Workload): boolean =>
    metadata.name === `${release}-consensus` && spec.replicas !== 0;
  return !withoutHead && running.some(isNode);
}

/** The node last: what all others have done is then in the block that it tells. */
async function stopAll(
  { kubectl, release, clock, say }: Operation,
  choice: BackupChoice,
  running: readonly Workload[],
  shape: ReleaseShape,
): Promise<ChainHead | undefined> {
  const isLast = ({ metadata: { name, labels } }: Workload): boolean =>
    name === `${release}-consensus` || labels?.["app.kubernetes.io/component"] === "backend";
  const workloads = new Workloads(kubectl, release, clock);
  say("stopping the services");
  await workloads.stop(
    running.filter((workload) => !isLast(workload)),
    shape,
  );
  const chain = isHeadTold(choice, running, release) ? await chainHead(kubectl, release) : undefined;
  await workloads.stop(running.filter(isLast), shape);
  return chain;
}

async function write(
  operation: Operation,
  { passphrase, costLog2 }: BackupChoice,
  about: ClusterAbout,
  { pods, target }: { readonly pods: StatePods; readonly target: SealedTarget },
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
  await target.write(packArchive(entries(), createdAt), passphrase, costLog2);
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

const notReady = (file: string, release: string, cause: unknown): CodedError =>
  new CodedError({
    code: "release-not-ready",
    kind: "unavailable",
    message: `The backup ${file} is whole. But ${release} did not come up again: ${wordsOf(cause)} See why with 'aios doctor --kubernetes'; nothing of the backup has to be done again.`,
    cause,
  });
