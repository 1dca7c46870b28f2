import { INFERENCE_PRICE_CAP_WEI } from "@aios/main-job/plan";
import type { Job } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { systemClock } from "@aios/service-kit/system-clock";
import { persistently } from "./persistence.js";

/** What became of one of many jobs that were ordered at once. */
export interface ConcurrentOutcome {
  /** From the first request to the output; undefined when the client never got one. */
  readonly resultMs: number | undefined;
  /** From the first request to the end of the job's money; undefined when it did not end in time. */
  readonly settledMs: number | undefined;
  readonly finalState: Job["state"] | "unknown";
  /** What the escrow took for the job less everything that it credited or burned; 0 when all is accounted for. */
  readonly unaccountedWei: bigint;
  readonly problem: string | undefined;
}

/**
 * Orders one unproven inference per digit, all at once, as careful clients do: what the platform has no room for is
 * repeated under the same Idempotency-Key. Each client accepts its result; afterwards each job's final state and
 * payments are asked one by one.
 */
export async function orderConcurrently(
  business: AiosClient,
  modelId: number,
  digits: readonly Uint8Array[],
  patienceMs: number,
): Promise<readonly ConcurrentOutcome[]> {
  const orders = await Promise.all(
    digits.map((digit) => orderOne(business, modelId, digit, patienceMs).catch(asProblem)),
  );
  const outcomes: ConcurrentOutcome[] = [];
  for (const order of orders) outcomes.push(await accountFor(business, order, patienceMs));
  return outcomes;
}

interface Ordered {
  readonly jobId: string | undefined;
  readonly resultMs: number | undefined;
  readonly settledMs: number | undefined;
  readonly problem: string | undefined;
}

async function orderOne(
  business: AiosClient,
  modelId: number,
  digit: Uint8Array,
  patienceMs: number,
): Promise<Ordered> {
  const from = performance.now();
  const untilNow = (): number => performance.now() - from;
  const patiently = <T>(call: () => Promise<T>): Promise<T> => persistently(systemClock, call, patienceMs);
  const request = {
    inference: { modelId, input: toHex(digit) },
    verification: "none" as const,
    priceCapWei: INFERENCE_PRICE_CAP_WEI,
  };
  const key = crypto.randomUUID();
  const prepared = await patiently(() => business.jobs.prepare(request, key));
  const { jobId } = prepared.job;
  let resultMs: number | undefined;
  let settledMs: number | undefined;
  let problem: string | undefined;
  try {
    await patiently(() => business.jobs.place(prepared));
    const delivered = await patiently(() => business.jobs.wait(jobId, isDelivered));
    if (delivered.output !== null) resultMs = untilNow();
    else problem = `it ended as ${delivered.state} ${delivered.error?.code ?? ""}`;
    if (delivered.state === "delivered" || delivered.state === "pending") {
      await patiently(() => business.jobs.accept(jobId));
    }
    await patiently(() => business.jobs.wait(jobId));
    settledMs = untilNow();
  } catch (error) {
    problem = String(error);
  }
  return { jobId, resultMs, settledMs, problem };
}

function isDelivered({ output, state }: Job): boolean {
  return output !== null && (state === "delivered" || state === "pending");
}

function asProblem(error: unknown): Ordered {
  return { jobId: undefined, resultMs: undefined, settledMs: undefined, problem: String(error) };
}

/** The job's end as the chain has it. A job that was never prepared has no money to ask about. */
async function accountFor(
  business: AiosClient,
  { jobId, resultMs, settledMs, problem }: Ordered,
  patienceMs: number,
): Promise<ConcurrentOutcome> {
  const known = { resultMs, settledMs, problem };
  if (jobId === undefined) return { ...known, finalState: "unknown", unaccountedWei: 0n };
  const { state } = await persistently(systemClock, () => business.jobs.get(jobId), patienceMs);
  if (state === "failed" || state === "prepared") return { ...known, finalState: state, unaccountedWei: 0n };
  const payments = await persistently(systemClock, () => business.jobs.payments(jobId), patienceMs);
  const unaccountedWei = payments.reduce(
    (sum, { kind, amountWei }) => sum + (kind === "escrow" ? BigInt(amountWei) : -BigInt(amountWei)),
    0n,
  );
  return { ...known, finalState: state, unaccountedWei };
}
