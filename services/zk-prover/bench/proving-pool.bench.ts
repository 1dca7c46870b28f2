// `npm run bench -- proving-pool`: the pool as it runs, replicas that are processes of their own on one database. First
// what it adds to a proof where jobs come one at a time, then 1,000 jobs at once while a replica is killed every ten
// seconds: each must be proven once. `--only overhead` or `--only kills` for one of the two; `--jobs`, `--replicas`,
// `--kill-every` and `--patience` (seconds without any job ending after which it gives up).
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { ProverPlatform } from "../test/support/prover-platform.js";
import { killFigures } from "./proving-pool/kills.js";
import { overheadFigures } from "./proving-pool/overhead.js";
import { PoolClient } from "./proving-pool/pool-client.js";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    only: { type: "string" },
    jobs: { type: "string", default: "1000" },
    replicas: { type: "string", default: "2" },
    "kill-every": { type: "string", default: "10" },
    patience: { type: "string", default: "60" },
  },
});
const [jobs, replicas] = [Number(values.jobs), Number(values.replicas)];

const platform = await ProverPlatform.start();
try {
  // A core's threads are shared out, not taken twice.
  const threads = Math.max(1, Math.floor(availableParallelism() / replicas));
  for (let replica = 0; replica < replicas; replica++)
    await platform.startProver({
      PROVER_THREADS: String(threads),
      PROVER_QUEUE_LIMIT: String(jobs + 1),
    });
  const client = await PoolClient.open(platform);
  try {
    if (values.only !== "kills") print(await overheadFigures(client));
    if (values.only !== "overhead") {
      const options = {
        jobs,
        killEveryMs: seconds(values["kill-every"]),
        patienceMs: seconds(values.patience),
      };
      const { figures, areAllProvenOnce } = await killFigures(platform, client, options);
      print(figures);
      if (!areAllProvenOnce) process.exitCode = 1;
    }
  } finally {
    await client.close();
  }
} finally {
  await platform.stop();
}

function seconds(text: string): number {
  return Number(text) * 1_000;
}

function print(figures: Awaited<ReturnType<typeof overheadFigures>>): void {
  for (const figure of figures) {
    const { name, value, unit, goal } = figure;
    const shown = `${name.padEnd(60)}${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ suite: "proving-pool", better: "lower", ...figure })}\n`
        : `${goal === undefined ? shown : `${shown.padEnd(76)}goal ≤ ${goal} ${unit}`}\n`,
    );
  }
}
