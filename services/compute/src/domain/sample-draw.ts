import { isDrawn } from "@aios/core-settlement/sample-draw";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { contradictsDelivery } from "./counted-output.js";
import { type Job, liveLease, type SampleDraw } from "./job.js";

/**
 * Draws a delivered job by the block that holds its delivery and the job's secret. Once an earlier draw has shown the
 * secret a provider could choose its block by it: then, and for a job without one, every delivery is drawn. So is one
 * whose provider handed over another output.
 */
export function drawSample(job: Job, blockHash: Bytes32): SampleDraw {
  const { jobId, drawSecret, terms } = job;
  if (contradictsDelivery(job, liveLease(job))) return { blockHash, secret: "", drawn: true };
  const facts = { blockHash, secret: drawSecret, shareBps: terms.sampleShareBps };
  return { blockHash, secret: drawSecret, drawn: drawSecret === "" || isDrawn(jobId, facts) };
}
