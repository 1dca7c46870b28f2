import { z } from "zod";
import {
  address,
  bytes32,
  errorInfo,
  hexBytes,
  progress,
  signingRequest,
  uint,
  wei,
} from "./common.schemas.js";

const trainingSpec = z
  .strictObject({
    dataSet: z.string().min(1).max(64),
    seed: uint.max(0xffffffff),
    epochs: z.int().min(1).max(1000),
    batchSize: z.int().min(1).max(65_536),
    layers: z.array(z.int().min(1).max(65_536)).min(2).max(16),
    trainPerClass: z.int().min(1).max(1_000_000),
    testPerClass: z.int().min(1).max(1_000_000),
    shiftAugmentation: z.boolean(),
  })
  .meta({ id: "TrainingSpec" });

const inferenceSpec = z
  .strictObject({
    modelId: z.int().min(1),
    input: hexBytes
      .min(4, "at least one byte")
      .max(131_074, "at most 65,536 bytes")
      .meta({ description: "One uint8 an element of the model's input." }),
  })
  .meta({ id: "InferenceSpec" });

const work = { training: trainingSpec.optional(), inference: inferenceSpec.optional() };

function exactlyOneWork(value: { training?: unknown; inference?: unknown }): boolean {
  return (value.training === undefined) !== (value.inference === undefined);
}
const ONE_WORK = { message: "give either training or inference", path: ["inference"] };

/** Rungs of the verification ladder; "proof" is Groth16, "honk" UltraHonk. */
const verification = z.enum(["none", "sample", "replicate", "proof", "honk"]);

export const quoteBody = z.strictObject(work).refine(exactlyOneWork, ONE_WORK).meta({ id: "JobSpec" });

export const prepareJobBody = z
  .strictObject({
    ...work,
    verification,
    priceCapWei: wei.meta({ description: "The most the job may cost." }),
    outputRecipientPublicKey: hexBytes.length(66, "32 bytes of hex").optional(),
  })
  .refine(exactlyOneWork, ONE_WORK)
  .meta({ id: "PrepareJob" });

export const quotesView = z
  .object({
    quotes: z.array(
      z.object({
        verification,
        priceWei: wei,
        expectedMs: uint,
        verificationGas: uint.nullable().meta({
          description: "Of the proof in the settling transaction, about; null where none is verified.",
        }),
        proofSystem: z.string().nullable().meta({
          description: "What a proof would be made by; null where nothing is ever proven.",
        }),
        absent: z.array(z.object({ name: z.string(), reason: z.string() })).meta({
          description: "Provers of the same proofs on other hardware that are not there, and why.",
        }),
        trust: z.string(),
        visibility: z.string(),
      }),
    ),
    refusals: z
      .array(
        z.object({
          verification,
          code: z.string(),
          message: z.string(),
          fits: verification.nullable().meta({
            description: "The way that takes the model where this one refuses it for its size.",
          }),
        }),
      )
      .meta({ description: "Ways to verify that this request cannot be bought with, and why." }),
  })
  .meta({ id: "Quotes" });

export const jobView = z
  .object({
    jobId: bytes32,
    state: z.enum([
      "prepared",
      "funding",
      "funded",
      "leased",
      "delivered",
      "pending",
      "settled",
      "refunded",
      "failed",
    ]),
    kind: z.enum(["training", "inference"]),
    verification,
    trust: z.string().nullable().meta({ description: "What the buyer has to trust, as it was quoted." }),
    buyer: address,
    modelId: uint.nullable(),
    licenceId: uint.nullable(),
    priceCapWei: wei,
    provider: address.nullable(),
    replicaProvider: address
      .nullable()
      .meta({ description: "Who computed a replicated job besides, once it has." }),
    fencingToken: uint,
    agreedPriceWei: wei.nullable(),
    inputCid: z.string().nullable(),
    inputCommitment: bytes32.nullable(),
    output: bytes32.nullable(),
    outputCid: z.string().nullable(),
    outputKey: z.unknown(),
    proofCid: z.string().nullable(),
    steps: z.array(
      z.object({
        name: z.string(),
        atMs: uint,
        transactionHash: z.string().nullable(),
        gasUsed: uint.nullable(),
        note: z.string(),
      }),
    ),
    progress: progress.nullable(),
    error: errorInfo.nullable(),
    traceId: z.string(),
    createdAtMs: uint,
    receipt: z.unknown(),
    order: z.unknown(),
  })
  .meta({ id: "Job" });

export const jobsView = z
  .object({ items: z.array(jobView), nextCursor: z.string().nullable() })
  .meta({ id: "Jobs" });

export const preparedJobView = z
  .object({ job: jobView, toSign: z.array(signingRequest), inputSalt: bytes32.nullable() })
  .meta({ id: "PreparedJob" });

export const placementQuery = z.object({
  provider: address
    .optional()
    .meta({ description: "A provider that is explained in any case, however many there are" }),
});

export const placementView = z
  .object({
    placements: z.array(
      z.object({
        fencingToken: uint,
        decidedAtMs: uint,
        candidates: z.array(
          z.object({
            provider: address,
            chosen: z.boolean(),
            removedBy: z.string().nullable(),
            explanation: z.string(),
            scoreParts: z.record(z.string(), z.int()),
            score: z.int(),
            offeredPriceWei: z.string(),
          }),
        ),
        considered: uint.meta({
          description: "Providers that were looked at; of many, candidates explains the best and some others",
        }),
        removed: z
          .record(z.string(), uint)
          .meta({ description: "How many each filter removed, by the first that they fail" }),
        endedBecause: z.string().nullable(),
      }),
    ),
    advice: z.array(z.string()),
  })
  .meta({ id: "PlacementExplanation", description: "Why this provider, why not that one." });

export const paymentsView = z
  .object({
    payments: z.array(
      z.object({
        kind: z.enum([
          "escrow",
          "provider",
          "prover",
          "royalty",
          "protocol-fee-burned",
          "protocol-fee-treasury",
          "refund",
          "withdrawal",
        ]),
        account: z.string(),
        amountWei: wei,
        transactionHash: z.string(),
        blockNumber: uint,
      }),
    ),
  })
  .meta({ id: "JobPayments" });

export const moneyView = z
  .object({
    state: z.string(),
    explanation: z.array(z.string()),
    nextActor: z.string().nullable(),
    deadlineSeconds: uint.nullable(),
  })
  .meta({ id: "MoneyExplanation" });

export const proofView = z
  .object({
    jobId: bytes32,
    state: z.enum(["queued", "proving", "proven", "failed"]),
    proofSystem: z.enum(["groth16", "honk"]),
    proof: hexBytes.nullable(),
    publicInputs: z.array(hexBytes),
    evidence: hexBytes.nullable(),
    evidenceCid: z.string().nullable(),
    proveMs: uint.nullable(),
    trust: z.string().nullable().meta({ description: "What the proof's key asks a verifier to trust." }),
    progress: progress.nullable(),
    error: errorInfo.nullable(),
  })
  .meta({ id: "ProofJob" });
