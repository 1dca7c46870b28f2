import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { topics } from "@aios/proto/topics";
import { recordEvents } from "../test/support/event-recorder.js";
import { endedKey, ProverPlatform } from "../test/support/prover-platform.js";

/**
 * The pool as it runs: replicas that are processes of their own on one database, and one of them killed again and again.
 * What is told is how many jobs were proven, how many more than once or not at all, and how long all took.
 */
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    jobs: { type: "string", default: "200" },
    replicas: { type: "string", default: "2" },
    "kill-every": { type: "string", default: "10" },
    "at-most": { type: "string", default: "100" },
  },
});
const [jobs, replicas] = [Number(values.jobs), Number(values.replicas)];
const [killEveryMs, atMostMs] = [Number(values["kill-every"]) * 1_000, Number(values["at-most"]) * 1_000];

const platform = await ProverPlatform.start();
const over = new AbortController();
let kills = 0;
let late = 0;

/** One replica after the other, each started again at once; one that does not come back in time is killed again. */
async function killAgainAndAgain(): Promise<void> {
  for (let turn = 0; !over.signal.aborted; turn++) {
    const isOver = await pause(killEveryMs, false, { signal: over.signal }).catch(() => true);
    if (isOver) return;
    const replica = platform.processes[turn % replicas];
    await replica?.kill();
    kills++;
    await replica?.restart().catch(() => late++);
  }
}

try {
  for (let replica = 0; replica < replicas; replica++) await platform.startProver();
  const { modelCid, modelCommitment, model } = platform.addModel(1);
  const marketplace = await platform.as("marketplace");
  await marketplace.setUpKey({ modelCid, modelCommitment });
  const key = await endedKey(marketplace, modelCommitment);
  const ended = await recordEvents(platform.eventsUrl, topics.proverProofEnded);
  const compute = await platform.as("compute");
  const startedAt = performance.now();
  for (let job = 1; job <= jobs; job++)
    await compute.requestProof(platform.jobRequest(job, { model, modelCid, key }));
  const killing = killAgainAndAgain();
  const outcomes = () => new Map(ended.events.map(({ jobId, proven }) => [jobId, proven]));
  while (outcomes().size < jobs && performance.now() - startedAt < atMostMs) await pause(50);
  const tookMs = performance.now() - startedAt;
  over.abort();
  await killing;
  const proven = [...outcomes().values()].filter(Boolean).length;
  figure("jobs proven", proven, "");
  figure("jobs that ended more than once", ended.events.length - outcomes().size, "");
  figure("jobs that did not end", jobs - outcomes().size, "");
  figure("replicas killed", kills, "");
  figure("of these not back within 30 s", late, "");
  figure("time a job", tookMs / Math.max(1, outcomes().size), "ms");
  await ended.close();
  if (proven !== jobs || ended.events.length !== jobs) process.exitCode = 1;
} finally {
  over.abort();
  await platform.stop();
}

function figure(name: string, value: number, unit: string): void {
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ suite: "proving-pool", better: "lower", name, value, unit })}\n`
      : `${name.padEnd(40)}${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}\n`,
  );
}
