import { formatAios } from "@aios/kernel/units";
import type { Job, Page } from "@aios/sdk/api-types";
import { leaseStakeAtRisk } from "@aios/sdk/provider-stake";
import { type Answered, answered, answerJson } from "../answered.js";
import type { Command, CommandInput } from "../command.js";
import { accountClient, jobIdArgument } from "../platform.js";
import { quoteModel } from "./job-quote.js";
import { watchJob } from "./job-watch.js";

/** Pages of the list that are read before the rest is only told of. */
const MOST_PAGES = 50;

export const jobCommand: Command = {
  name: "job",
  summary: "one job with its steps, money and placement, those of the account, or a quote",
  description: `Shows a job of the account: its steps with times, transactions and gas; where its money is, who may act next and
until when; which provider got it, and why not the others. Watched, it says each step and how far the prover is. A quote
says what each way to check an inference costs, takes and leaves to trust, and which provers are absent.`,
  actions: [
    {
      positionals: ["<job id>"],
      options: {},
      summary: "the job's steps, money and placement",
      example: `job 0x${"5e".repeat(32)}`,
      run: showJob,
    },
    {
      name: "list",
      positionals: [],
      options: {},
      summary: `the account's jobs, newest first, of the newest ${MOST_PAGES} pages; says where there are more`,
      example: "job list --key-file buyer.key",
      run: listJobs,
    },
    {
      name: "watch",
      positionals: ["<job id>"],
      options: {},
      summary: "the job at every change until it ends; exit code 0 where it settled",
      example: `job watch 0x${"5e".repeat(32)}`,
      run: watchJob,
    },
    {
      name: "quote",
      positionals: ["<model id>"],
      options: {},
      summary: "what an inference of the model costs, by each way to verify it; buys nothing",
      example: "job quote 1",
      run: quoteModel,
    },
  ],
};

async function listJobs(input: CommandInput): Promise<number> {
  const client = await accountClient(input);
  const { items, more } = await newestJobs((cursor) => client.jobs.list(cursor));
  if (input.json) input.output.write(`${JSON.stringify({ items, more })}\n`);
  else {
    const rest = more ? `and more: only the newest ${items.length} are shown\n` : "";
    input.output.write(`${items.map(line).join("\n") || "no jobs"}\n${rest}`);
  }
  return 0;
}

/** Reads page after page until the end or the bound, and says whether there are more. */
export async function newestJobs(
  list: (cursor?: string) => Promise<Page<Job>>,
  mostPages = MOST_PAGES,
): Promise<{ readonly items: readonly Job[]; readonly more: boolean }> {
  const items: Job[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < mostPages; page++) {
    const { items: found, nextCursor }: Page<Job> = await list(cursor ?? undefined);
    items.push(...found);
    if (nextCursor === null) return { items, more: false };
    cursor = nextCursor;
  }
  return { items, more: true };
}

async function showJob(input: CommandInput): Promise<number> {
  const jobId = jobIdArgument(input.positionals[0]);
  const client = await accountClient(input);
  const [job, money, placement, protocol] = await Promise.all([
    client.jobs.get(jobId),
    client.jobs.money(jobId),
    client.jobs.placement(jobId),
    client.protocol(),
  ]);
  const atRisk = await answered(leaseStakeAtRisk(client.rpc, protocol, jobId).then(String));
  if (input.json) {
    input.output.write(`${JSON.stringify({ job, money, placement, stakeAtRiskWei: answerJson(atRisk) })}\n`);
    return 0;
  }
  const start = job.steps[0]?.atMs ?? job.createdAtMs;
  const steps = [...job.steps]
    .sort((a, b) => a.atMs - b.atMs)
    .map((step) => {
      const chain =
        step.transactionHash === null ? "" : `  ${step.transactionHash}  ${step.gasUsed ?? "?"} gas`;
      return `  +${String(step.atMs - start).padStart(6)} ms  ${step.name.padEnd(18)}${chain}`;
    });
  const reasons = (placement.placements.at(-1)?.candidates ?? []).map(
    (each) => `  ${each.chosen ? "chosen" : "not   "}  ${each.provider}  ${each.explanation}`,
  );
  const sections = [
    line(job),
    "steps",
    ...steps,
    "money",
    ...money.explanation.map((sentence) => `  ${sentence}`),
    "placement",
    ...reasons,
    "stake at risk",
    `  ${riskText(atRisk)}`,
  ];
  if (job.error !== null) sections.push(`error ${job.error.code}: ${job.error.message}`);
  input.output.write(`${sections.join("\n")}\n`);
  return 0;
}

function riskText(atRisk: Answered<string>): string {
  return "error" in atRisk
    ? `not known: ${atRisk.error.message}`
    : `${formatAios(BigInt(atRisk.known))} AIOS: what a proven wrong output burns of the stake of whoever has the lease, as put at risk before it`;
}

function line(job: Job): string {
  return `${job.jobId}  ${job.kind}/${job.verification}  ${job.state}  cap ${formatAios(BigInt(job.priceCapWei))} AIOS`;
}
