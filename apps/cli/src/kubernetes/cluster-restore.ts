import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { packArchive, readArchive } from "@aios/launcher/backup/archive";
import { DATABASES, EVENTS, volumePath } from "@aios/launcher/backup/cluster-archive";
import { openSealedFile } from "@aios/launcher/backup/sealed-file";
import { requireBlock } from "./chain-head.js";
import type { ChartChoice } from "./helm.js";
import { type FoundVolume, secretsOf } from "./inventory.js";
import { writeObjects } from "./network-objects.js";
import { type ClusterSummary, type Operation, rowsOf, wordsOf } from "./operation.js";
import type { ReleaseShape } from "./release.js";
import {
  type CheckedBackup,
  checkBackup,
  HEAD_UNKNOWN,
  planOf,
  requireEmpty,
  requireNoOthers,
  requireRelease,
  type Target,
  targetOf,
} from "./restore-plan.js";
import { Sections } from "./sections.js";
import { StatePods } from "./state-pods.js";
import { Workloads } from "./workloads.js";

export interface RestoreChoice {
  readonly file: string;
  readonly passphrase: string;
  readonly chart: string;
  /** Files of values on top of those in the backup. */
  readonly values: readonly string[];
  /** State that is there is removed. */
  readonly replace: boolean;
  readonly planOnly: boolean;
}

/**
 * Puts a release's state into a namespace and starts it there. Reads and checks the whole backup, and asks the cluster
 * for what it needs, before anything changes; until all of it is beside its places, a failure leaves what was there.
 * Answers nothing for a plan. Throws `target-not-empty`, `claims-left`, `release-differs`, `state-differs`,
 * `restore-cut-off`, and what the parts throw.
 */
