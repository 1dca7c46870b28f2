import { z } from "zod";
import { address, bytes32, cid, errorInfo, progress, signingRequest, uint, wei } from "./common.schemas.js";

export const createModelBody = z
  .strictObject({
    name: z.string().min(1).max(120),
    description: z.string().max(4000),
    contentCid: cid.meta({ description: "CID of the encrypted integer model." }),
    modelCommitment: bytes32,
    licencePriceWei: wei,
    usageFeeWei: wei,
    royaltyBps: z.int().min(500).max(1500).meta({ description: "5% to 15%." }),
    report: z.unknown().meta({ description: "Accuracies and ranges of the quantisation." }),
    ceremony: z
      .strictObject({
        transcriptCid: cid.meta({ description: "Public: what each contributor did." }),
        provingKeyCid: cid.meta({ description: "Encrypted, its key deposited for proving-key-setup." }),
        powersCid: cid.meta({ description: "Public: the powers of tau that it began from." }),
      })
      .optional()
      .meta({ description: "The ceremony that made the key. Without one a development key is made." }),
    proofSystems: z
      .array(z.enum(["groth16", "honk"]))
      .max(2)
      .optional()
      .meta({ description: "Keys to make. Groth16 is always made, UltraHonk besides where it is named." }),
  })
  .meta({ id: "CreateModel" });

export const modelView = z
  .object({
    draftId: z.string(),
    modelId: uint.nullable(),
    state: z.enum(["draft", "setting-up-keys", "ready", "publishing", "published", "failed"]),
    owner: address,
    name: z.string(),
    description: z.string(),
    contentCid: cid,
    modelCommitment: bytes32,
    verifyingKeyHash: bytes32.nullable(),
    verifyingKeyCid: cid.nullable(),
    keyTrust: z.string().nullable().meta({ description: "What the key asks a verifier to trust." }),
    ceremonyTranscriptHash: bytes32
      .nullable()
      .meta({ description: "Of the ceremony that made the key; null for a development key." }),
    ceremonyTranscriptCid: cid.nullable(),
    inputShape: z.array(uint).nullable().meta({
      description:
        "Channels, height, width of the input, one byte an element; null before the keys are made.",
    }),
    multiplications: uint.nullable().meta({ description: "Weight multiplications of one inference." }),
    honkKeyHash: bytes32.nullable().meta({ description: "Of the UltraHonk key; null where there is none." }),
    honkKeyCid: cid.nullable(),
    honkKeyTrust: z.string().nullable(),
    honkRefusal: errorInfo
      .nullable()
      .meta({ description: "Why an UltraHonk key that was asked for could not be made." }),
    licencePriceWei: wei,
    royaltyBps: uint,
    usageFeeWei: wei,
    report: z.unknown(),
    publicationTransactionHash: z.string().nullable(),
    createdAtMs: uint,
    progress: progress.nullable(),
    error: errorInfo.nullable(),
  })
  .meta({ id: "Model" });

export const modelsView = z
  .object({ items: z.array(modelView), nextCursor: z.string().nullable() })
  .meta({ id: "Models" });

export const capabilityView = z
  .object({
    claimId: uint,
    state: z.enum(["waiting-for-draw", "given-up", "open", "proven", "not-reached"]),
    testSetRoot: bytes32,
    testSetSize: uint,
    publisher: address.meta({ description: "Who published the test set." }),
    drawer: address.meta({ description: "Whose secret drew the samples." }),
    drawCount: uint,
    answered: uint,
    correct: uint,
    minimumCorrect: uint,
    attempt: uint.meta({
      description: "Which one it is of this model's claims, whatever set they are about.",
    }),
    accuracyAtLeastBps: uint.meta({
      description:
        "Accuracy on the committed set that this speaks for, in 1/10,000; all attempts together err with a chance of 5%.",
    }),
    says: z.array(z.string()),
    trusted: z.array(z.string()).meta({ description: "What has to be trusted, in sentences." }),
  })
  .meta({ id: "Capability" });

export const capabilitiesView = z.object({ items: z.array(capabilityView) }).meta({ id: "Capabilities" });

export const preparedPurchaseView = z
  .object({ purchaseId: z.string(), priceWei: wei, toSign: z.array(signingRequest) })
  .meta({ id: "PreparedPurchase" });

export const purchaseView = z
  .object({
    purchaseId: z.string(),
    modelId: uint,
    buyer: address,
    priceWei: wei,
    state: z.enum(["prepared", "submitted", "owned", "failed"]),
    licenceId: uint.nullable(),
    transactionHash: z.string().nullable(),
    error: errorInfo.nullable(),
  })
  .meta({ id: "Purchase" });
