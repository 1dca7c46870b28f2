/**
 * What the SDK looks at before it lets a key sign. The gateway proposes typed data; a wrong or hostile gateway
 * could propose anything, so each field that moves money or names a party is compared with what was asked.
 */
import {
  ACCEPTANCE_TYPES,
  DOMAIN_NAME,
  DOMAIN_VERSION,
  LICENCE_PURCHASE_TYPES,
  MODEL_PUBLICATION_TYPES,
  ORDER_TYPES,
  PERMIT_TYPES,
  type TypedDataTypes,
} from "@aios/core-settlement/typed-data";
import type { Json } from "@aios/kernel/canonical-json";
import { CodedError } from "@aios/kernel/coded-error";
import { TypedDataEncoder } from "ethers/hash";
import type { Protocol, SigningRequest, TypedData } from "./api-types.js";
import { messageTypes } from "./wallet.js";

/** Longest time in the future that a signature handed out by the SDK may stay usable. */
const LONGEST_VALIDITY_SECONDS = 7 * 24 * 3600;

/** One thing that a reviewed message must say. A function decides itself; anything else is compared. */
export type Expectation = string | number | bigint | ((value: Json | undefined) => boolean);

interface Review {
  readonly request: SigningRequest;
  readonly primaryType: string;
  readonly types: TypedDataTypes;
  readonly domain: {
    readonly name: string;
    readonly version: string;
    readonly chainId: number;
    readonly contract: string | undefined;
  };
  readonly expect: Readonly<Record<string, Expectation>>;
}

/** Refuses to sign: `typed-data-mismatch`, with the field, what was asked and what was proposed. */
export function mismatch(name: string, field: string, expected: unknown, proposed: unknown): CodedError {
  return new CodedError({
    code: "typed-data-mismatch",
    kind: "conflict",
    message: `Not signed: the ${name} that the gateway proposes differs from what was asked in '${field}'.`,
    field,
    details: { name, field, expected: printable(expected), proposed: printable(proposed) },
  });
}

function printable(value: unknown): string {
  return typeof value === "function"
    ? "another value"
    : typeof value === "string"
      ? value
      : String(typeof value === "object" ? JSON.stringify(value) : value);
}

function review({ request, primaryType, types, domain, expect }: Review): void {
  const { typedData, name } = request;
  if (typedData.primaryType !== primaryType)
    throw mismatch(name, "primaryType", primaryType, typedData.primaryType);
  const proposedType = TypedDataEncoder.from(messageTypes(typedData)).encodeType(primaryType);
  const expectedType = TypedDataEncoder.from(types).encodeType(primaryType);
  if (proposedType !== expectedType) throw mismatch(name, "types", expectedType, proposedType);
  if (typedData.domain.name !== domain.name)
    throw mismatch(name, "domain.name", domain.name, typedData.domain.name);
  if (typedData.domain.version !== domain.version)
    throw mismatch(name, "domain.version", domain.version, typedData.domain.version);
  if (!same(domain.chainId, typedData.domain.chainId))
    throw mismatch(name, "domain.chainId", domain.chainId, typedData.domain.chainId);
  if (domain.contract === undefined || !same(domain.contract, typedData.domain.verifyingContract)) {
    throw mismatch(name, "domain.verifyingContract", domain.contract, typedData.domain.verifyingContract);
  }
  for (const [field, expected] of Object.entries(expect)) {
    const proposed = typedData.message[field];
    const agrees = typeof expected === "function" ? expected(proposed) : same(expected, proposed);
    if (!agrees) throw mismatch(name, field, expected, proposed ?? null);
  }
}

function same(expected: string | number | bigint, proposed: Json | undefined): boolean {
  if (typeof proposed !== "string" && typeof proposed !== "number") return false;
  if (typeof expected === "string" && !/^0x/i.test(expected)) return expected === String(proposed);
  try {
    return BigInt(expected) === BigInt(proposed);
  } catch {
    return false;
  }
}

/** Accepts a deadline from now up to a week ahead. */
function soon(nowMs: number): Expectation {
  const now = BigInt(Math.floor(nowMs / 1000));
  return (value) => {
    try {
      const at = BigInt(value as string | number);
      return at > now && at <= now + BigInt(LONGEST_VALIDITY_SECONDS);
    } catch {
      return false;
    }
  };
}

function ownDomain(protocol: Protocol, contract: string): Review["domain"] {
  return {
    name: DOMAIN_NAME,
    version: DOMAIN_VERSION,
    chainId: protocol.chainId,
    contract: protocol.contracts[contract],
  };
}

/** The request of this name. Throws `typed-data-mismatch` where it is absent. */
export function requestNamed(requests: readonly SigningRequest[], name: string): SigningRequest {
  const found = requests.filter((request) => request.name === name);
  if (found.length !== 1 || found[0] === undefined)
    throw mismatch(name, "toSign", `one request named ${name}`, found.length);
  return found[0];
}

/** Refuses anything in the list beyond what the caller expects to sign. */
export function onlyNames(requests: readonly SigningRequest[], names: readonly string[]): void {
  const extra = requests.find((request) => !names.includes(request.name));
  if (extra !== undefined) throw mismatch(extra.name, "toSign", names.join(", "), extra.name);
}

