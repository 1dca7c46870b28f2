import { parseReceipt } from "@aios/core-contribution/receipt";
import { type Receipt, receiptTypedData } from "@aios/core-settlement/order-digest";
import { signerOf, type TypedData, typedDataDigest } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import type { Address } from "@aios/kernel/identifiers";
import { hexlify, keccak256, toUtf8Bytes } from "ethers";

export type ReceiptState = "waiting" | "counted" | "batched" | "anchored" | "refused";

/** A receipt as it came, under the digest that the provider signed. */
export interface ReceiptRecord {
  /** EIP-712 digest; the hash of the text where the text is no receipt. */
  readonly receiptId: string;
  readonly sequence: bigint;
  readonly tenant: string;
  readonly kind: number;
  readonly jobId: string;
  readonly provider: string;
  readonly counterparty: string;
  readonly messageJson: string;
  readonly providerSignature: Uint8Array;
  readonly state: ReceiptState;
  readonly countersignedBy: string;
  readonly refusedBecause: string;
  readonly batchId: string | undefined;
}

/** Where receipts are signed for. */
export interface ReceiptDomain {
  readonly chainId: bigint;
  readonly receiptRegistry: Address;
}

/** The message in canonical JSON, or `undefined` where the text holds none. */
export function receiptOfJson(text: string): Receipt | undefined {
  try {
    return parseReceipt(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** EIP-712 digest of the message: its identity and its leaf. */
export function receiptDigest(domain: ReceiptDomain, receipt: Receipt): string {
  return typedDataDigest(typedData(domain, receipt));
}

/** Identity of something that is no receipt, so that it can be shown and said to be refused. */
export function malformedReceiptId(text: string): string {
  return keccak256(toUtf8Bytes(text));
}

/** The account whose key signed the message; `undefined` where the signature recovers to none. */
export function receiptSigner(
  domain: ReceiptDomain,
  receipt: Receipt,
  signature: Uint8Array,
): string | undefined {
  return signerOf(typedData(domain, receipt), hexlify(signature));
}

function typedData({ chainId, receiptRegistry }: ReceiptDomain, receipt: Receipt): TypedData {
  return receiptTypedData(signingDomain(chainId, receiptRegistry), receipt);
}
