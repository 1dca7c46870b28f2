import { isDrawn } from "@aios/core-settlement/sample-draw";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { Job, SampleDraw } from "./job.js";

/**
 * Draws a delivered job by the block that holds its delivery and the job's secret. Once an earlier draw has shown the
 * secret a provider could choose its block by it: then, and for a job without one, every delivery is drawn.
 */
export function drawSample({ jobId, drawSecret, terms }: Job, blockHash: Bytes32): SampleDraw {
  const facts = { blockHash, secret: drawSecret, shareBps: terms.sampleShareBps };
  return { blockHash, secret: drawSecret, drawn: drawSecret === "" || isDrawn(jobId, facts) };
}
