import { CodedError } from "@aios/kernel/coded-error";
import type { Job } from "@aios/sdk/api-types";

/** The main job did not do what it promises. */
export function unmet(
  code: string,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): CodedError {
  return new CodedError({ code, kind: "conflict", message, details });
}

/** The job, once it is settled. Throws `job-not-settled` with the job's own reason. */
export function settled(job: Job): Job {
  if (job.state === "settled") return job;
  const reason = job.error === null ? "" : ` ${job.error.message}`;
  throw unmet("job-not-settled", `The job ended as '${job.state}' instead of settled.${reason}`, {
    jobId: job.jobId,
    state: job.state,
    error: job.error,
  });
}

/** A value that the platform has to have given by now. Throws `missing-answer`. */
export function present<T>(value: T | null | undefined, name: string): T {
  if (value === null || value === undefined)
    throw unmet("missing-answer", `The platform did not give ${name}.`, { name });
  return value;
}