/** EIP-712 digest of typed data. */
export function typedDataDigest(typedData: TypedData): string {
  return TypedDataEncoder.hash(typedData.domain, messageTypes(typedData), { ...typedData.message });
}

export interface ExpectedOrder {
  readonly jobId: string;
  readonly buyer: string;
  readonly jobKind: number;
  readonly modelId: number;
  readonly maxPriceWei: bigint;
  /** Name of the result verifier in the registry. */
  readonly verifier: string;
  /** 32 bytes; null where the job has no committed input. */
  readonly inputCommitment: string | null;
  /** What the order's hash of the request must be. */
  readonly requestHash: string;
}

/** Compares a proposed order with what the buyer asked for; the job id must be the order's own digest. */
export function reviewOrder(
  request: SigningRequest,
  protocol: Protocol,
  expected: ExpectedOrder,
  nowMs: number,
): void {
  review({
    request,
    primaryType: "Order",
    types: ORDER_TYPES,
    domain: ownDomain(protocol, "JobEscrow"),
    expect: {
      buyer: expected.buyer,
      jobKind: expected.jobKind,
      modelId: expected.modelId,
      maxPriceWei: expected.maxPriceWei,
      requestHash: expected.requestHash,
      verifier: contractAddress(protocol, expected.verifier),
      matcher: platformAccount(protocol, "matcher"),
      leaseBy: soon(nowMs),
      deliverWithinSeconds: atMost(LONGEST_VALIDITY_SECONDS),
      settleWithinSeconds: atMost(LONGEST_VALIDITY_SECONDS),
      ...(expected.inputCommitment === null ? {} : { inputCommitment: expected.inputCommitment }),
    },
  });
  const digest = typedDataDigest(request.typedData);
  if (digest !== expected.jobId.toLowerCase()) throw mismatch(request.name, "jobId", digest, expected.jobId);
}

function atMost(limit: number): Expectation {
  return (value) => {
    const seconds = Number(value);
    return Number.isSafeInteger(seconds) && seconds > 0 && seconds <= limit;
  };
}

/** Compares a proposed permit with the one sum and the one spender that the buyer means to allow. */
export function reviewPermit(
  request: SigningRequest,
  protocol: Protocol,
  expected: { readonly owner: string; readonly spender: string; readonly valueWei: bigint },
  nowMs: number,
): void {
  review({
    request,
    primaryType: "Permit",
    types: PERMIT_TYPES,
    domain: {
      name: "Wrapped AIOS",
      version: "1",
      chainId: protocol.chainId,
      contract: protocol.contracts.WrappedAios,
    },
    expect: {
      owner: expected.owner,
      spender: contractAddress(protocol, expected.spender),
      value: expected.valueWei,
      deadline: soon(nowMs),
    },
  });
}

/** Compares a proposed licence purchase with the model and the highest price that the buyer agreed to. */
export function reviewLicencePurchase(
  request: SigningRequest,
  protocol: Protocol,
  expected: { readonly buyer: string; readonly modelId: number; readonly maxPriceWei: bigint },
  nowMs: number,
): void {
  review({
    request,
    primaryType: "LicencePurchase",
    types: LICENCE_PURCHASE_TYPES,
    domain: ownDomain(protocol, "ModelLicence"),
    expect: { ...expected, deadline: soon(nowMs) },
  });
}

export interface ExpectedPublication {
  readonly owner: string;
  readonly modelCommitment: string;
  readonly contentCid: string;
  readonly licencePriceWei: bigint;
  readonly usageFeeWei: bigint;
  readonly royaltyBps: number;
  readonly verifyingKeyHash: string;
  /** Zero where the model has no UltraHonk key. */
  readonly honkKeyHash: string;
  /** Zero for a development key. */
  readonly ceremonyTranscriptHash: string;
}

/** Compares a proposed publication with the terms that the owner set. */
export function reviewPublication(
  request: SigningRequest,
  protocol: Protocol,
  expected: ExpectedPublication,
  nowMs: number,
): void {
  review({
    request,
    primaryType: "ModelPublication",
    types: MODEL_PUBLICATION_TYPES,
    domain: ownDomain(protocol, "ModelLicence"),
    expect: { ...expected, deadline: soon(nowMs) },
  });
}

/** Compares a proposed acceptance with the delivery that the buyer looked at. */
export function reviewAcceptance(
  request: SigningRequest,
  protocol: Protocol,
  expected: { readonly jobId: string; readonly fencingToken: number; readonly outputHash: string },
): void {
  review({
    request,
    primaryType: "Acceptance",
    types: ACCEPTANCE_TYPES,
    domain: ownDomain(protocol, "JobEscrow"),
    expect: { ...expected },
  });
}

/** Address of a registered contract. Throws `contract-unknown`. */
export function contractAddress(protocol: Protocol, name: string): string {
  return known(protocol.contracts[name], name);
}

function platformAccount(protocol: Protocol, name: string): string {
  return known(protocol.accounts[name], name);
}

function known(address: string | undefined, name: string): string {
  if (address !== undefined) return address;
  throw new CodedError({
    code: "contract-unknown",
    kind: "unavailable",
    message: `The platform does not name the address of ${name}; it may still be starting.`,
    details: { name },
  });
}
