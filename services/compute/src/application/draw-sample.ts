import type { Clock } from "@aios/kernel/clock";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { Job } from "../domain/job.js";
import { withDraw } from "../domain/job-transitions.js";
import type { ChainReader, JobStore } from "../domain/ports.js";
import { drawSample } from "../domain/sample-draw.js";

/** Decides whether a sampled delivery has to be proven, by the block that holds it and the job's secret. */
export class DrawSample {
  constructor(
    private readonly jobs: Pick<JobStore, "change">,
    private readonly reader: Pick<ChainReader, "blockHash">,
    private readonly clock: Clock,
  ) {}

  async execute(job: Job): Promise<void> {
    const blockHash = await this.reader.blockHash(
      // Jobs that were delivered under an earlier release do not say it: nothing newer is known of them.
      job.held?.blockNumber ?? job.chainPosition.blockNumber,
    );
    crashPoint("compute.draw.before-store");
    await this.jobs.change(job.jobId, (stored) => ({
      job: withDraw(stored, drawSample(stored, blockHash), this.clock.now()),
    }));
  }
}
