import { setTimeout as pause } from "node:timers/promises";
import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt, type LabelledDigits } from "@aios/datasets/labelled-digits";
import { INFERENCE_PRICE_CAP_WEI, TRAINING } from "@aios/main-job/plan";
import type { AiosClient } from "@aios/sdk/client";
import { Contract, type TransactionResponse, Wallet } from "ethers";
import { type ConcurrentOutcome, orderConcurrently } from "./concurrent-jobs.js";
import { cpuSeconds } from "./cpu-time.js";
import { type Figure, percentile } from "./figures.js";
import { gatewayRpc } from "./gateway-rpc.js";
import type { LocalPlatform } from "./local-platform.js";

const RECEIPT_POLL_MS = 100;
const PATIENCE_MS = 180_000;
/** Permits of one account are used one after the other; so many show that none gets lost over it. */
const WITH_PERMITS = 20;

export async function unseenDigits(): Promise<LabelledDigits> {
  return splitDigits(await loadDigits(), TRAINING).unseen;
}

/** Many unproven requests of one account at once: results, losses, money, and which process the time went to. */
export async function concurrentFigures(
  suite: string,
  { platform, url }: LocalPlatform,
  business: AiosClient,
  modelId: number,
  unseen: LabelledDigits,
  count: number,
): Promise<readonly Figure[]> {
  const digitsFrom = (first: number, many: number): Uint8Array[] =>
    Array.from({ length: many }, (_, index) => digitAt(unseen, (first + index) % unseen.labels.length));
  const permitted = await orderConcurrently(business, modelId, digitsFrom(count, WITH_PERMITS), PATIENCE_MS);
  await approveEscrow(url, platform.privateKey("business"), business, count);
  const before = [...platform.supervisor.pids()].map(([name, pid]) => [name, pid, cpuSeconds(pid)] as const);
  const began = performance.now();
  const outcomes = await orderConcurrently(business, modelId, digitsFrom(0, count), PATIENCE_MS);
  const processors = before.map(([name, pid, seconds]) =>
    lower(suite, `  processor time meanwhile: ${name}`, "s", cpuSeconds(pid) - seconds),
  );
  return [
    ...outcomeFigures(suite, `${WITH_PERMITS} at once, each with a permit`, permitted),
    ...outcomeFigures(suite, `${count} concurrent unproven requests`, outcomes),
    ...processors,
    wall(suite, began),
  ];
}

function outcomeFigures(
  suite: string,
  title: string,
  outcomes: readonly ConcurrentOutcome[],
): readonly Figure[] {
  const name = (what: string): string => `${title}, ${what}`;
  const results = outcomes.flatMap(({ resultMs }) => (resultMs === undefined ? [] : [resultMs / 1000]));
  const settled = outcomes.flatMap(({ settledMs }) => (settledMs === undefined ? [] : [settledMs / 1000]));
  const open = outcomes.filter(({ finalState }) => !["settled", "refunded", "failed"].includes(finalState));
  const unaccounted = outcomes.filter(({ unaccountedWei }) => unaccountedWei !== 0n);
  const problem = outcomes.find((outcome) => outcome.problem !== undefined)?.problem;
  const rate = (samples: readonly number[]): number => samples.length / Math.max(...samples);
  const higher = { suite, unit: "jobs/s", better: "higher" } as const;
  return [
    {
      ...lower(suite, name("lost"), "requests", outcomes.length - results.length, 0),
      ...(problem === undefined ? {} : { note: problem }),
    },
    { ...higher, name: name("results a second"), value: rate(results) },
    lower(suite, name("order to output p50"), "s", percentile(results, 0.5)),
    lower(suite, name("order to output p95"), "s", percentile(results, 0.95)),
    { ...higher, name: name("settled a second"), value: rate(settled) },
    lower(suite, name("order to settled p95"), "s", percentile(settled, 0.95)),
    lower(suite, name("neither settled, refunded nor free of charge"), "jobs", open.length, 0),
    lower(suite, name("money not accounted for"), "jobs", unaccounted.length, 0),
  ];
}

/** Permits are signed one after the other; who orders many jobs at once lets the escrow take more, once. */
async function approveEscrow(
  gatewayUrl: string,
  privateKey: string,
  business: AiosClient,
  count: number,
): Promise<void> {
  const { contracts } = await business.protocol();
  const provider = await gatewayRpc(gatewayUrl, business);
  const wallet = new Wallet(privateKey, provider);
  const approve = "function approve(address,uint256)";
  const token = new Contract(contracts["WrappedAios"] as string, [approve], wallet);
  const allowanceWei = INFERENCE_PRICE_CAP_WEI * BigInt(count);
  const sent: TransactionResponse = await token.getFunction("approve")(contracts["JobEscrow"], allowanceWei);
  // Asked for by hash: a wallet's own wait leaves questions open, which fail when the provider ends.
  const until = performance.now() + PATIENCE_MS;
  while ((await provider.getTransactionReceipt(sent.hash)) === null) {
    if (performance.now() > until) throw new Error("the approval was not mined in time");
    await pause(RECEIPT_POLL_MS);
  }
  provider.destroy();
}

function wall(suite: string, began: number): Figure {
  return lower(suite, "  wall time of all of it", "s", (performance.now() - began) / 1000);
}

function lower(suite: string, name: string, unit: string, value: number, goal?: number): Figure {
  return { suite, name, value, unit, better: "lower", ...(goal === undefined ? {} : { goal }) };
}
