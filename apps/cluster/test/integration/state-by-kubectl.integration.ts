import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backUpCluster } from "@aios/cli/kubernetes/cluster-backup";
import { restoreCluster } from "@aios/cli/kubernetes/cluster-restore";
import { Workloads } from "@aios/cli/kubernetes/workloads";
import { CodedError } from "@aios/kernel/coded-error";
import { bytesEntry, packArchive } from "@aios/launcher/backup/archive";
import { ABOUT_ENTRY, OBJECTS_ENTRY } from "@aios/launcher/backup/cluster-archive";
import { restore } from "@aios/launcher/backup/local-state";
import { writeSealedFile } from "@aios/launcher/backup/sealed-file";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  CLAIMS,
  FakeCluster,
  OTHERS,
  RENEWAL,
  SEALED_KEY,
  SECRET_KEY,
  VALUES,
} from "../support/fake-cluster.js";

const PASSPHRASE = "correct horse battery";
const CHART = "deploy/helm/aios";

/** What a backup says of itself that has nothing. */
const ABOUT = {
  ...{ release: "aios", namespace: "aios", version: "7", values: {}, network: [] },
  ...{ volumes: [], databases: [], hasEvents: false, elsewhere: [] },
};

const directory = mkdtempSync(join(tmpdir(), "aios-kubectl-"));
const clusters: FakeCluster[] = [];
afterEach(() => {
  for (const cluster of clusters.splice(0)) cluster.stop();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function cluster(hasRelease: boolean, blockHash?: string): FakeCluster {
  const started = new FakeCluster(hasRelease, blockHash);
  clusters.push(started);
  return started;
}

const named = (name: string): string => join(directory, name);

const backUp = (from: FakeCluster, file: string, choice = {}) =>
  backUpCluster(from.operation(), {
    file,
    passphrase: PASSPHRASE,
    costLog2: 14,
    planOnly: false,
    keepStopped: false,
    withoutHead: false,
    ...choice,
  });

const restoreInto = (to: FakeCluster, file: string, choice = {}, release?: string) =>
  restoreCluster(to.operation(release), {
    file,
    passphrase: PASSPHRASE,
    chart: CHART,
    values: [],
    replace: false,
    planOnly: false,
    ...choice,
  });

/** What a backup has done that is killed then. */
async function stopAsIfKilled(source: FakeCluster): Promise<void> {
  const { kubectl, release, clock } = source.operation();
  const workloads = new Workloads(kubectl, release, clock);
  await workloads.stop(await workloads.list(), { kedaScaled: [], schedules: [] });
}

/** One backup for all tests that only read one. */
const file = named("state.aios");
let original: FakeCluster["whole"];
beforeAll(async () => {
  const source = new FakeCluster(true);
  original = source.whole;
  await backUp(source, file);
  source.stop();
});

describe("a backup of a release", () => {
  it("says what it will do, stops the release, and starts it again as it was", async () => {
    const source = cluster(true);
    const summary = await backUp(source, named("first.aios"));
    expect(summary).toMatchObject({ volumes: 3, databases: {}, chain: { height: 42, hash: "0xb10c" } });
    expect(source.said.join("\n")).toMatch(/stopped meanwhile\s+aios-gateway, aios-consensus/);
    expect(source.said.join("\n")).toMatch(/volumes\s+data-aios-consensus-0, /);
    expect(source.whole).toEqual(original);
    const stops = source.calls.filter((call) => call.includes('"replicas":0'));
    expect(
      stops.map((call) => /patch (\S+)/.exec(call)?.[1]).findIndex((name) => name?.includes("consensus")),
    ).toBeGreaterThan(stops.findIndex((call) => call.includes("gateway")));
  });

  it("lets no schedule write meanwhile: suspends it, waits for what it began, and goes on with it as before", async () => {
    const source = cluster(true);
    source.begin(RENEWAL);
    let suspended: unknown;
    source.onSay = (line) => {
      if (line.startsWith("copying")) suspended = source.whole.schedules;
    };
    await backUp(source, named("scheduled.aios"));
    expect(suspended).toEqual({ [RENEWAL]: true });
    const isAt = (part: string): number => source.calls.findIndex((call) => call.includes(part));
    expect(isAt(`patch cronjob/${RENEWAL}`)).toBeLessThan(isAt("patch deployment"));
    expect(source.calls.filter((call) => call.includes("get jobs")).length).toBeGreaterThan(1);
    expect(source.whole).toEqual(original);
  });

  it("leaves a schedule suspended that its operator had suspended", async () => {
    const source = cluster(true);
    await source.operation().kubectl.patch(`cronjob/${RENEWAL}`, { spec: { suspend: true } });
    await backUp(source, named("suspended.aios"));
    expect(source.whole).toEqual({ ...original, schedules: { [RENEWAL]: true } });
  });

  it("keeps keys out of sight: sealed in the file, and in nobody's list of processes", async () => {
    const source = cluster(true);
    await backUp(source, named("sealed.aios"));
    const shown = [...source.calls, ...source.said, readFileSync(named("sealed.aios"), "latin1")].join();
    for (const secret of [SECRET_KEY, SEALED_KEY]) {
      expect(shown).not.toContain(secret);
    }
  });

  it("does nothing for a plan, and starts nothing again where it is to stay stopped", async () => {
    const source = cluster(true);
    expect(await backUp(source, named("plan.aios"), { planOnly: true })).toBeUndefined();
    expect(existsSync(named("plan.aios"))).toBe(false);
    expect(source.whole).toEqual(original);
    await backUp(source, named("moved.aios"), { keepStopped: true });
    expect(source.whole).toMatchObject({ pods: { "aios-gateway": 0, "aios-consensus": 0 }, helpers: 0 });
  });

  it("leaves no file and a running release where a volume cannot be read", async () => {
    const source = cluster(true);
    source.fail("pack-volume", new CodedError({ code: "unknown-state", kind: "invalid", message: "a pipe" }));
    await expect(backUp(source, named("half.aios"))).rejects.toMatchObject({ code: "unknown-state" });
    expect(existsSync(named("half.aios"))).toBe(false);
    expect(source.whole).toEqual(original);
  });

  it("that fails starts the release again also where it was to stay stopped: there is nothing to move", async () => {
    const source = cluster(true);
    source.fail("pack-volume");
    await expect(backUp(source, named("unmoved.aios"), { keepStopped: true })).rejects.toThrow();
    expect(source.whole).toEqual(original);
  });

  it("that is interrupted starts the release again and leaves no file", async () => {
    const source = cluster(true);
    source.interruptAt("copying the volume data-aios-postgres-0");
    await expect(backUp(source, named("interrupted.aios"))).rejects.toThrow("interrupted");
    expect(existsSync(named("interrupted.aios"))).toBe(false);
    expect(source.whole).toEqual(original);
  });

  it("starts the release again also where its own pods cannot be removed", async () => {
    const source = cluster(true);
    source.fail("delete pods");
    await expect(backUp(source, named("stuck.aios"))).rejects.toMatchObject({ code: "kubectl-failed" });
    expect(source.whole).toEqual(original);
  });

  it("finishes what one that was killed had begun: workloads get the pods that they had", async () => {
    const source = cluster(true);
    await stopAsIfKilled(source);
    expect(source.whole).toMatchObject({ pods: { "aios-gateway": 0 } });
    await backUp(source, named("killed.aios"));
    expect(source.whole).toEqual(original);
  });

  it("takes the number of pods that run, and not one that a killed backup noted before helm started them", async () => {
    const source = cluster(true);
    await stopAsIfKilled(source);
    const { helm, kubectl } = source.operation();
    await helm.install({ chart: CHART, values: [] });
    await kubectl.patch("deployment/aios-gateway", { spec: { replicas: 5 } });
    await backUp(source, named("noted.aios"));
    expect(source.whole).toEqual({ ...original, pods: { ...original.pods, "aios-gateway": 5 } });
  });

  it("stops nothing for a passphrase that is too short", async () => {
    const source = cluster(true);
    await expect(backUp(source, named("x"), { passphrase: "short" })).rejects.toMatchObject({
      code: "passphrase-too-short",
    });
    expect(source.calls).toEqual([]);
  });

  it("stops nothing where its file cannot be written", async () => {
    const source = cluster(true);
    await expect(backUp(source, named("nowhere/state.aios"))).rejects.toMatchObject({
      code: "target-not-writable",
      message: expect.stringContaining("nowhere/state.aios"),
    });
    expect(source.calls.filter((call) => call.includes(" patch "))).toEqual([]);
  });

  it("stops nothing where the chain's node is silent, and names the way out", async () => {
    const source = cluster(true);
    source.fail("port-forward");
    await expect(backUp(source, named("silent.aios"))).rejects.toMatchObject({
      code: "chain-silent",
      message: expect.stringContaining("--without-head"),
    });
    expect(source.calls.filter((call) => call.includes(" patch "))).toEqual([]);
    expect(readdirSync(directory).filter((name) => name.startsWith("silent"))).toEqual([]);
  });

  it("asks no node where it is told not to, and its restore says that no block was compared", async () => {
    const source = cluster(true);
    source.fail("port-forward");
    expect(await backUp(source, named("headless.aios"), { withoutHead: true })).toMatchObject({
      chain: null,
    });
    const target = cluster(false, "0xother");
    expect(await restoreInto(target, named("headless.aios"))).toMatchObject({ chain: null });
    const said = target.said.join("\n");
    expect(said).toMatch(/chain {7}its head is not in the backup/);
    expect(said).toMatch(/^the chain: .*block and hash are not compared$/m);
  });

  it("that is whole says so where the release does not come up again", async () => {
    const source = cluster(true);
    source.fail("rollout status");
    await expect(backUp(source, named("unready.aios"))).rejects.toMatchObject({
      code: "release-not-ready",
      message: expect.stringMatching(/unready\.aios is whole.*the connection was lost/),
    });
    expect(existsSync(named("unready.aios"))).toBe(true);
  });

  it("that failed keeps its reason where the release does not come up either, and tells both", async () => {
    const source = cluster(true);
    source.interruptAt("copying the volume data-aios-postgres-0");
    source.fail("rollout status");
    await expect(backUp(source, named("both.aios"))).rejects.toThrow("interrupted");
    expect(source.said.at(-1)).toContain("the connection was lost");
  });

  it("is refused with a sentence: no release, a file that is there", async () => {
    const source = cluster(true);
    await expect(backUp(cluster(false), named("x"))).rejects.toMatchObject({
      code: "release-absent",
      message: expect.stringContaining("--namespace"),
    });
    await expect(backUp(source, file)).rejects.toMatchObject({ code: "file-exists" });
    expect(source.whole).toEqual(original);
  });
});

describe("a restore of a release", () => {
  it("makes what was there: volumes, keys, workloads, with the operator's values", async () => {
    const target = cluster(false);
    expect(await restoreInto(target, file)).toMatchObject({
      volumes: 3,
      chain: { height: 42, hash: "0xb10c" },
    });
    const { stored, ...rest } = original;
    const { [`Secret/${OTHERS}`]: _others, ...ours } = stored;
    expect(target.whole).toEqual({ ...rest, stored: ours });
    expect(target.installedWith).toEqual([JSON.stringify(VALUES)]);
  });

  it("replaces nothing that is there unless told to, and names it", async () => {
    const target = cluster(true);
    writeFileSync(join(target.home, CLAIMS[0], "content"), "newer");
    await expect(restoreInto(target, file)).rejects.toMatchObject({
      code: "target-not-empty",
      message: expect.stringMatching(/Deployment\/aios-gateway.*--replace/),
    });
    await restoreInto(target, file, { replace: true });
    expect(target.whole).toEqual(original);
  });

  it("takes no namespace for empty that has a claim which the backup has not: its pod would go on with it", async () => {
    const target = cluster(false);
    const claim = { kind: "PersistentVolumeClaim", metadata: { name: "data-aios-storage-1" } };
    await target.operation().kubectl.send("create", [claim]);
    await expect(restoreInto(target, file)).rejects.toMatchObject({
      code: "target-not-empty",
      message: expect.stringContaining("PersistentVolumeClaim/data-aios-storage-1"),
    });
  });

  it("replaces nothing beside a claim that the backup has not, and names it", async () => {
    const target = cluster(true);
    const claim = { kind: "PersistentVolumeClaim", metadata: { name: "data-aios-storage-1" } };
    await target.operation().kubectl.send("create", [claim]);
    const before = target.whole;
    await expect(restoreInto(target, file, { replace: true })).rejects.toMatchObject({
      code: "claims-left",
      message: expect.stringMatching(/ data-aios-storage-1 /),
      details: { claims: ["data-aios-storage-1"] },
    });
    expect(target.whole).toEqual(before);
  });

  it("leaves what was there running where one volume has no room", async () => {
    const target = cluster(true);
    writeFileSync(join(target.home, CLAIMS[0], "content"), "newer");
    const before = target.whole;
    const full = new CodedError({
      code: "disk-full",
      kind: "unavailable",
      message: "The volume has no room.",
    });
    target.fail("aios-state-data-aios-storage-0 --stdin", full);
    await expect(restoreInto(target, file, { replace: true })).rejects.toMatchObject({ code: "disk-full" });
    expect(target.whole).toEqual(before);
  });

  it("starts what was there again also where its own pods cannot be removed", async () => {
    const target = cluster(true);
    target.fail("delete pods");
    await expect(restoreInto(target, file, { replace: true })).rejects.toMatchObject({
      code: "kubectl-failed",
    });
    expect(target.whole).toEqual(original);
  });

  it("of a namespace that was empty leaves it empty where it is interrupted", async () => {
    const target = cluster(false);
    target.interruptAt("writing the volume data-aios-postgres-0");
    await expect(restoreInto(target, file)).rejects.toThrow("interrupted");
    expect(target.whole).toEqual({
      volumes: {},
      pods: {},
      stopped: 0,
      helpers: 0,
      schedules: {},
      stored: {},
    });
  });

  it("keeps its reason where not all of it can be undone, and tells both", async () => {
    const target = cluster(false);
    target.interruptAt("writing the volume data-aios-postgres-0");
    target.fail("delete persistentvolumeclaim");
    await expect(restoreInto(target, file)).rejects.toThrow("interrupted");
    expect(target.said.at(-1)).toMatch(/not all of it was undone: the connection was lost/);
  });

  it("that is cut off between its places runs nothing, and is finished by another", async () => {
    const target = cluster(true);
    target.fail(
      "aios-state-data-aios-storage-0 -- /usr/local/bin/node /app/apps/cluster/dist/src/state/main.js settle-volume",
    );
    await expect(restoreInto(target, file, { replace: true })).rejects.toMatchObject({
      code: "restore-cut-off",
      message: expect.stringContaining("--replace"),
    });
    expect(target.whole).toMatchObject({ pods: { "aios-gateway": 0, "aios-storage": 0 }, helpers: 0 });
    target.fail();
    await restoreInto(target, file, { replace: true });
    expect(target.whole).toEqual(original);
  });

  it("loses no events that waited in a Kafka outside: it refuses values without one", async () => {
    const waiting = named("waiting.aios");
    const about = { format: 1, ...ABOUT, hasEvents: true };
    const archive = packArchive([bytesEntry(ABOUT_ENTRY, Buffer.from(JSON.stringify(about)))], "");
    await writeSealedFile(waiting, archive, PASSPHRASE, 14);
    const target = cluster(true);
    await expect(restoreInto(target, waiting, { replace: true })).rejects.toMatchObject({
      code: "state-differs",
    });
    expect(target.whole).toEqual(original);
  });

  it("lets no certificate be made anew amid it, and goes on with that afterwards", async () => {
    const target = cluster(true);
    const seen: unknown[] = [];
    target.onSay = (line) => {
      if (line.startsWith("writing the volume")) seen.push(target.whole.schedules);
    };
    await restoreInto(target, file, { replace: true });
    expect(seen).toEqual(CLAIMS.map(() => ({ [RENEWAL]: true })));
    expect(target.whole).toEqual(original);
  });

  it.each([
    ["what it says of itself", { release: "aios" }, []],
    [
      "a name of a volume that leads elsewhere",
      { ...ABOUT, volumes: [{ claim: "../x", statefulSet: "s", template: "t" }] },
      [],
    ],
    [
      "an object that is neither key nor genesis",
      ABOUT,
      [{ apiVersion: "v1", kind: "Pod", metadata: { name: "p", labels: {} } }],
    ],
    [
      "keys that are no text",
      ABOUT,
      [{ apiVersion: "v1", kind: "Secret", metadata: { name: "k", labels: {} }, data: { k: 1 } }],
    ],
  ])("refuses a backup with another form of %s, and changes nothing", async (_what, about, objects) => {
    const other = named(`form-${_what.length}.aios`);
    const text = (path: string, value: unknown) => bytesEntry(path, Buffer.from(JSON.stringify(value)));
    const archive = packArchive(
      [text(ABOUT_ENTRY, { format: 1, ...about }), text(OBJECTS_ENTRY, objects)],
      "",
    );
    await writeSealedFile(other, archive, PASSPHRASE, 14);
    const target = cluster(true);
    await expect(restoreInto(target, other, { replace: true })).rejects.toMatchObject({
      code: "backup-unexpected",
      message: expect.stringContaining("cluster/"),
    });
    expect(target.whole).toEqual(original);
  });

  it("says so where the node that came up has another chain", async () => {
    await expect(restoreInto(cluster(false, "0xother"), file)).rejects.toMatchObject({
      code: "chain-differs",
      message: expect.stringContaining("0xb10c"),
    });
  });

  it("changes nothing for a plan, a wrong passphrase, another release, or another kind of backup", async () => {
    const target = cluster(true);
    expect(await restoreInto(target, file, { planOnly: true, replace: true })).toBeUndefined();
    const [local, newer] = [named("local.aios"), named("newer.aios")];
    const sealed = (name: string, path: string, text: string) =>
      writeSealedFile(name, packArchive([bytesEntry(path, Buffer.from(text))], ""), PASSPHRASE, 14);
    await sealed(local, "genesis.json", "{}");
    await sealed(newer, ABOUT_ENTRY, '{"format":3}');
    for (const [restoring, code] of [
      [() => restoreInto(target, file, { passphrase: "not the passphrase" }), "wrong-passphrase"],
      [() => restoreInto(target, file, {}, "other"), "release-differs"],
      [() => restoreInto(target, local), "other-backup"],
      [() => restoreInto(target, newer), "backup-newer"],
      [() => restore(file, named("machine"), PASSPHRASE, { force: false, nowMs: 0 }), "other-backup"],
    ] as const)
      await expect(restoring()).rejects.toMatchObject({ code });
    expect(target.whole).toEqual(original);
    expect(existsSync(named("machine/cluster"))).toBe(false);
  });
});
