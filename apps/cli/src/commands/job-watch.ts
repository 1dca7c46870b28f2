import type { Job } from "@aios/sdk/api-types";
import type { CommandInput } from "../command.js";
import { accountClient, jobIdArgument } from "../platform.js";

/** The job at every change until it ends: a line for what is new; with --json one job a line. 1 unless it settled. */
export async function watchJob(input: CommandInput): Promise<number> {
  const jobId = jobIdArgument(input.positionals[0]);
  const client = await accountClient(input);
  const lines = new WatchLines();
  let last: Job | undefined;
  for await (const job of client.jobs.watch(jobId)) {
    last = job;
    if (input.json) input.output.write(`${JSON.stringify(job)}\n`);
    else for (const line of lines.of(job)) input.output.write(`${line}\n`);
  }
  return last?.state === "settled" ? 0 : 1;
}

/** What a person is told of a job that changes: each step, each stage of its progress and each state once. */
export class WatchLines {
  #steps = 0;
  #progress = "";
  #state = "";

  of(job: Job): string[] {
    const lines: string[] = [];
    const steps = [...job.steps].sort((a, b) => a.atMs - b.atMs);
    const start = steps[0]?.atMs ?? job.createdAtMs;
    for (const { name, atMs } of steps.slice(this.#steps))
      lines.push(`+${String(atMs - start).padStart(6)} ms  ${name}`);
    this.#steps = steps.length;
    const progress = job.progress === null ? "" : progressLine(job.progress);
    if (progress !== "" && progress !== this.#progress) lines.push(progress);
    this.#progress = progress;
    if (job.state !== this.#state) lines.push(job.state);
    this.#state = job.state;
    if (job.error !== null && isOver(job)) lines.push(`error ${job.error.code}: ${job.error.message}`);
    return lines;
  }
}

function progressLine({ percent, message }: NonNullable<Job["progress"]>): string {
  return `${String(percent).padStart(7)} %   ${message}`;
}

function isOver({ state }: Job): boolean {
  return state === "refunded" || state === "failed";
}
