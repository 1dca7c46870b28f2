import {
  deliveryTypedData,
  jobIdOfOrder,
  type Order,
  receiptTypedData,
  type Written,
} from "@aios/core-settlement/order-digest";
import {
  type RequestedInference,
  type RequestedTraining,
  requestHash,
} from "@aios/core-settlement/request-hash";
import { typedDataDigest } from "@aios/core-settlement/signed-data";
import { JOB_KIND, RECEIPT_KINDS, signingDomain } from "@aios/core-settlement/typed-data";
import type { Address, JobId } from "@aios/kernel/identifiers";
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { WorkKind } from "./agreed-terms.js";
import { malformedGrant, mismatch } from "./errors.js";
import type { PinnedNetwork } from "./network.js";
import type { LeaseRef, Signer } from "./ports.js";

const NO_HASH = `0x${"00".repeat(32)}`;

/** What was done, for the receipt. */
export interface WorkDone {
  readonly kind: WorkKind;
  /** Packed output of an inference, 32 bytes big-endian; empty for training. */
  readonly output: Uint8Array;
  /** CID of a training's output; empty for inference. */
  readonly outputCid: string;
  readonly modelCommitment: Uint8Array;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** Multiply-accumulates of an inference, samples seen by a training. */
  readonly workUnits: number;
}

/** Fields of the order that a receipt repeats. */
export interface OrderFacts {
  readonly buyer: string;
  readonly inputCommitment: string;
  readonly deliverWithinSeconds: number;
}

export interface SignedDelivery {
  readonly deliveryJson: string;
  readonly deliverySignature: Uint8Array;
  readonly receiptJson: string;
  readonly receiptSignature: Uint8Array;
}

/** What was granted besides the order: the job, its work, whom it is for, and of an inference the input's commitment. */
export interface GrantedWork {
  readonly jobId: JobId;
  readonly work: RequestedTraining | RequestedInference;
  /** Whom a training's output is sealed to; empty for an inference. */
  readonly outputRecipientPublicKey: Uint8Array;
  readonly inputCommitment: Uint8Array;
}

/**
 * The order, after it was seen to be the one whose digest under the network's escrow is the job's id, for the granted work
 * and recipient, and for the granted input: a proof about the ordered input refutes an output for any other.
 * Throws `malformed-grant`, `order-mismatch`, `input-commitment-mismatch`.
 */
export function checkedOrder(orderJson: string, granted: GrantedWork, network: PinnedNetwork): OrderFacts {
  const { work } = granted;
  const order = parseOrder(orderJson);
  const facts = orderFacts(order);
  if (orderedJobId(order, network) !== granted.jobId) throw mismatch("order-mismatch", "order");
  if (Number(order["jobKind"]) !== JOB_KIND[work.kind]) throw mismatch("order-mismatch", "kind of work");
  const recipient = work.kind === "training" ? hex(granted.outputRecipientPublicKey) : "";
  if (String(order["requestHash"]).toLowerCase() !== requestHash(work, recipient)) {
    throw mismatch("order-mismatch", work.kind === "training" ? "training or its recipient" : "model");
  }
  if (work.kind === "inference" && facts.inputCommitment.toLowerCase() !== hex(granted.inputCommitment)) {
    throw mismatch("input-commitment-mismatch", "input");
  }
  return facts;
}

function orderedJobId(order: Readonly<Record<string, unknown>>, network: PinnedNetwork): JobId {
  try {
    return jobIdOfOrder(
      signingDomain(network.chainId, network.contracts.JobEscrow),
      order as unknown as Written<Order>,
    );
  } catch {
    throw malformedGrant("the order lacks a field, or one is out of its range");
  }
}

function parseOrder(orderJson: string): Readonly<Record<string, unknown>> {
  let order: unknown;
  try {
    order = JSON.parse(orderJson);
  } catch {
    throw malformedGrant("the order is not JSON");
  }
  if (typeof order !== "object" || order === null) throw malformedGrant("the order is not an object");
  return order as Readonly<Record<string, unknown>>;
}

function orderFacts(order: Readonly<Record<string, unknown>>): OrderFacts {
  const { buyer, inputCommitment } = order;
  const deliverWithinSeconds = Number(order["deliverWithinSeconds"]);
  if (
    typeof buyer !== "string" ||
    typeof inputCommitment !== "string" ||
    !Number.isSafeInteger(deliverWithinSeconds)
  ) {
    throw malformedGrant("the order lacks buyer, input commitment or time to deliver");
  }
  return { buyer, inputCommitment, deliverWithinSeconds };
}

/**
 * Receipt and delivery, signed. `outputHash` is keccak256 of the packed output, or of the output's CID for a training;
 * `receiptHash` is the receipt's EIP-712 digest.
 */
export function signDelivery(
  lease: LeaseRef,
  work: WorkDone,
  order: OrderFacts,
  priceWei: string,
  network: PinnedNetwork,
  signer: Signer,
): SignedDelivery {
  const { JobEscrow: escrow, ReceiptRegistry: registry } = network.contracts;
  const inference = work.kind === "inference";
  const outputHash = hex(keccak_256(inference ? work.output : new TextEncoder().encode(work.outputCid)));
  const receipt = receiptTypedData(signingDomain(network.chainId, registry), {
    kind: (inference ? RECEIPT_KINDS.inference : RECEIPT_KINDS["training-round"]).toString(),
    jobId: lease.jobId,
    provider: signer.address,
    counterparty: order.buyer,
    modelCommitment: inference ? hex(work.modelCommitment) : NO_HASH,
    inputCommitment: order.inputCommitment,
    outputHash,
    startedAtMs: work.startedAtMs.toString(),
    finishedAtMs: work.finishedAtMs.toString(),
    promisedMs: (order.deliverWithinSeconds * 1_000).toString(),
    workUnits: work.workUnits.toString(),
    storedBytes: "0",
    priceWei,
  });
  const delivery = deliveryTypedData(signingDomain(network.chainId, escrow), {
    jobId: lease.jobId,
    fencingToken: lease.fencingToken.toString(),
    output: inference ? BigInt(hex(work.output)).toString() : "0",
    outputHash,
    receiptHash: typedDataDigest(receipt),
  });
  return {
    deliveryJson: JSON.stringify(delivery.message),
    deliverySignature: signer.signTypedData(delivery),
    receiptJson: JSON.stringify(receipt.message),
    receiptSignature: signer.signTypedData(receipt),
  };
}

export function hex(bytes: Uint8Array): string {
  let text = "0x";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

export type { Address };
