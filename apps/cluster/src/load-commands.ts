import { parseArgs } from "node:util";
import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt } from "@aios/datasets/labelled-digits";
import { TRAINING } from "@aios/main-job/plan";
import { newestModel } from "@aios/main-job/synthetic-inference";
import { AiosClient } from "@aios/sdk/client";
import { privateKeySigner } from "@aios/sdk/wallet";
import { monotonicMs, systemClock } from "@aios/service-kit/system-clock";
import { AnswerCount } from "./answer-count.js";
import { required } from "./arguments.js";
import { eventsOwed } from "./events-owed.js";
import { accountKey, readFiles } from "./network.js";
import { auditOrder, strangers } from "./order-audit.js";
import { orderFor } from "./order-load.js";
import { readFor } from "./read-load.js";
import { readMeanwhile } from "./read-meanwhile.js";

/** A client that is told to come back does so for this many times: a service that is replaced is away for seconds. */
const RETRIES = 60;

const write = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

/** Reads for a while; 1 when one answer was an error of the platform. */
export async function readLoad(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      gateway: { type: "string" },
      seconds: { type: "string", default: "60" },
      clients: { type: "string", default: "4" },
    },
  });
  const report = await readFor({
    url: `${required("gateway", values.gateway)}/v1/models`,
    goesOn: untilTold(Number(values.seconds)),
    clients: Number(values.clients),
  });
  write(report);
  return report.failed === 0 && report.answered > 0 ? 0 : 1;
}

/** Orders for a while, then accounts for every order and every event; 1 when anything is lost, doubled or failed. */
export async function orderLoad(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      gateway: { type: "string" },
      keys: { type: "string", default: "/network-keys" },
      account: { type: "string", default: "business" },
      operator: { type: "string", default: "foundation" },
      seconds: { type: "string", default: "60" },
      clients: { type: "string", default: "2" },
    },
  });
  const baseUrl = required("gateway", values.gateway);
  const keys = readFiles(values.keys);
  const signerOf = (account: string) => privateKeySigner(accountKey(keys, account));
  const answers = new AnswerCount();
  const buyer = new AiosClient({
    baseUrl,
    signer: signerOf(values.account),
    fetch: answers.fetch,
    retries: RETRIES,
  });
  const { unseen } = splitDigits(await loadDigits(), TRAINING);
  const sinceMs = systemClock.now();
  const goesOn = untilTold(Number(values.seconds));
  const reader = new AiosClient({
    baseUrl,
    signer: signerOf(values.account),
    fetch: answers.fetch,
    retries: 0,
  });
  const reading = readMeanwhile(reader, goesOn);
  const orders = await orderFor({
    buyer,
    modelId: await newestModel(buyer),
    digit: (index) => digitAt(unseen, index % unseen.count),
    goesOn,
    clients: Number(values.clients),
  });
  await reading;
  const jobs = orders.flatMap(({ jobId }) => jobId ?? []);
  const audits = [];
  for (const jobId of jobs) audits.push(await auditOrder(buyer, jobId));
  const operator = new AiosClient({ baseUrl, signer: signerOf(values.operator), retries: RETRIES });
  const problems = [
    ...orders.flatMap(({ problem }) => problem ?? []),
    ...audits.flatMap((audit) => audit.problems),
    ...(await strangers(buyer, new Set(jobs), sinceMs)),
    ...(await eventsOwed(operator)),
  ];
  const { failed, ...rest } = answers.report();
  const changes = Object.fromEntries(audits.map((audit) => [audit.jobId, audit.changes]));
  write({ orders: orders.length, problems, requests: { failed, ...rest }, changes });
  return orders.length > 0 && problems.length === 0 && failed === 0 ? 0 : 1;
}

/** True until the time is over or SIGTERM says that it is enough; what was begun is finished then. */
function untilTold(seconds: number): () => boolean {
  const endsAt = monotonicMs() + seconds * 1_000;
  let told = false;
  process.once("SIGTERM", () => {
    told = true;
  });
  return () => !told && monotonicMs() < endsAt;
}
