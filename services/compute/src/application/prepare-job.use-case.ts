import { encryptContent, generateContentKey } from "@aios/core-sealing/content-encryption";
import { jobIdOfOrder } from "@aios/core-settlement/order-digest";
import { requestHash } from "@aios/core-settlement/request-hash";
import { drawCommitment } from "@aios/core-settlement/sample-draw";
import { JOB_KIND, signingDomain } from "@aios/core-settlement/typed-data";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { encodeJobInput } from "@aios/core-zkml/job-input";
import type { Clock } from "@aios/kernel/clock";
import { type Address, type Bytes32, bytes32, type JobId, type TenantId } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import { crashPoint } from "@aios/service-kit/crash-point";
import { toBeHex } from "ethers";
import { idempotencyKeyReused } from "../domain/errors.js";
import type { Job, JobTerms, Order, PermitTerms, VerificationLevel } from "../domain/job.js";
import {
  bodyDigest,
  type CheckedWork,
  checkDelivery,
  checkIdempotencyKey,
  checkInput,
  checkPriceCap,
  checkWork,
  type RequestedWork,
  trainingSamples,
} from "../domain/job-request.js";
import { NO_PROOF, ZERO_BYTES32 } from "../domain/job-transitions.js";
import type {
  ChainReader,
  ChainWriter,
  InputVault,
  JobStore,
  ModelCatalogue,
  ProtocolFacts,
  PublishedModel,
  StoredRequest,
} from "../domain/ports.js";
import { metrics } from "../metrics.js";
import type { MarketSettings } from "./market.js";
import { permitTermsFor } from "./permit-terms.js";
import type { Pricing } from "./pricing.js";
import { licensedModel } from "./quote-job.use-case.js";
import { trainingOffer, type VerificationOffer, type VerificationOffers } from "./verification-offers.js";

const SALT_BYTES = 32;
const DRAW_SECRET_BYTES = 32;

export interface PrepareJobInput {
  readonly account: Address;
  readonly tenant: TenantId;
  readonly requested: RequestedWork | undefined;
  readonly verification: VerificationLevel;
  readonly priceCapWei: string;
  readonly idempotencyKey: string;
  readonly outputRecipientPublicKey: Uint8Array;
  readonly traceparent: string;
}

export interface OrderSettings {
  /** By kind: how long the order may wait for a lease, be worked on, and be settled. */
  readonly leaseWithinSeconds: number;
  readonly deliverWithinSeconds: Readonly<Record<"training" | "inference", number>>;
  readonly settleWithinSeconds: number;
}

interface Commitment {
  readonly salt: Uint8Array;
  readonly commitment: Order["inputCommitment"];
  readonly cid: JobTerms["inputCid"];
  readonly contentKey: Uint8Array;
}

export interface PrepareJobPorts {
  readonly jobs: JobStore;
  readonly chain: ChainWriter;
  readonly reader: ChainReader;
  readonly models: ModelCatalogue;
  readonly offers: VerificationOffers;
  readonly vault: InputVault;
  readonly pricing: Pricing;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** Checks a request, prices it, commits to and stores its input, and makes the order that the buyer signs. */
export class PrepareJob {
  readonly #ports: PrepareJobPorts;
  readonly #order: OrderSettings;
  readonly #market: MarketSettings;

  constructor(ports: PrepareJobPorts, order: OrderSettings, market: MarketSettings) {
    this.#ports = ports;
    this.#order = order;
    this.#market = market;
  }

