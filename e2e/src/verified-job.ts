import type { AiosClient } from "@aios/sdk/client";
import type { VerificationReport } from "@aios/sdk/verification/verification-report";
import { verifyJob } from "@aios/sdk/verification/verify-job";
import { eventually } from "@aios/testkit/eventually";

const FINAL_WITHIN_MS = 30_000;

/** Checks a job as `verifyJob` does, once its settlement is final: a block is a moment older than its finality. */
export function verifiedJob(client: AiosClient, jobId: string): Promise<VerificationReport> {
  return eventually(async () => {
    const report = await verifyJob(client, jobId);
    const failing = report.checks.filter((check) => check.ok === false);
    if (failing.length > 0) throw new Error(`these do not hold: ${JSON.stringify(failing)}`);
    return report;
  }, FINAL_WITHIN_MS);
}
