import type { Aead } from "@aios/core-sealing/aead";
import { encryptContent, generateContentKey } from "@aios/core-sealing/content-encryption";
import { sealKey } from "@aios/core-sealing/sealed-key";
import { sealedKeyToJson } from "@aios/core-sealing/sealed-key-json";
import type { Clock } from "@aios/kernel/clock";
import type { Rng } from "@aios/kernel/random";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { WorkDone } from "../domain/delivery.js";
import type { Contents, LeaseRef, Trainer, TrainingPlan, TrainingProgress } from "../domain/ports.js";

export interface TrainingOrder extends LeaseRef {
  readonly plan: TrainingPlan;
  /** X25519. */
  readonly outputRecipientPublicKey: Uint8Array;
}

export interface TrainingDone extends WorkDone {
  /** The output's content key, sealed to the buyer. */
  readonly outputKeyJson: string;
}

/** Trains, encrypts the model under a fresh key, stores it, and seals the key to the buyer for this job. */
export async function runTraining(
  order: TrainingOrder,
  ports: {
    readonly trainer: Trainer;
    readonly contents: Contents;
    readonly rng: Rng;
    readonly clock: Clock;
    readonly aead: Aead;
  },
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
): Promise<TrainingDone> {
  const { trainer, contents, rng, clock, aead } = ports;
  const startedAtMs = clock.now();
  const trained = await trainer.train(order.plan, onProgress, signal);
  crashPoint("provider.training.after-train");
  const key = generateContentKey(rng);
  const outputKeyJson = sealedKeyToJson(
    sealKey(key, order.outputRecipientPublicKey, `output:${order.jobId}`, rng),
  );
  const outputCid = await contents.store(
    "training-output",
    encryptContent(key, trained.model, rng, aead),
    signal,
  );
  key.fill(0);
  crashPoint("provider.training.after-store");
  return {
    kind: "training",
    output: new Uint8Array(),
    outputCid,
    outputKeyJson,
    modelCommitment: new Uint8Array(32),
    startedAtMs,
    finishedAtMs: clock.now(),
    workUnits: trained.samplesSeen,
  };
}