  /** The same key and body answer what the first call answered; another body under the key is refused. */
  async execute(input: PrepareJobInput): Promise<StoredRequest> {
    const key = checkIdempotencyKey(input.idempotencyKey);
    const checked = checkWork(input.requested);
    const capWei = checkPriceCap(input.priceCapWei);
    checkDelivery(checked.work.kind, input.verification, input.outputRecipientPublicKey);
    const digest = digestOf(input, checked);
    const known = await this.#ports.jobs.findRequest(input.account, key);
    if (known !== undefined) return sameRequest(known, digest, key);

    const { job, salt } = await this.#prepare(input, checked, capWei);
    crashPoint("compute.prepare.before-store");
    const created = await this.#ports.jobs.create({
      job,
      idempotencyKey: key,
      bodyDigest: digest,
      inputSalt: salt,
    });
    crashPoint("compute.prepare.after-store");
    if (created) {
      metrics.jobsPrepared.add(1, { kind: job.kind, verification: job.verification });
      return { job, bodyDigest: digest, inputSalt: salt };
    }
    const first = await this.#ports.jobs.findRequest(input.account, key);
    if (first === undefined) throw idempotencyKeyReused(key);
    return sameRequest(first, digest, key);
  }

  async #prepare(
    input: PrepareJobInput,
    checked: CheckedWork,
    capWei: bigint,
  ): Promise<{ job: Job; salt: Uint8Array }> {
    const { work } = checked;
    const licensed =
      work.kind === "inference"
        ? await licensedModel(this.#ports.models, work.modelId, input.account)
        : undefined;
    if (licensed !== undefined) checkInput(licensed.model.inputShape, checked.input);
    const protocol = await this.#ports.chain.protocol();
    const workUnits = work.kind === "inference" ? (licensed?.model.workUnits ?? 0) : trainingSamples(work);
    const offer =
      licensed === undefined
        ? trainingOffer(this.#ports.pricing, workUnits, protocol)
        : await this.#ports.offers.inference(input.verification, licensed.model, protocol);
    const isReplicated = input.verification === "replicate";
    // Of a replicated job the lease's cap follows from what the second provider asked.
    const replicaCapWei = isReplicated ? this.#ports.pricing.replicaCap(offer.question, capWei) : 0n;
    const providerCapWei = isReplicated ? 0n : this.#ports.pricing.providerCap(offer.question, capWei);
    const committed = await this.#commit(checked.input);
    const outputKey = input.outputRecipientPublicKey.length === 0 ? "" : hex(input.outputRecipientPublicKey);
    const drawSecret =
      input.verification === "sample" ? bytes32(hex(this.#ports.rng.bytes(DRAW_SECRET_BYTES))) : "";
    const order = this.#orderOf(
      input,
      checked,
      capWei,
      protocol,
      licensed?.licenceId ?? 0,
      committed,
      outputKey,
      drawSecret,
    );
    const jobId = jobIdOfOrder(signingDomain(protocol.chainId, protocol.jobEscrow), order);
    const permit = await permitTermsFor(this.#ports.reader, input.account, capWei, protocol, order.leaseBy);
    if (committed !== undefined && committed.cid !== "") {
      await this.#ports.vault.depositKey(committed.cid, committed.contentKey, jobId);
    }
    const terms = this.#terms(
      checked.work,
      order,
      permit,
      protocol,
      licensed,
      offer,
      committed,
      workUnits,
      { providerCapWei, replicaCapWei },
      outputKey,
    );
    return {
      job: newJob(jobId, input, terms, drawSecret, this.#ports.clock.now()),
      salt: committed?.salt ?? new Uint8Array(0),
    };
  }

  async #commit(input: Uint8Array | undefined): Promise<Commitment | undefined> {
    if (input === undefined) return undefined;
    const salt = this.#ports.rng.bytes(SALT_BYTES);
    const commitment = bytes32(toBeHex(inputCommitment(input, salt), 32));
    const contentKey = generateContentKey(this.#ports.rng);
    const cid = await this.#ports.vault.put(
      encryptContent(contentKey, encodeJobInput({ input, salt }), this.#ports.rng),
    );
    return { salt, commitment, cid, contentKey };
  }

  #orderOf(
    input: PrepareJobInput,
    { work }: CheckedWork,
    capWei: bigint,
    protocol: ProtocolFacts,
    licenceId: number,
    committed: Commitment | undefined,
    outputKey: string,
    drawSecret: Job["drawSecret"],
  ): Order {
    const nowSeconds = Math.floor(this.#ports.clock.now() / 1_000);
    return {
      buyer: input.account,
      jobKind: JOB_KIND[work.kind],
      modelId: work.kind === "inference" ? work.modelId.toString() : "0",
      licenceId: licenceId.toString(),
      requestHash: requestHash(work, outputKey),
      inputCommitment: committed?.commitment ?? ZERO_BYTES32,
      verifier: verifierFor(input.verification, protocol),
      matcher: protocol.matcher,
      maxPriceWei: capWei.toString(),
      leaseBy: (nowSeconds + this.#order.leaseWithinSeconds).toString(),
      deliverWithinSeconds: this.#order.deliverWithinSeconds[work.kind].toString(),
      settleWithinSeconds: this.#order.settleWithinSeconds.toString(),
      nonce: (drawSecret === ""
        ? BigInt(hex(this.#ports.rng.bytes(16)))
        : drawCommitment(drawSecret)
      ).toString(),
    };
  }

  #terms(
    work: JobTerms["work"],
    order: Order,
    permit: PermitTerms | undefined,
    protocol: ProtocolFacts,
    licensed: { readonly model: PublishedModel; readonly licenceId: number } | undefined,
    offer: VerificationOffer,
    committed: Commitment | undefined,
    workUnits: number,
    caps: { readonly providerCapWei: bigint; readonly replicaCapWei: bigint },
    outputRecipientPublicKey: string,
  ): JobTerms {
    const { chainId, jobEscrow, wrappedAios, receiptRegistry } = protocol;
    return {
      work,
      order,
      permit,
      contracts: { chainId, jobEscrow, wrappedAios, receiptRegistry },
      licenceId: licensed?.licenceId ?? 0,
      modelCommitment: licensed === undefined ? ZERO_BYTES32 : bytes32(hex(licensed.model.modelCommitment)),
      modelOwner: licensed?.model.owner ?? "",
      modelCid: licensed?.model.contentCid ?? "",
      verifyingKeyHash: keyHashOf(offer, licensed?.model),
      inputCid: committed?.cid ?? "",
      prover: offer.prover,
      proverFeeWei: offer.proverFeeWei.toString(),
      usageFeeWei: licensed?.model.usageFeeWei ?? "0",
      royaltyBps: licensed?.model.royaltyBps ?? 0,
      protocolFeeBps: protocol.protocolFeeBps,
      challengeWindowSeconds: protocol.challengeWindowSeconds,
      providerPriceCapWei: caps.providerCapWei.toString(),
      replicaPriceCapWei: caps.replicaCapWei.toString(),
      sampleShareBps: offer.sampleShareBps,
      trust: offer.trust,
      requiredMemoryBytes: this.#market.requiredMemoryBytes[work.kind],
      workUnits,
      outputRecipientPublicKey,
    };
  }
}

/** Of the key that a proof of the job is made under. */
function keyHashOf({ verification }: VerificationOffer, model: PublishedModel | undefined): Bytes32 {
  if (model === undefined) return ZERO_BYTES32;
  return bytes32(hex(verification === "honk" ? model.honkKeyHash : model.verifyingKeyHash));
}

function verifierFor(verification: VerificationLevel, protocol: ProtocolFacts): Address {
  switch (verification) {
    case "none":
      return protocol.deliveryVerifier;
    case "sample":
      return protocol.sampleVerifier;
    case "replicate":
      return protocol.replicaVerifier;
    case "proof":
      return protocol.proofVerifier;
    case "honk":
      return protocol.honkVerifier;
  }
}

function newJob(
  jobId: JobId,
  input: PrepareJobInput,
  terms: JobTerms,
  drawSecret: Job["drawSecret"],
  nowMs: number,
): Job {
  return {
    jobId,
    tenant: input.tenant,
    buyer: input.account,
    kind: terms.work.kind,
    verification: input.verification,
    state: "prepared",
    terms,
    createdAtMs: nowMs,
    traceparent: input.traceparent,
    orderSignature: "",
    permitSignature: "",
    acceptanceSignature: "",
    leases: [],
    attempts: [],
    proof: NO_PROOF,
    draw: undefined,
    drawSecret,
    pendingUntilMs: 0,
    deliveredAtMs: 0,
    held: undefined,
    steps: [{ name: "prepared", atMs: nowMs, transactionHash: "", gasUsed: 0, note: "" }],
    progress: undefined,
    error: undefined,
    chainPosition: { blockNumber: -1, logIndex: -1 },
    settlementTransactionHash: "",
    placeAtMs: 0,
    placementRounds: 0,
  };
}

function digestOf(input: PrepareJobInput, { work, input: pixels }: CheckedWork): string {
  return bodyDigest({
    work: work.kind === "training" ? { ...work, layers: [...work.layers] } : { ...work },
    input: pixels === undefined ? null : hex(pixels),
    verification: input.verification,
    priceCapWei: input.priceCapWei,
    outputRecipientPublicKey: hex(input.outputRecipientPublicKey),
  });
}

function sameRequest(stored: StoredRequest, digest: string, key: string): StoredRequest {
  if (stored.bodyDigest !== digest) throw idempotencyKeyReused(key);
  return stored;
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
