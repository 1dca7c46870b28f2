import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { privateKeySigner } from "@aios/sdk/wallet";
import { freePort } from "@aios/service-kit/free-port";
import { SERVICES } from "@aios/service-kit/local-instance";
import { Cluster } from "./cluster.js";
import { goOnThroughACut } from "./cut-off.js";
import { namesTroubles, soundByGateway, soundByKubernetes } from "./doctor-check.js";
import { countEvents } from "./event-count.js";
import type { ChainChanges } from "./event-judgement.js";
import { refusesWhatIsLacking, saysWhyInPods } from "./reasons-check.js";
import { backUpWipeAndRestore } from "./restored-copy.js";
import { upgradeUnderLoad } from "./upgrade-under-load.js";

const USAGE = `Usage: npm run test:cluster -- [options]

Installs the umbrella chart into the cluster that KUBECONFIG names, under Pod Security "restricted", and tries what an
operator does: the main job, scaling one service alone, a rolling upgrade under load, lost pods, a service that nobody
reaches, a drained node, a backup that is restored after everything was removed, uninstalling. Needs helm and kubectl, and
the images where the cluster can get them.

  --registry NAME     first part of the images' names (aios)
  --tag TAG           their tag (0.1.0)
  --next-tag TAG      tag that the rolling upgrade goes to, and that makes the load; the same one rolls the pods anyway
  --previous-chart DIR  umbrella chart that is installed first; the rolling upgrade comes from it to this one
  --cut PROGRAM       lets no packet of a pod pass: PROGRAM cut ADDRESS…, PROGRAM join ADDRESS…; without, no service is cut off
  --cut-service NAME  service that is cut off (economy); may be given several times
  --namespace NAME    where to install (aios-check); it must not hold anything else
  --release NAME      name of the release (aios)
  --values FILE       further values; may be given several times
  --keep              leave everything installed at the end
`;
const GATEWAY_PORT = 8_080;
const MAIN_JOB_MS = 900_000;
const OPERATOR_KEY = "account-foundation.key";