export async function restoreCluster(
  operation: Operation,
  choice: RestoreChoice,
): Promise<ClusterSummary | undefined> {
  const { release, say } = operation;
  say(`checking ${choice.file}`);
  const backup = await checkBackup(choice.file, choice.passphrase);
  requireRelease(backup, release);
  const folder = await mkdtemp(join(tmpdir(), "aios-restore-"));
  try {
    const ownValues = join(folder, "values.json");
    await writeFile(ownValues, JSON.stringify(backup.about.values), { mode: 0o600 });
    const chart = { chart: choice.chart, values: [ownValues, ...choice.values] };
    const target = await targetOf(operation, backup, await operation.helm.rendered(chart));
    if (choice.replace) requireNoOthers(operation, target);
    else await requireEmpty(operation, backup, target);
    say(planOf(operation, choice, backup, target));
    if (choice.planOnly) return undefined;
    return await restoreInto(operation, choice, { backup, target, chart });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Restoring {
  readonly backup: CheckedBackup;
  readonly target: Target;
  readonly chart: ChartChoice;
}

async function restoreInto(
  operation: Operation,
  choice: RestoreChoice,
  { backup, target, chart }: Restoring,
): Promise<ClusterSummary> {
  const { kubectl, helm, release, clock, say } = operation;
  const { about, objects, createdAt, bytes } = backup;
  const { shape } = target;
  const workloads = new Workloads(kubectl, release, clock);
  const pods = new StatePods(kubectl, release, shape.image);
  const rows = await whole(operation, target, async (changing) => {
    say(`stopping what runs of ${release}`);
    await workloads.stop(await workloads.list(), shape);
    await kubectl.send(
      "create",
      target.missing.map((volume) => claimOf(volume, shape)),
    );
    await pods.start(target.volumes, secretsOf(target.servers));
    const entries = new Sections(readArchive(openSealedFile(choice.file, choice.passphrase)));
    const written = await unpack(operation, choice, { entries, target, pods, changing });
    for (const { claim } of target.volumes) await pods.run(pods.ofClaim(claim), "settle-volume");
    if (target.servers.kafka !== undefined)
      await pods.run(pods.ofServers, "load-events", packArchive(entries.below(EVENTS), ""));
    await entries.end();
    await writeObjects(kubectl, objects);
    await pods.remove();
    return written;
  });
  say(`installing ${chart.chart}; this waits until every pod is ready`);
  await helm.install(chart);
  await workloads.ready(await workloads.start(shape));
  const chain = about.chain === undefined ? null : about.chain;
  if (chain !== null) {
    const head = await requireBlock(kubectl, release, chain);
    say(`the chain has block ${chain.height}, ${chain.hash}, as in the backup; it is at ${head.height} now`);
  } else if (about.isHeadUnknown === true) say(`the chain: ${HEAD_UNKNOWN}`);
  say(`restored ${target.volumes.length} volumes and ${rowsOf(rows)} rows`);
  return { createdAt, release, volumes: target.volumes.length, databases: rows, bytes, chain };
}

/**
 * Until `changing` is called, whatever fails is undone: what was staged is removed, claims that were made too, and what
 * was stopped starts again. Later, the way out is forward.
 */
async function whole<T>(
  operation: Operation,
  target: Target,
  work: (changing: () => void) => Promise<T>,
): Promise<T> {
  let isChanged = false;
  try {
    return await work(() => {
      isChanged = true;
    });
  } catch (error) {
    const { cleaner, release, say } = operation;
    if (isChanged) {
      // The way out removes them too, and must be told.
      await new StatePods(cleaner, release, target.shape.image).remove().catch(() => undefined);
      throw cutOff(release, error);
    }
    say("undoing what was begun");
    await undo(operation, target).catch((second: unknown) =>
      say(`not all of it was undone: ${wordsOf(second)}`),
    );
    throw error;
  }
}

async function undo(
  { cleaner, release, clock }: Operation,
  { shape, volumes, missing }: Target,
): Promise<void> {
  const pods = new StatePods(cleaner, release, shape.image);
  for (const { claim } of volumes)
    await pods.run(pods.ofClaim(claim), "discard-volume").catch(() => undefined);
  try {
    await pods.remove();
    for (const { claim } of missing)
      await cleaner.text("delete", "persistentvolumeclaim", claim, "--ignore-not-found", "--wait=false");
  } finally {
    await new Workloads(cleaner, release, clock).start(shape);
  }
}

interface Unpacking {
  readonly entries: Sections;
  readonly target: Target;
  readonly pods: StatePods;
  readonly changing: () => void;
}

/** Every volume beside its place, and at last the databases, which commit as one. */
async function unpack(
  { say }: Operation,
  { replace }: RestoreChoice,
  { entries, target, pods, changing }: Unpacking,
): Promise<Readonly<Record<string, number>>> {
  const { volumes } = target;
  const { databases } = target.servers;
  await entries.skipTo([...volumes.map(({ claim }) => volumePath(claim)), DATABASES, EVENTS]);
  for (const { claim } of volumes) {
    say(`writing the volume ${claim}`);
    const archive = packArchive(entries.below(volumePath(claim)), "");
    await pods.run(pods.ofClaim(claim), "stage-volume", archive, replace);
  }
  if (databases.length === 0) {
    changing();
    return {};
  }
  say(`writing ${databases.length} databases`);
  const archive = packArchive(entries.below(DATABASES), "");
  try {
    const answer = await pods.run(pods.ofServers, "load-databases", archive, replace);
    changing();
    return JSON.parse(answer) as Readonly<Record<string, number>>;
  } catch (error) {
    // Only what the pod itself says means that nothing was committed; a lost connection says nothing.
    if (!isCodedError(error) || LOST.has(error.code)) changing();
    throw error;
  }
}

function claimOf({ claim, statefulSet }: FoundVolume, { claims }: ReleaseShape): object {
  const template = claims.find((each) => each.statefulSet === statefulSet);
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: claim, labels: template?.labels ?? {} },
    spec: template?.spec ?? {},
  };
}

const LOST: ReadonlySet<string> = new Set(["kubectl-failed", "interrupted", "commit-cut-off"]);

const cutOff = (release: string, cause: unknown): CodedError =>
  new CodedError({
    code: "restore-cut-off",
    kind: "conflict",
    message: `The restore of ${release} was cut off while state was put in place, and nothing of it runs: ${wordsOf(cause)} Finish it: restore again with --replace.`,
    cause,
  });
