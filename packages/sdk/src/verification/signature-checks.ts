import {
  deliveryTypedData,
  orderTypedData,
  type Receipt as ReceiptMessage,
  receiptTypedData,
} from "@aios/core-settlement/order-digest";
import { signerOf, type TypedData, typedDataDigest } from "@aios/core-settlement/signed-data";
import { type SigningDomain, signingDomain } from "@aios/core-settlement/typed-data";
import { keccak256 } from "ethers/crypto";
import type { Job, Protocol, Receipt } from "../api-types.js";
import { toHex32 } from "../hex.js";
import { contractAddress } from "../typed-data-review.js";
import { verificationBy } from "../verifier-contracts.js";
import type { ChainEvidence } from "./chain-evidence.js";
import type { VerificationCheck } from "./verification-report.js";

function domainOf(protocol: Protocol, contract: "JobEscrow" | "ReceiptRegistry"): SigningDomain {
  return signingDomain(protocol.chainId, contractAddress(protocol, contract));
}

/** The order is the job's identity, and its buyer signed it. */
export function checkOrder(protocol: Protocol, jobId: string, chain: ChainEvidence): VerificationCheck {
  const order = orderTypedData(domainOf(protocol, "JobEscrow"), chain.order);
  const digest = typedDataDigest(order);
  const signer = signerOf(order, chain.orderSignature);
  return {
    name: "order-signature",
    ok: digest === jobId.toLowerCase() && signer === chain.order.buyer,
    how: "The order was read from the transaction that opened the escrow; its digest is the job id, and the buyer's key signed it.",
    evidence: { digest, buyer: chain.order.buyer, signer: signer ?? "none", transaction: chain.openedIn },
  };
}

/** The signed order's verifier is the platform's contract for the way of verification that the gateway shows. */
export function checkVerifier(
  protocol: Protocol,
  job: Pick<Job, "verification">,
  { order }: ChainEvidence,
): VerificationCheck {
  const bought = verificationBy(protocol, order.verifier);
  return {
    name: "verifier",
    // A verifier of an earlier release is no longer among the platform's contracts.
    ok: bought === undefined ? undefined : bought === job.verification,
    how: "The verifier that the signed order names was compared with the platform's contract for what the gateway says was bought.",
    evidence: { verifier: order.verifier, bought: bought ?? "not known here", shown: job.verification },
  };
}

/** The provider that holds the last lease signed what it delivered. */
export function checkDelivery(protocol: Protocol, chain: ChainEvidence): VerificationCheck {
  const { delivery, deliverySignature } = chain;
  if (delivery === undefined || deliverySignature === undefined) {
    return {
      name: "delivery-signature",
      ok: undefined,
      how: "Nothing has been delivered on chain yet.",
      evidence: {},
    };
  }
  const lease = chain.events.findLast((event) => event.parsed.name === "JobLeased");
  const provider = String(lease?.parsed.args.provider ?? "").toLowerCase();
  const signer = signerOf(deliveryTypedData(domainOf(protocol, "JobEscrow"), delivery), deliverySignature);
  return {
    name: "delivery-signature",
    ok:
      signer !== undefined &&
      signer === provider &&
      BigInt(lease?.parsed.args.fencingToken ?? -1) === delivery.fencingToken,
    how: "The delivery was read from its transaction; the provider of the live lease signed it, under that lease's fencing token.",
    evidence: {
      provider,
      signer: signer ?? "none",
      fencingToken: delivery.fencingToken.toString(),
      transaction: chain.deliveredIn ?? "",
    },
  };
}

/** What the gateway shows as output is what was delivered on chain. */
export function checkOutput(job: Job, chain: ChainEvidence): VerificationCheck {
  const { delivery } = chain;
  if (delivery === undefined)
    return { name: "output", ok: undefined, how: "Nothing has been delivered on chain yet.", evidence: {} };
  const shown = job.kind === "inference" ? (job.output ?? "") : (job.outputCid ?? "");
  const shownHash =
    job.kind === "inference" ? keccak256(job.output ?? "0x") : keccak256(new TextEncoder().encode(shown));
  const sameOutput = job.kind !== "inference" || job.output === toHex32(delivery.output);
  return {
    name: "output",
    ok: shownHash === delivery.outputHash && sameOutput,
    how: "The output that the gateway shows hashes to what the provider signed and the chain recorded.",
    evidence: { shown, shownHash, onChain: delivery.outputHash },
  };
}

/** The provider's receipt: its digest is named by the delivery, and the provider signed it. */
export function checkReceiptSignature(
  protocol: Protocol,
  receipt: Receipt,
  chain: ChainEvidence,
): VerificationCheck {
  const message = messageOf(receipt.message) as ReceiptMessage;
  const data = receiptTypedData(domainOf(protocol, "ReceiptRegistry"), message);
  const digest = digestOf(data);
  const signer = signerOf(data, receipt.providerSignature);
  const named = chain.delivery?.receiptHash ?? "";
  return {
    name: "receipt-signature",
    ok:
      digest !== undefined &&
      digest === receipt.receiptId.toLowerCase() &&
      signer === receipt.provider.toLowerCase() &&
      named === digest,
    how: "The receipt's digest was computed here; the provider signed it, and the delivery on chain names it.",
    evidence: {
      receiptId: receipt.receiptId,
      digest: digest ?? "unreadable",
      signer: signer ?? "none",
      namedByDelivery: named,
    },
  };
}

function digestOf(data: TypedData): string | undefined {
  try {
    return typedDataDigest(data);
  } catch {
    return undefined;
  }
}

/** Services keep the message alone, or beside its signature. */
function messageOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return (value as { message?: unknown }).message ?? value;
}
