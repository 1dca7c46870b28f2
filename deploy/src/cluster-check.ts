import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { SERVICES } from "@aios/service-kit/local-instance";
import { Cluster } from "./cluster.js";

const USAGE = `Usage: npm run test:cluster -- [options]

Installs the umbrella chart into the cluster that KUBECONFIG names, under Pod Security "restricted", and tries what an
operator does: the main job, scaling one service alone, a rolling upgrade under load, lost pods, a drained node,
uninstalling. Needs helm and kubectl, and the images where the cluster can get them.

  --registry NAME     first part of the images' names (aios)
  --tag TAG           their tag (0.1.0)
  --next-tag TAG      tag that the rolling upgrade goes to; the same one rolls the pods anyway
  --namespace NAME    where to install (aios-check); it must not hold anything else
  --release NAME      name of the release (aios)
  --values FILE       further values; may be given several times
  --keep              leave everything installed at the end
`;
const GATEWAY_PORT = 8_080;
const MAIN_JOB_MS = 900_000;
const LOAD_SECONDS = 90;
const LOAD_MS = 300_000;

const { values } = parseArgs({
  options: {
    registry: { type: "string", default: "aios" },
    tag: { type: "string", default: "0.1.0" },
    "next-tag": { type: "string" },
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
const cluster = new Cluster({
  namespace,
  release,
  image: { registry: values.registry, tag },
  values: values.values,
});
const gateway = `http://${release}-gateway:${GATEWAY_PORT}`;
const deployment = (service: string): string => `deployment/${release}-${service}`;
let passed = 0;
let failed = 0;

const installed = await step(
  "installs under Pod Security 'restricted' until every pod is ready",
  async () => {
    await cluster.createNamespace();
    await cluster.install();
    return cluster.kubectl("get", "pods", "--no-headers");
  },
);
if (installed) {
  await step("refuses what this cluster lacks before it makes anything", refuseWhatIsLacking);
  await step("runs the main job through the cluster's gateway", () => mainJob("main-job-first"));
  for (const service of ["zk-prover", "gateway"]) {
    await step(`scales ${service} alone`, () => scaleAlone(service));
  }
  await step("upgrades every service under load without one failed read", upgradeUnderLoad);
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

async function refuseWhatIsLacking(): Promise<string> {
  const cases: readonly (readonly [string, string])[] = [
    ["global.redis.secretName=nowhere", "The Secret nowhere is not in the namespace"],
    ["storage.persistence.storageClassName=nowhere", "The cluster has no storage class nowhere"],
    ["economy.resources.requests.memory=90000000Mi", "No node is large enough for economy"],
  ];
  for (const [setting, sentence] of cases) {
    const said = await cluster.refusal(setting);
    if (!said.includes(sentence))
      throw new Error(`${setting} was answered: ${said === "" ? "nothing" : said}`);
  }
  return cases.map(([, sentence]) => sentence).join("\n");
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

async function upgradeUnderLoad(): Promise<string> {
  await cluster.kubectl("delete", "job", "read-load", "--ignore-not-found", "--wait=true");
  await cluster.startJob("read-load", ["read-load", "--gateway", gateway, "--seconds", `${LOAD_SECONDS}`]);
  const next = values["next-tag"] ?? tag;
  const roll = SERVICES.map((service) => `${service}.podAnnotations.rolled=again`);
  await cluster.install(`global.image.tag=${next}`, ...roll);
  return cluster.finishJob("read-load", LOAD_MS);
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
  return `${pods}\n${events.trim().split("\n").slice(-25).join("\n")}\n`;
}
