import { INFERENCE_PRICE_CAP_WEI } from "@aios/main-job/plan";
import { runInference } from "@aios/main-job/proven-inference";
import type { Report } from "@aios/main-job/report";
import type { AiosClient } from "@aios/sdk/client";
import { newIdempotencyKey } from "@aios/sdk/gateway-connection";
import { toHex } from "@aios/sdk/hex";

export interface OrderLoad {
  /** Whose orders they are. */
  readonly buyer: AiosClient;
  readonly modelId: number;
  /** The n-th input. */
  readonly digit: (index: number) => Uint8Array;
  /** Asked before each order: whether there shall be another one. */
  readonly goesOn: () => boolean;
  /** Clients, each with one order at a time. */
  readonly clients: number;
}

/** An order that was begun. */
export interface Ordered {
  /** Undefined where the platform never took it. */
  readonly jobId: string | undefined;
  /** Why it did not go through as it has to; undefined where it did. */
  readonly problem: string | undefined;
}

const SILENT: Report = { step() {}, progress() {}, done() {}, text() {} };

/**
 * Orders one unproven inference after the other until each settled. Every order is sent twice under its Idempotency-Key,
 * as by a client whose answer got lost: both have to be the same job.
 */
export async function orderFor({
  buyer,
  modelId,
  digit,
  goesOn,
  clients,
}: OrderLoad): Promise<readonly Ordered[]> {
  const orders: Ordered[] = [];
  let begun = 0;
  const client = async (): Promise<void> => {
    while (goesOn()) orders.push(await orderTwice(buyer, modelId, digit(begun++)));
  };
  await Promise.all(Array.from({ length: clients }, client));
  return orders;
}

async function orderTwice(buyer: AiosClient, modelId: number, digit: Uint8Array): Promise<Ordered> {
  const key = newIdempotencyKey();
  let jobId: string | undefined;
  try {
    const request = { inference: { modelId, input: toHex(digit) }, verification: "none" } as const;
    const prepared = await buyer.jobs.prepare({ ...request, priceCapWei: INFERENCE_PRICE_CAP_WEI }, key);
    jobId = prepared.job.jobId;
    const { job } = await runInference(buyer, modelId, digit, "none", SILENT, key);
    return { jobId, problem: job.jobId === jobId ? undefined : `one key made ${jobId} and ${job.jobId}` };
  } catch (error) {
    return { jobId, problem: error instanceof Error ? error.message : String(error) };
  }
}
