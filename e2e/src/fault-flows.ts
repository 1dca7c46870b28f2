import { encodeIntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import type { Clock } from "@aios/kernel/clock";
import { isCodedError } from "@aios/kernel/coded-error";
import { SeededRng } from "@aios/kernel/random";
import { aios } from "@aios/kernel/units";
import type { AccountName } from "@aios/launcher/identities";
import { publishOffer } from "@aios/main-job/model-publication";
import {
  INFERENCE_PRICE_CAP_WEI,
  LICENCE_PRICE_LIMIT_WEI,
  TRAINING,
  TRAINING_PRICE_CAP_WEI,
} from "@aios/main-job/plan";
import type { Job, JobPayment, Model, Verification } from "@aios/sdk/api-types";
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
  /** What the flow builds on is there, and it begins. */
  readonly onBegin?: () => void;
  /** It has begun, and is not over: of a job, that it is paid for. Not called where it was over before that was seen. */
  readonly onAmid?: () => void;
  readonly onChange?: (job: Job) => void;
}

const JOB_WITHIN_MS = 240_000;
const ENDED: readonly string[] = ["settled", "refunded", "failed"];
const NOT_PAID_FOR: readonly string[] = ["prepared", "funding"];
const BUYER: AccountName = "business";

/** Takes one flow through the public API as a careful client does. Returns what is wrong with the outcome. */
export async function runFlow(flow: Flow, context: FlowContext): Promise<string[]> {
  const flows: Readonly<Record<Flow, (context: FlowContext) => Promise<string[]>>> = {
    proof: (own) => runInference(own, "proof"),
    sample: (own) => runInference(own, "sample"),
    replicate: (own) => runInference(own, "replicate"),
    none: (own) => runInference(own, "none"),
    training: runTraining,
    purchase: runPurchase,
    publication: runPublication,
  };
  try {
    return await flows[flow](context);
  } catch (error) {
    const code = isCodedError(error) ? error.code : "no code";
    return [`the ${flow} flow ended with '${(error as Error).message}' (${code})`];
  }
}

function runInference(context: FlowContext, verification: Verification): Promise<string[]> {
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
  const { clock, local } = context;
  const buyer = local.client(BUYER);
  const onChange = watcherOf(context);
  context.onBegin?.();
  const idempotencyKey = crypto.randomUUID();
  const prepared = await persistently(clock, () => buyer.jobs.prepare(request, idempotencyKey));
  await persistently(clock, () => buyer.jobs.place(prepared));
  const { jobId } = prepared.job;
  const wait = (done: (job: Job) => boolean): Promise<Job> => {
    const options = { signal: AbortSignal.timeout(JOB_WITHIN_MS), onChange };
    return persistently(clock, () => buyer.jobs.wait(jobId, done, options), JOB_WITHIN_MS);
  };
  const byWord = ({ steps }: Job): boolean =>
    request.verification === "none" || steps.some(({ name }) => name === "not-drawn");
  const acceptable = (changed: Job): boolean =>
    byWord(changed) && (changed.state === "delivered" || changed.state === "pending");
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

/** Tells the context of every state, and once that the job is paid for, unless it was first seen so when it had ended. */
export function watcherOf({
  onAmid,
  onChange,
}: Pick<FlowContext, "onAmid" | "onChange">): (job: Job) => void {
  let isAmid = false;
  return (job) => {
    onChange?.(job);
    if (isAmid || NOT_PAID_FOR.includes(job.state) || ENDED.includes(job.state)) return;
    isAmid = true;
    onAmid?.();
  };
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

/** Of a new model each time: of one, an account buys one licence. */
async function runPurchase(context: FlowContext): Promise<string[]> {
  const { local, clock } = context;
  const { modelId } = await publishRandomModel(context);
  if (modelId === null) return ["the model has no id"];
  context.onBegin?.();
  context.onAmid?.();
  const buyer = local.client(BUYER);
  const before = await persistently(clock, () => buyer.balances());
  const licenceId = await persistently(clock, () =>
    buyer.models.purchaseLicence(modelId, LICENCE_PRICE_LIMIT_WEI).then(
      (purchase) => purchase.licenceId,
      (error: unknown) => licenceOfEarlierTry(error),
    ),
  );
  const after = await persistently(clock, () => buyer.balances());
  const model = await persistently(clock, () => buyer.models.get(modelId));
  const paid = BigInt(before.wrappedWei) - BigInt(after.wrappedWei);
  const violations: string[] = [];
  if (licenceId === null) violations.push("the licence has no id");
  if (paid !== BigInt(model.licencePriceWei))
    violations.push(`${paid} wei were paid for a licence of ${model.licencePriceWei} wei`);
  return violations;
}

/** A try whose answer was lost may have bought it. */
function licenceOfEarlierTry(error: unknown): number {
  if (!isCodedError(error) || error.code !== "licence-already-owned") throw error;
  return Number(error.details["licenceId"]);
}

async function runPublication(context: FlowContext): Promise<string[]> {
  context.onBegin?.();
  context.onAmid?.();
  const { modelId } = await publishRandomModel(context);
  return modelId === null ? ["the model has no id"] : [];
}

/** Of a small perceptron that takes a digit. */
export const DIGIT_LAYERS = [784, 8, 10] as const;

/** Publishes a perceptron with random weights, for 1 AIOS. `layers`: sizes of input, hidden layer and output. */
export async function publishRandomModel(
  { local, clock }: Pick<FlowContext, "local" | "clock">,
  layers: readonly [number, number, number] = [16, 8, 4],
): Promise<Model> {
  const developer = local.client("developer");
  const model = randomModel(layers);
  const offer = {
    name: "Random weights",
    description: "A small model for fault tests.",
    encoded: encodeIntegerModel(model),
    commitment: modelCommitment(model),
    licencePriceWei: aios(1),
    report: {},
  };
  const attempt = <T>(call: () => Promise<T>) => persistently(clock, call);
  return (await publishOffer(developer, offer, { attempt })).model;
}

function randomModel([inputs, hidden, outputs]: readonly [number, number, number]) {
  const rng = new SeededRng(webRng.bytes(1)[0] ?? 0);
  const layer = (from: number, to: number, activation: "relu" | "none") => ({
    inputs: from,
    outputs: to,
    activation,
    weights: Float32Array.from({ length: from * to }, () => rng.below(2_001) / 1_000 - 1),
    biases: new Float32Array(to),
  });
  const float = { layers: [layer(inputs, hidden, "relu"), layer(hidden, outputs, "none")] };
  const calibration = Array.from({ length: 8 }, () => rng.bytes(inputs));
  return quantiseModel(float, calibration, webRng.bytes(32)).model;
}
