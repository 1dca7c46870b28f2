import { decodeEvidence } from "@aios/core-groth16/evidence";
import { decodeProof } from "@aios/core-groth16/proof-encoding";
import { verify } from "@aios/core-groth16/verify";
import { decodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import { bytesToInteger } from "@aios/core-zkml/scalar-field";
import type { ProofJob } from "@aios/proto/aios/prover/v1/prover";
import { type Figure, type PoolClient, percentile } from "./pool-client.js";

const WARM_UP = 10;
const JOBS = 50;
const GOAL_MS = 30;

/**
 * What the pool adds to a proof: from the request to the event that it ended, one job at a time, so that none waits for
 * another; less witness and proof as the worker measured them, and less the worker's own check of the proof.
 */
export async function overheadFigures(client: PoolClient): Promise<Figure[]> {
  const [total, proving, checking]: [number[], number[], number[]] = [[], [], []];
  for (let job = 0; job < WARM_UP + JOBS; job++) {
    const request = client.prepare();
    const requestedAt = performance.now();
    const { jobId, ended } = await client.request(request);
    const { proven, errorMessage } = await ended;
    const tookMs = performance.now() - requestedAt;
    if (!proven) throw new Error(errorMessage);
    const proof = await client.proof(jobId);
    const checkMs = checkTime(proof);
    if (job < WARM_UP) continue;
    total.push(tookMs);
    proving.push(proof.proveMs);
    checking.push(checkMs);
  }
  const overhead = total.map((ms, job) => ms - (proving[job] as number) - percentile(checking, 0.5));
  const figure = (name: string, value: number, goal?: number): Figure => ({
    name,
    value,
    unit: "ms",
    ...(goal === undefined ? {} : { goal }),
  });
  return [
    figure("one job at a time: requested to ended, p50", percentile(total, 0.5)),
    figure("  of it witness and proof, p50", percentile(proving, 0.5)),
    figure("  of it the worker's check of the proof, p50", percentile(checking, 0.5)),
    figure("  what the pool adds, p50", percentile(overhead, 0.5), GOAL_MS),
    figure("  what the pool adds, p95", percentile(overhead, 0.95)),
  ];
}

/** As the worker does it, here. */
function checkTime({ evidence, publicInputs }: ProofJob): number {
  const { verifyingKey, proof } = decodeEvidence(evidence);
  const [key, inputs] = [decodeVerifyingKey(verifyingKey), publicInputs.map(bytesToInteger)];
  const startedAt = performance.now();
  if (!verify(key, inputs, decodeProof(proof))) throw new Error("a proof of the pool does not verify");
  return performance.now() - startedAt;
}
