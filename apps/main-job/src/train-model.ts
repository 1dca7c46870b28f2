import { generateSealingKeyPair, openKey } from "@aios/core-sealing/sealed-key";
import { sealedKeyFromJson } from "@aios/core-sealing/sealed-key-json";
import { decodeFloatModel, type FloatModel } from "@aios/core-zkml/float-model";
import { formatAios } from "@aios/kernel/units";
import type { Job } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { webRng } from "@aios/sdk/web-rng";
import { present, settled } from "./expectation.js";
import { TRAINING, TRAINING_PRICE_CAP_WEI } from "./plan.js";
import type { Fact, Report } from "./report.js";

export interface TrainedModel {
  readonly model: FloatModel;
  readonly job: Job;
  readonly facts: readonly Fact[];
}

/** The developer buys a training job, escrowed like any job, and opens the model that comes back. */
export async function trainModel(developer: AiosClient, report: Report): Promise<TrainedModel> {
  const recipient = generateSealingKeyPair(webRng);
  const prepared = await developer.jobs.prepare({
    training: TRAINING,
    verification: "none",
    priceCapWei: TRAINING_PRICE_CAP_WEI,
    outputRecipientPublicKey: toHex(recipient.publicKey),
  });
  await developer.jobs.place(prepared);
  const { jobId } = prepared.job;
  const delivered = await developer.jobs.wait(jobId, (job) => job.outputCid !== null && isAcceptable(job), {
    onChange: (job) => report.progress(describe(job)),
  });
  if (!isAcceptable(delivered)) settled(delivered);
  const model = await openTrainedModel(developer, delivered, recipient.privateKey);
  if (delivered.state !== "settled") await developer.jobs.accept(jobId);
  const job = settled(await developer.jobs.wait(jobId));
  return {
    model,
    job,
    facts: [
      { name: "job", value: jobId },
      { name: "provider", value: present(job.provider, "the provider") },
      { name: "trained model", value: present(job.outputCid, "the output CID") },
      {
        name: "price",
        value: `${formatAios(BigInt(job.agreedPriceWei ?? "0"))} AIOS of at most ${formatAios(TRAINING_PRICE_CAP_WEI)}`,
      },
    ],
  };
}

function isAcceptable(job: Job): boolean {
  return job.state === "delivered" || job.state === "pending" || job.state === "settled";
}

async function openTrainedModel(
  developer: AiosClient,
  job: Job,
  privateKey: Uint8Array,
): Promise<FloatModel> {
  const sealed = sealedKeyFromJson(JSON.stringify(present(job.outputKey, "the sealed output key")));
  const contentKey = openKey(sealed, privateKey, `output:${job.jobId}`);
  const cid = present(job.outputCid, "the output CID");
  return decodeFloatModel(await developer.content.getDecrypted(cid, contentKey));
}

function describe(job: Job): string {
  if (job.progress === null) return job.state;
  const figures = Object.entries(job.progress.figures).map(([name, value]) => `${name} ${value}`);
  return [job.progress.message, ...figures].join("  ");
}
