import { formatAios } from "@aios/kernel/units";
import type { Job } from "@aios/sdk/api-types";
import { type Command, UsageError } from "../command.js";
import { accountClient, jobIdArgument } from "../platform.js";

const USAGE = "aios job <job id> | aios job list";

export const jobCommand: Command = {
  name: "job",
  usage: USAGE,
  summary: "one job with its steps, money and placement, or all of the account's",
  description: `Shows a job of the account: its steps with times, transactions and gas; where its money is, who may act next and
until when; which provider got it, and why not the others. 'list' shows all the account's jobs, newest first.`,
  async run(input) {
    if (input.positionals.length === 0) throw new UsageError(`Usage: ${USAGE}.`);
    const client = await accountClient(input);
    if (input.positionals[0] === "list") {
      const { items } = await client.jobs.list();
      input.output.write(
        input.json ? `${JSON.stringify(items)}\n` : `${items.map(line).join("\n") || "no jobs"}\n`,
      );
      return 0;
    }
    const jobId = jobIdArgument(input.positionals, USAGE);
    const [job, money, placement] = await Promise.all([
      client.jobs.get(jobId),
      client.jobs.money(jobId),
      client.jobs.placement(jobId),
    ]);
    if (input.json) {
      input.output.write(`${JSON.stringify({ job, money, placement })}\n`);
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
    ];
    if (job.error !== null) sections.push(`error ${job.error.code}: ${job.error.message}`);
    input.output.write(`${sections.join("\n")}\n`);
    return 0;
  },
};

function line(job: Job): string {
  return `${job.jobId}  ${job.kind}/${job.verification}  ${job.state}  cap ${formatAios(BigInt(job.priceCapWei))} AIOS`;
}
