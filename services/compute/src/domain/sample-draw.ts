import type { Bytes32, JobId } from "@aios/kernel/identifiers";
import { concat, keccak256 } from "ethers";
import type { SampleDraw } from "./job.js";

const WHOLE = 10_000n;

/**
 * Draws a delivered job with probability `shareBps` / 10,000: keccak256 of its id and the hash of the block that holds its
 * delivery. A provider that delivers cannot know that hash; afterwards anybody can compute the draw again.
 */
export function drawSample(jobId: JobId, blockHash: Bytes32, shareBps: number): SampleDraw {
  const drawn = BigInt(keccak256(concat([jobId, blockHash]))) % WHOLE < BigInt(shareBps);
  return { drawn, blockHash };
}
