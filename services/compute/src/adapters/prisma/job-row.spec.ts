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

it("reads a row from before terms named a sample's share, a replica's cap and trust, and draws a secret", () => {
  const draw = { drawn: true, blockHash: `0x${"0b".repeat(32)}` };
  const { sampleShareBps, replicaPriceCapWei, trust, ...terms } = job.terms;
  const read = jobFromQuery({ ...row({ ...(jobBody(job) as object), draw }), terms });
  expect(read).toEqual({
    ...job,
    terms: { ...terms, sampleShareBps: 0, replicaPriceCapWei: "0", trust: "" },
    draw: { ...draw, secret: "" },
  });
});

it("refuses by a code what it cannot read, and names the field", () => {
  const body = jobBody(job) as Record<string, unknown>;
  const damaged: readonly (readonly [string, JobWithLeases])[] = [
    ["body.placeAtMs", row({ ...body, placeAtMs: "soon" })],
    ["body.attempts.0.step", row({ ...body, attempts: [{ step: "mint" }] })],
    ["terms.order.nonce", { ...row(body), terms: { ...job.terms, order: { ...job.terms.order, nonce: 1 } } }],
    ["state", { ...row(body), state: "lost" }],
    ["buyer", { ...row(body), buyer: "somebody" }],
  ];
  for (const [field, stored] of damaged)
    expect(() => jobFromQuery(stored)).toThrowError(
      expect.objectContaining({ code: "stored-row-unreadable", details: { id: job.jobId, field } }),
    );
});

it("keeps what a later release has added to a row", () => {
  const read = jobFromQuery(row({ ...(jobBody(job) as object), later: { than: "this" } }));
  expect(jobBody(read)).toMatchObject({ later: { than: "this" } });
});
