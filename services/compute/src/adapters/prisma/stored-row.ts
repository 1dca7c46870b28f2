import { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32, ContentId, JobId, TenantId } from "@aios/kernel/identifiers";
import { z } from "zod";
import type {
  ChainStep,
  Job,
  JobState,
  JobTerms,
  Lease,
  LeaseState,
  VerificationLevel,
} from "../../domain/job.js";
import type { ProviderCapabilities, ProviderRecord, ProviderSelfTest } from "../../domain/provider.js";

/**
 * Rows as they lie in the database, read by what the domain needs of them. Fields that a later release has added are kept
 * as they are, so that a release that is on its way out does not take them from a row that it changes.
 */

const isHex = (bytes: number): ((value: unknown) => boolean) => {
  const form = new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`);
  return (value) => typeof value === "string" && form.test(value);
};
const isAddress = isHex(20);
const isBytes32 = isHex(32);
const isText = (value: unknown): boolean => typeof value === "string";

const address = z.custom<Address>(isAddress, "an address");
const bytes32 = z.custom<Bytes32>(isBytes32, "32 bytes in hex");
const jobId = z.custom<JobId>(isBytes32, "32 bytes in hex");
const contentIdOrNone = z.custom<ContentId | "">(isText, "a text");
const addressOrNone = z.custom<Address | "">(
  (value) => value === "" || isAddress(value),
  "an address or none",
);
const bytes32OrNone = z.custom<Bytes32 | "">((value) => value === "" || isBytes32(value), "32 bytes or none");
/** Left out of the JSON where there is none. */
const maybe = <S extends z.ZodType>(schema: S) => schema.optional().transform((value) => value);

const workKind = z.enum(["training", "inference"]);
const verification = z.enum([
  "none",
  "sample",
  "replicate",
  "proof",
  "honk",
] as const satisfies readonly VerificationLevel[]);
const jobState = z.enum([
  "prepared",
  "funding",
  "funded",
  "leased",
  "delivered",
  "pending",
  "settled",
  "refunded",
  "failed",
] as const satisfies readonly JobState[]);
const leaseState = z.enum([
  "offered",
  "agreed",
  "leased",
  "computed",
  "ended",
] as const satisfies readonly LeaseState[]);
const chainStep = z.enum([
  "open",
  "lease",
  "deliver",
  "release",
  "refute",
  "settle",
  "accept",
  "finish",
  "refund",
] as const satisfies readonly ChainStep[]);

const work = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.literal("training"),
    dataSet: z.string(),
    seed: z.number(),
    epochs: z.number(),
    batchSize: z.number(),
    layers: z.array(z.number()),
    trainPerClass: z.number(),
    testPerClass: z.number(),
    shiftAugmentation: z.boolean(),
  }),
  z.looseObject({ kind: z.literal("inference"), modelId: z.number() }),
]);

const order = z.looseObject({
  buyer: address,
  jobKind: z.number(),
  modelId: z.string(),
  licenceId: z.string(),
  requestHash: bytes32,
  inputCommitment: bytes32,
  verifier: address,
  matcher: address,
  maxPriceWei: z.string(),
  leaseBy: z.string(),
  deliverWithinSeconds: z.string(),
  settleWithinSeconds: z.string(),
  nonce: z.string(),
});

const terms = z.looseObject({
  work,
  order,
  permit: maybe(z.looseObject({ valueWei: z.string(), nonce: z.string(), deadline: z.string() })),
  contracts: z.looseObject({
    chainId: z.number(),
    jobEscrow: address,
    wrappedAios: address,
    receiptRegistry: address,
  }),
  licenceId: z.number(),
  modelCommitment: bytes32,
  modelOwner: addressOrNone,
  modelCid: contentIdOrNone,
  verifyingKeyHash: bytes32,
  inputCid: contentIdOrNone,
  prover: address,
  proverFeeWei: z.string(),
  usageFeeWei: z.string(),
  royaltyBps: z.number(),
  protocolFeeBps: z.number(),
  challengeWindowSeconds: z.number(),
  providerPriceCapWei: z.string(),
  requiredMemoryBytes: z.number(),
  workUnits: z.number(),
  outputRecipientPublicKey: z.string(),
  // Rows from before there were samples, replicas and quoted trust have none.
  sampleShareBps: z.number().default(0),
  replicaPriceCapWei: z.string().default("0"),
  trust: z.string().default(""),
}) satisfies z.ZodType<JobTerms>;

const jobError = z.looseObject({ code: z.string(), message: z.string(), detailsJson: z.string() });

const jobBody = z.looseObject({
  orderSignature: z.string(),
  permitSignature: z.string(),
  acceptanceSignature: z.string(),
  attempts: z.array(
    z.looseObject({
      step: chainStep,
      fencingToken: z.number(),
      attempt: z.number(),
      state: z.enum(["submitted", "succeeded", "failed", "void"]),
      transactionId: z.string(),
      checkAtMs: z.number(),
      error: maybe(jobError),
    }),
  ),
  proof: z.looseObject({
    state: z.enum(["none", "requested", "proven", "failed"]),
    fencingToken: z.number(),
    attempt: z.number(),
    checkAtMs: z.number(),
    // Rows from before it was noted may be watched too early, which ends by itself.
    heldByProver: z.boolean().default(true),
    evidence: z.string(),
    evidenceCid: z.string(),
    error: maybe(jobError),
    refutingOutput: maybe(z.string()),
  }),
  // Rows from before draws took a secret have none.
  draw: maybe(z.looseObject({ drawn: z.boolean(), blockHash: bytes32, secret: bytes32OrNone.default("") })),
  drawSecret: bytes32OrNone.default(""),
  pendingUntilMs: z.number(),
  deliveredAtMs: z.number(),
  held: maybe(z.looseObject({ output: z.string(), outputHash: z.string(), blockNumber: z.number() })),
  steps: z.array(
    z.looseObject({
      name: z.string(),
      atMs: z.number(),
      transactionHash: z.string(),
      gasUsed: z.number(),
      note: z.string(),
    }),
  ),
  progress: maybe(
    z.looseObject({
      stage: z.string(),
      percent: z.number(),
      message: z.string(),
      figures: z.record(z.string(), z.string()),
    }),
  ),
  error: maybe(jobError),
  chainPosition: z.looseObject({ blockNumber: z.number(), logIndex: z.number() }),
  settlementTransactionHash: z.string(),
  placeAtMs: z.number(),
  placementRounds: z.number(),
});

const leaseBody = z.looseObject({
  // Rows from before there were replicas do not say that they are leases.
  role: z.enum(["lease", "replica"]).default("lease"),
  terms: z.looseObject({
    jobId,
    provider: address,
    prover: address,
    fencingToken: z.string(),
    providerPriceWei: z.string(),
    proverFeeWei: z.string(),
    acceptBy: z.string(),
  }),
  signature: z.string(),
  offerExpiresAtMs: z.number(),
  leasedAtMs: z.number(),
  deliverByMs: z.number(),
  leaseTransactionHash: z.string(),
  result: maybe(
    z.looseObject({
      output: z.string(),
      outputCid: z.string(),
      outputKeyJson: z.string(),
      delivery: z.looseObject({
        jobId,
        fencingToken: z.string(),
        output: z.string(),
        outputHash: bytes32,
        receiptHash: bytes32,
      }),
      deliverySignature: z.string(),
      receiptJson: z.string(),
      receiptSignature: z.string(),
    }),
  ),
  failure: maybe(z.looseObject({ code: z.string(), message: z.string() })),
  endedBecause: z.string(),
});

const storedLease = z.object({
  fencingToken: z.number(),
  provider: address,
  state: leaseState,
  offeredAtMs: z.number(),
  body: leaseBody,
});

const storedJob = z.object({
  jobId,
  tenant: z.custom<TenantId>(isText, "a text"),
  buyer: address,
  kind: workKind,
  verification,
  state: jobState,
  createdAtMs: z.number(),
  traceparent: z.string(),
  terms,
  body: jobBody,
  leases: z.array(storedLease),
});

/** A job's columns and JSON, before anything is known of them but where they lie. */
export type JobInStore = { readonly [Column in keyof z.input<typeof storedJob>]: unknown } & {
  readonly jobId: string;
};

/** Throws `stored-row-unreadable`. */
export function decodeJob(stored: JobInStore): Job {
  const { body, leases, ...columns } = decode(storedJob, stored, "job", stored.jobId);
  return {
    ...body,
    ...columns,
    leases: leases
      .map(({ body: leaseFields, ...lease }): Lease => ({ ...leaseFields, ...lease }))
      .sort((a, b) => a.fencingToken - b.fencingToken),
  };
}

const storedProvider = z.object({
  address,
  name: z.string(),
  capabilities: z.looseObject({
    cpuCores: z.number(),
    memoryBytes: z.number(),
    diskBytes: z.number(),
    gpus: z.array(z.string()),
    jobKinds: z.array(z.string()),
    maxParallelJobs: z.number(),
    softwareVersion: z.string(),
  }) satisfies z.ZodType<ProviderCapabilities>,
  selfTest: z.looseObject({
    evaluatorMacsPerSecond: z.number(),
    trainingSamplesPerSecond: z.number(),
    resultHash: z.string(),
    measuredAtMs: z.number(),
    signature: z.string(),
  }) satisfies z.ZodType<ProviderSelfTest>,
  priceWei: z.record(z.string(), z.string()),
  registered: z.boolean(),
  stakedWei: z.string(),
  registrationTransactionHash: z.string(),
  draining: z.boolean(),
  lastSeenMs: z.number(),
}) satisfies z.ZodType<ProviderRecord>;

export type ProviderInStore = { readonly [Column in keyof ProviderRecord]: unknown } & {
  readonly address: string;
};

/** Throws `stored-row-unreadable`. */
export function decodeProvider(stored: ProviderInStore): ProviderRecord {
  return decode(storedProvider, stored, "provider", stored.address);
}

function decode<S extends z.ZodType>(schema: S, stored: unknown, what: string, id: string): z.output<S> {
  const read = schema.safeParse(stored);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new CodedError({
    code: "stored-row-unreadable",
    kind: "internal",
    message: `The ${what} ${id} is not stored as this version can read it.`,
    details: { id, field: issue?.path.join(".") ?? "" },
    cause: read.error,
  });
}
