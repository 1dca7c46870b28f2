import { leaseTermsTypedData } from "@aios/core-settlement/order-digest";
import { typedDataJson } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import type { Address, JobId } from "@aios/kernel/identifiers";
import type { ConnectResponse } from "@aios/proto/aios/compute/v1/compute";
import { type Job, type Lease, liveLease } from "../../domain/job.js";
import type { ProviderLinks } from "../../domain/ports.js";
import { hexBytes, kindOf, specOf } from "./job-mapping.js";

export type LinkMessage = Omit<ConnectResponse, "correlationId">;

/** One proven provider's open stream. */
export interface OpenLink {
  send(message: LinkMessage, correlationId?: string): void;
  /** Ends this stream because the provider opened another one. */
  replaced(): void;
}

/** The open link of each provider; a newer link of the same provider replaces the older. */
export class ProviderLinkHub implements ProviderLinks {
  readonly #links = new Map<Address, OpenLink>();
  readonly #onOnline: (provider: Address) => void;
  readonly #onOffline: (provider: Address) => void;

  constructor(onOnline: (provider: Address) => void, onOffline: (provider: Address) => void) {
    this.#onOnline = onOnline;
    this.#onOffline = onOffline;
  }

  get size(): number {
    return this.#links.size;
  }

  open(provider: Address, link: OpenLink): void {
    const older = this.#links.get(provider);
    this.#links.set(provider, link);
    older?.replaced();
    this.#onOnline(provider);
  }

  closed(provider: Address, link: OpenLink): void {
    if (this.#links.get(provider) !== link) return;
    this.#links.delete(provider);
    this.#onOffline(provider);
  }

  online(): ReadonlySet<Address> {
    return new Set(this.#links.keys());
  }

  offerLease(job: Job): void {
    const lease = liveLease(job);
    if (lease?.state !== "offered") return;
    const { chainId, jobEscrow } = job.terms.contracts;
    this.#send(lease, {
      leaseOffer: {
        jobId: job.jobId,
        fencingToken: lease.fencingToken,
        leaseTerms: {
          name: "lease-terms",
          typedDataJson: typedDataJson(leaseTermsTypedData(signingDomain(chainId, jobEscrow), lease.terms)),
        },
        kind: kindOf(job),
        deliverByMs: lease.offerExpiresAtMs + Number(job.terms.order.deliverWithinSeconds) * 1_000,
        spec: specOf(job),
      },
    });
  }

  grantLease(job: Job): void {
    const lease = liveLease(job);
    if (lease?.state !== "leased") return;
    const { terms } = job;
    this.#send(lease, {
      leaseGranted: {
        jobId: job.jobId,
        fencingToken: lease.fencingToken,
        leaseTransactionHash: lease.leaseTransactionHash,
        spec: specOf(job),
        modelCid: terms.modelCid,
        modelCommitment: hexBytes(job.kind === "inference" ? terms.modelCommitment : ""),
        inputCid: terms.inputCid,
        inputCommitment: hexBytes(terms.order.inputCommitment),
        outputRecipientPublicKey: hexBytes(terms.outputRecipientPublicKey),
        orderJson: JSON.stringify(terms.order),
        agreedPriceWei: lease.terms.providerPriceWei,
        traceparent: job.traceparent,
      },
    });
  }

  revokeLease(provider: Address, jobId: JobId, fencingToken: number, reason: string): void {
    this.#links
      .get(provider)
      ?.send({ leaseRevoked: { jobId, fencingToken, reason } }, `${jobId}:${fencingToken}`);
  }

  #send(lease: Lease, message: LinkMessage): void {
    this.#links.get(lease.provider)?.send(message, `${lease.terms.jobId}:${lease.fencingToken}`);
  }
}
