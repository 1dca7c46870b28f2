import { expect, it } from "vitest";
import { sampleJob } from "../../../test/support/sample-job.js";
import { type JobWithLeases, jobBody, jobFromQuery, termsColumn } from "./job-row.js";

const job = sampleJob("sample");
const row = (body: object): JobWithLeases => ({
  job_id: job.jobId,
  tenant: job.tenant,
  buyer: job.buyer,
  kind: job.kind,
  verification: job.verification,
  state: job.state,
  created_at_ms: job.createdAtMs,
  traceparent: job.traceparent,
  terms: termsColumn(job.terms),
  body,
  leases: [],
});

it("keeps a job with its secret, and reads rows from before there was one as without", () => {
  expect(job.drawSecret).not.toBe("");
  expect(jobFromQuery(row(jobBody(job)))).toEqual(job);
  const { drawSecret: _, ...before } = jobBody(job) as Record<string, unknown>;
  expect(jobFromQuery(row(before))).toEqual({ ...job, drawSecret: "" });
});
