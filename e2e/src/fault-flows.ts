import { encodeIntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import type { Clock } from "@aios/kernel/clock";
import { SeededRng } from "@aios/kernel/random";
import { aios } from "@aios/kernel/units";
import type { AccountName } from "@aios/launcher/identities";
import {
  INFERENCE_PRICE_CAP_WEI,
  LICENCE_PRICE_LIMIT_WEI,
  TRAINING,
  TRAINING_PRICE_CAP_WEI,
  USAGE_FEE_WEI,
} from "@aios/main-job/plan";
import type { Job, JobPayment } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import type { JobRequest } from "@aios/sdk/job-api";
import { until } from "@aios/sdk/until";
import { webRng } from "@aios/sdk/web-rng";
import type { Flow } from "./crash-points.js";
import type { LocalPlatform } from "./local-platform.js";
import { persistently } from "./persistence.js";

export interface FlowContext {
  readonly local: LocalPlatform;
  readonly clock: Clock;
  readonly modelId: number;
  readonly digit: Uint8Array;
  readonly onState?: (state: string) => void;
}

const JOB_WITHIN_MS = 120_000;
const ENDED: readonly string[] = ["settled", "refunded", "failed"];
const BUYER: AccountName = "business";

/** Takes one flow through the public API as a careful client does. Returns what is wrong with the outcome. */
export function runFlow(flow: Flow, context: FlowContext): Promise<string[]> {
  const flows: Readonly<Record<Flow, (context: FlowContext) => Promise<string[]>>> = {
    proof: (own) => runInference(own, "proof"),
    none: (own) => runInference(own, "none"),
    training: runTraining,
    purchase: runPurchase,
    publication: runPublication,
  };
  return flows[flow](context);
}

function runInference(context: FlowContext, verification: "none" | "proof"): Promise<string[]> {
  return runJob(context, {
    inference: { modelId: context.modelId, input: toHex(context.digit) },
    verification,
    priceCapWei: INFERENCE_PRICE_CAP_WEI,
  });
}

function runTraining(context: FlowContext): Promise<string[]> {
  return runJob(context, {
    training: { ...TRAINING, epochs: 1, trainPerClass: 20, testPerClass: 10 },
    verification: "none",
    priceCapWei: TRAINING_PRICE_CAP_WEI,
    outputRecipientPublicKey: toHex(webRng.bytes(32)),
  });
}

async function runJob(context: FlowContext, request: JobRequest): Promise<string[]> {
  const { clock, local, onState } = context;
  const buyer = local.client(BUYER);
  const idempotencyKey = crypto.randomUUID();
  const prepared = await persistently(clock, () => buyer.jobs.prepare(request, idempotencyKey));
  await persistently(clock, () => buyer.jobs.place(prepared));
  const { jobId } = prepared.job;
  const wait = (done: (job: Job) => boolean): Promise<Job> => {
    const options = {
      signal: AbortSignal.timeout(JOB_WITHIN_MS),
      onChange: (job: Job) => onState?.(job.state),
    };
    return persistently(clock, () => buyer.jobs.wait(jobId, done, options), JOB_WITHIN_MS);
  };
  const acceptable = ({ state }: Job): boolean =>
    request.verification === "none" && (state === "delivered" || state === "pending");
  let job = await wait((changed) => ENDED.includes(changed.state) || acceptable(changed));
  if (!ENDED.includes(job.state)) {
    await persistently(clock, () => buyer.jobs.accept(jobId));
    job = await wait((changed) => ENDED.includes(changed.state));
  }
  const violations = violationsOf(job, await persistently(clock, () => buyer.jobs.payments(jobId)));
  const receipts = await until(
    () => buyer.jobs.receipts(jobId),
    (all) => all.length > 0 && all.every((receipt) => receipt.state !== "pending"),
  );
  return receipts.length === 1 && receipts[0]?.state === "anchored"
    ? violations
    : [...violations, `its receipts are ${receipts.map((receipt) => receipt.state).join(", ")}`];
}

/** A job may end only settled, with one payment of each kind and every wei of the escrow accounted for. */
export function violationsOf(job: Pick<Job, "state" | "error">, payments: readonly JobPayment[]): string[] {
  const violations: string[] = [];
  if (job.state !== "settled")
    violations.push(`it ended as ${job.state}: ${job.error?.message ?? "no reason"}`);
  for (const kind of ["escrow", "provider", "refund"]) {
    const count = payments.filter((payment) => payment.kind === kind).length;
    if (count !== 1) violations.push(`${count} payments of kind '${kind}'`);
  }
  const total = (counts: (kind: string) => boolean): bigint =>
    payments.filter(({ kind }) => counts(kind)).reduce((sum, { amountWei }) => sum + BigInt(amountWei), 0n);
  const escrowed = total((kind) => kind === "escrow");
  const paid = total((kind) => kind !== "escrow" && kind !== "withdrawal");
  if (escrowed !== paid) violations.push(`${escrowed} wei went into escrow, ${paid} wei came out`);
  return violations;
}

async function runPurchase({ local, clock, modelId }: FlowContext): Promise<string[]> {
  const buyer = local.client(BUYER);
  const before = await persistently(clock, () => buyer.balances());
  const purchase = await persistently(clock, () =>
    buyer.models.purchaseLicence(modelId, LICENCE_PRICE_LIMIT_WEI),
  );
  const after = await persistently(clock, () => buyer.balances());
  const model = await persistently(clock, () => buyer.models.get(modelId));
  const paid = BigInt(before.wrappedWei) - BigInt(after.wrappedWei);
  const violations: string[] = [];
  if (purchase.licenceId === null) violations.push("the licence has no id");
  if (paid !== BigInt(model.licencePriceWei))
    violations.push(`${paid} wei were paid for a licence of ${model.licencePriceWei} wei`);
  return violations;
}

async function runPublication({ local, clock }: FlowContext): Promise<string[]> {
  const developer: AiosClient = local.client("developer");
  const model = randomModel();
  const stored = await persistently(clock, () =>
    developer.content.putEncrypted(encodeIntegerModel(model), "model"),
  );
  const deposit = {
    cid: stored.cid,
    contentKey: stored.contentKey,
    leaseScopes: ["licensed-jobs"],
    servicePurposes: ["proving-key-setup", "proof"],
  };
  const depositKey = crypto.randomUUID();
  await persistently(clock, () => developer.content.depositKey(deposit, depositKey));
  const draft = {
    name: "Random weights",
    description: "A small model for fault tests.",
    contentCid: stored.cid,
    modelCommitment: toHex(modelCommitment(model)),
    licencePriceWei: aios(1),
    usageFeeWei: USAGE_FEE_WEI,
    royaltyBps: 700,
    report: {},
  };
  const createKey = crypto.randomUUID();
  const created = await persistently(clock, () => developer.models.create(draft, createKey));
  await persistently(clock, () => developer.models.waitReady(created.draftId));
  const published = await persistently(clock, () => developer.models.publish(created.draftId, draft));
  return published.modelId === null ? ["the model has no id"] : [];
}

function randomModel() {
  const rng = new SeededRng(webRng.bytes(1)[0] ?? 0);
  const layer = (inputs: number, outputs: number, activation: "relu" | "none") => ({
    inputs,
    outputs,
    activation,
    weights: Float32Array.from({ length: inputs * outputs }, () => rng.below(2_001) / 1_000 - 1),
    biases: new Float32Array(outputs),
  });
  const float = { layers: [layer(16, 8, "relu"), layer(8, 4, "none")] };
  const calibration = Array.from({ length: 8 }, () => rng.bytes(16));
  return quantiseModel(float, calibration, webRng.bytes(32)).model;
}