const { values } = parseArgs({
  options: {
    registry: { type: "string", default: "aios" },
    tag: { type: "string", default: "0.1.0" },
    "next-tag": { type: "string" },
    "previous-chart": { type: "string" },
    cut: { type: "string" },
    "cut-service": { type: "string", multiple: true, default: ["economy"] },
    namespace: { type: "string", default: "aios-check" },
    release: { type: "string", default: "aios" },
    values: { type: "string", multiple: true, default: [] },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

const { release, namespace, tag } = values;
const nextTag = values["next-tag"] ?? tag;
const cluster = new Cluster({
  namespace,
  release,
  image: { registry: values.registry, tag, nextTag },
  values: values.values,
});
/** A sign-in names the address that the client sees, so the gateway has to know it. */
const doctorsPort = await freePort();
const gateway = `http://${release}-gateway:${GATEWAY_PORT}`;
const deployment = (service: string): string => `deployment/${release}-${service}`;
let passed = 0;
let failed = 0;

const installed = await step(
  "installs under Pod Security 'restricted' until every pod is ready",
  async () => {
    await cluster.createNamespace();
    const previous = values["previous-chart"];
    await (previous === undefined ? cluster.install() : cluster.installFrom(previous));
    return cluster.kubectl("get", "pods", "--no-headers");
  },
);
if (installed) {
  await step("refuses what this cluster lacks before it makes anything", () => refusesWhatIsLacking(cluster));
  await step("runs the main job through the cluster's gateway", () => mainJob("main-job-first"));
  for (const service of ["zk-prover", "gateway"]) {
    await step(`scales ${service} alone`, () => scaleAlone(service));
  }
  let changes: ChainChanges | undefined;
  await step(
    "upgrades every service under reads and orders: no request fails, no order is lost or doubled",
    async () => {
      const { shown, changes: ofOrders } = await upgradeUnderLoad(cluster, gateway, upgrade);
      changes = ofOrders;
      return shown;
    },
  );
  await step("has every event of those orders once", () => eventsOf(changes));
  await cutServicesOff();
  await step("buys an inference as the synthetic check", syntheticOutcome);
  await step("is found sound by the doctor of an operator", async () =>
    soundByGateway(cluster, await cluster.secret("aios-network", OPERATOR_KEY), doctorsPort),
  );
  await step("has every pod found sound by the doctor that asks Kubernetes", () =>
    soundByKubernetes(cluster),
  );
  await step("has each trouble of a pod named by that doctor, with the way out", () =>
    namesTroubles(cluster, deployment("marketplace")),
  );
  await step("says in the pod why a service cannot start", () => saysWhyInPods(cluster));
  await step("renews certificates by its CronJob", renewCertificates);
  await step("loses pods and runs the main job again", async () => {
    for (const service of ["compute", "economy", "gateway"]) {
      await cluster.kubectl(
        "delete",
        "pod",
        "--selector",
        `app.kubernetes.io/name=${service}`,
        "--wait=false",
      );
    }
    for (const service of ["compute", "economy", "gateway"]) await cluster.rolledOut(deployment(service));
    return mainJob("main-job-after-loss");
  });
  await step("comes back after its node was drained", drainNode);
  await step("is backed up, wiped, and restored by two commands", () => backUpWipeAndRestore(cluster));
  await step("runs the main job on the restored copy, as helm's test", () => cluster.test(MAIN_JOB_MS));
  if (!values.keep) await step("uninstalls and leaves nothing that runs", uninstall);
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** One check; its result is shown, its failure is counted and the next check goes on. */
async function step(title: string, work: () => Promise<string>): Promise<boolean> {
  const startedAt = performance.now();
  const took = (): string => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  process.stdout.write(`\n${title}\n`);
  try {
    const shown = await work();
    for (const line of shown.trim().split("\n")) process.stdout.write(`    ${line}\n`);
    process.stdout.write(`ok: ${title} (${took()})\n`);
    passed += 1;
    return true;
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.stdout.write(`FAILED: ${title} (${took()})\n${await whatIsWrong()}`);
    failed += 1;
    return false;
  }
}

function mainJob(name: string): Promise<string> {
  return cluster.runJob(name, ["main-job", "--gateway", gateway, "--providers", "2"], MAIN_JOB_MS);
}

async function scaleAlone(service: string): Promise<string> {
  const before = await podsByService();
  const replicas = (before.get(service) ?? 0) + 1;
  await cluster.kubectl("scale", deployment(service), `--replicas=${replicas}`);
  await cluster.rolledOut(deployment(service));
  const after = await podsByService();
  for (const [name, count] of after) {
    const expected = name === service ? replicas : before.get(name);
    if (count !== expected) throw new Error(`${name} has ${count} pods, expected ${expected}`);
  }
  return `${service}: ${before.get(service)} → ${replicas} pods; all others as before`;
}

async function podsByService(): Promise<ReadonlyMap<string, number>> {
  const lines = await cluster.kubectl(
    ...["get", "pods", "--field-selector=status.phase=Running", "--no-headers"],
    ...["--selector", "app.kubernetes.io/part-of=aios", "--label-columns", "app.kubernetes.io/name"],
  );
  const counts = new Map<string, number>();
  for (const line of lines.trim().split("\n")) {
    const name = line.trim().split(/\s+/).at(-1) ?? "";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

async function upgrade(): Promise<void> {
  const roll = SERVICES.map((service) => `${service}.podAnnotations.rolled=again`);
  await cluster.install(`global.image.tag=${nextTag}`, ...roll, ...(await watched()));
}

async function cutServicesOff(): Promise<void> {
  const program = values.cut;
  if (program === undefined) return;
  for (const service of values["cut-service"]) {
    let changes: ChainChanges | undefined;
    await step(`goes on, once, through a minute in which nobody reaches ${service}`, async () => {
      const { shown, changes: ofOrders } = await goOnThroughACut(cluster, { gateway, service, program });
      changes = ofOrders;
      return shown;
    });
    await step("has every event of those orders once", () => eventsOf(changes));
  }
}

async function eventsOf(changes: ChainChanges | undefined): Promise<string> {
  if (changes === undefined)
    throw new Error("there are no orders to look for: what went before did not go through");
  return countEvents(cluster, deployment("compute"), changes);
}

/** The settings that let an operator look inside and the synthetic check buy. */
async function watched(): Promise<readonly string[]> {
  const operator = privateKeySigner((await cluster.secret("aios-network", OPERATOR_KEY)).trim()).address;
  return [
    "global.synthetic.enabled=true",
    "global.synthetic.every=1m",
    `gateway.settings.GATEWAY_OPERATORS=${operator}`,
    `gateway.hosts={127.0.0.1:${doctorsPort}}`,
  ];
}

async function syntheticOutcome(): Promise<string> {
  await cluster.rolledOut(deployment("synthetic"));
  const endsAt = performance.now() + MAIN_JOB_MS;
  for (;;) {
    const log = await cluster.kubectl("logs", deployment("synthetic"), "--tail=20");
    const outcome = log.split("\n").find((line) => line.includes('"ok":true'));
    if (outcome !== undefined) return outcome;
    if (performance.now() > endsAt) throw new Error(`no check went through:\n${log}`);
    await delay(1_000);
  }
}

async function renewCertificates(): Promise<string> {
  const cronJob = `cronjob/${release}-certificate-renewal`;
  if ((await cluster.kubectl("get", cronJob, "--ignore-not-found", "--output=name")) === "")
    return "this release has no certificates of its own";
  await cluster.kubectl("create", "job", "renewal", `--from=${cronJob}`);
  return cluster.finishJob("renewal", MAIN_JOB_MS);
}

async function drainNode(): Promise<string> {
  const node = (await cluster.kubectl("get", "nodes", "--output=jsonpath={.items[0].metadata.name}")).trim();
  await cluster.kubectl(
    ...["drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=5m"],
    ...["--pod-selector", "app.kubernetes.io/part-of=aios"],
  );
  await cluster.kubectl("uncordon", node);
  for (const service of ["gateway", "compute", "economy", "marketplace"])
    await cluster.rolledOut(deployment(service));
  return mainJob("main-job-after-drain");
}

async function uninstall(): Promise<string> {
  await cluster.kubectl("delete", "jobs", "--all", "--wait=true");
  await cluster.kubectl("delete", "pod", `${release}-main-job`, "--ignore-not-found");
  await cluster.uninstall();
  await cluster.kubectl("wait", "--for=delete", "pods", "--all", "--timeout=2m");
  const left = await cluster.kubectl("get", "all", "--output=name");
  if (left.trim() !== "") throw new Error(`still there:\n${left}`);
  return "what stays is data and keys: claims and the network's Secret";
}

async function whatIsWrong(): Promise<string> {
  const ask = (...args: readonly string[]): Promise<string> =>
    cluster.kubectl(...args).catch((error: Error) => error.message);
  const pods = await ask("get", "pods", "--output=wide");
  const events = await ask("get", "events", "--sort-by=.lastTimestamp", "--field-selector=type!=Normal");
  const unready = pods.split("\n").flatMap((line) => /^(\S+)\s+0\/\d+\s+Running/.exec(line)?.[1] ?? []);
  const logs = await Promise.all(
    unready.map(async (pod) => `the last that ${pod} said:\n${await ask("logs", pod, "--tail=15")}`),
  );
  return [pods, events.trim().split("\n").slice(-25).join("\n"), ...logs, ""].join("\n");
}
