import {
  ChainTransactionEnded,
  EscrowJobChanged,
  HonkKeySetUpEnded,
  KeySetUpEnded,
  LicencePurchased,
  type MessageFns,
  ModelPublished,
  ProofEnded,
  ProviderStakeChanged,
  ReceiptIssued,
  ReceiptsAnchored,
} from "../generated/aios/events/v1/events.js";

const DAY_MS = 86_400_000;

/** One kind of event: where it goes, how it is encoded and what keeps its order. */
export interface Topic<T> {
  /** `<context>.v1.<entity>.<past-verb>`; the context is the service that publishes it. */
  readonly name: string;
  /** Name of the message in proto/aios/events/v1/events.proto. */
  readonly message: string;
  readonly codec: MessageFns<T>;
  /** Events with the same key arrive in the order in which they were written. */
  key(message: T): string;
  /** Keys are spread over so many partitions; fixed once events exist. */
  readonly partitions: number;
  /** Events may be dropped this long after they were written. */
  readonly retentionMs: number;
}

function topic<T>(
  name: string,
  message: string,
  codec: MessageFns<T>,
  key: (message: T) => string,
  options: { readonly partitions?: number; readonly retentionDays?: number } = {},
): Topic<T> {
  return {
    name,
    message,
    codec,
    key,
    partitions: options.partitions ?? 8,
    retentionMs: (options.retentionDays ?? 30) * DAY_MS,
  };
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}

/** Every event between services. A test checks that each message of events.proto has exactly one topic. */
export const topics = {
  economyJobChanged: topic(
    "economy.v1.job.changed",
    "EscrowJobChanged",
    EscrowJobChanged,
    (event) => event.jobId,
  ),
  economyTransactionEnded: topic(
    "economy.v1.transaction.ended",
    "ChainTransactionEnded",
    ChainTransactionEnded,
    (event) => event.transactionId,
  ),
  economyModelPublished: topic("economy.v1.model.published", "ModelPublished", ModelPublished, (event) =>
    event.modelId.toString(),
  ),
  economyLicencePurchased: topic(
    "economy.v1.licence.purchased",
    "LicencePurchased",
    LicencePurchased,
    (event) => event.licenceId.toString(),
  ),
  economyProviderChanged: topic(
    "economy.v1.provider.changed",
    "ProviderStakeChanged",
    ProviderStakeChanged,
    (event) => event.provider,
  ),
  economyReceiptsAnchored: topic(
    "economy.v1.receipts.anchored",
    "ReceiptsAnchored",
    ReceiptsAnchored,
    (event) => event.batch.toString(),
    { partitions: 1 },
  ),
  computeReceiptIssued: topic(
    "compute.v1.receipt.issued",
    "ReceiptIssued",
    ReceiptIssued,
    (event) => event.jobId,
    {
      retentionDays: 90,
    },
  ),
  proverProofEnded: topic("prover.v1.proof.ended", "ProofEnded", ProofEnded, (event) => event.jobId),
  proverKeyEnded: topic("prover.v1.key.ended", "KeySetUpEnded", KeySetUpEnded, (event) =>
    hex(event.modelCommitment),
  ),
  proverHonkKeyEnded: topic("prover.v1.honk-key.ended", "HonkKeySetUpEnded", HonkKeySetUpEnded, (event) =>
    hex(event.modelCommitment),
  ),
} as const;

export type TopicName = (typeof topics)[keyof typeof topics]["name"];

const byName = new Map<string, Topic<unknown>>(
  Object.values(topics).map((entry) => [entry.name, entry as Topic<unknown>]),
);

/** The topic with this name, or `undefined`. */
export function findTopic(name: string): Topic<unknown> | undefined {
  return byName.get(name);
}
