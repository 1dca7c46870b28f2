import {
  ACCEPTANCE_TYPES,
  DELIVERY_TYPES,
  LEASE_TERMS_TYPES,
  ORDER_TYPES,
  PERMIT_TYPES,
  PROVIDER_REGISTRATION_TYPES,
  RECEIPT_TYPES,
  signingDomain,
  type TypedDataTypes,
} from "@aios/core-settlement/typed-data";
import { type Address, address, type JobId, jobId } from "@aios/kernel/identifiers";
import { type TypedDataDomain, TypedDataEncoder, verifyMessage, verifyTypedData } from "ethers";

/** What somebody signs: EIP-712 domain, types and message. */
export interface TypedData {
  readonly domain: TypedDataDomain;
  readonly types: TypedDataTypes;
  readonly message: Readonly<Record<string, unknown>>;
}

const TOKEN_NAME = "Wrapped AIOS";

export function orderData(chainId: number, jobEscrow: Address, order: object): TypedData {
  return { domain: signingDomain(BigInt(chainId), jobEscrow), types: ORDER_TYPES, message: { ...order } };
}

export function leaseTermsData(chainId: number, jobEscrow: Address, terms: object): TypedData {
  return {
    domain: signingDomain(BigInt(chainId), jobEscrow),
    types: LEASE_TERMS_TYPES,
    message: { ...terms },
  };
}

export function deliveryData(chainId: number, jobEscrow: Address, delivery: object): TypedData {
  return {
    domain: signingDomain(BigInt(chainId), jobEscrow),
    types: DELIVERY_TYPES,
    message: { ...delivery },
  };
}

export function acceptanceData(chainId: number, jobEscrow: Address, acceptance: object): TypedData {
  return {
    domain: signingDomain(BigInt(chainId), jobEscrow),
    types: ACCEPTANCE_TYPES,
    message: { ...acceptance },
  };
}

export function receiptData(chainId: number, receiptRegistry: Address, receipt: object): TypedData {
  return {
    domain: signingDomain(BigInt(chainId), receiptRegistry),
    types: RECEIPT_TYPES,
    message: { ...receipt },
  };
}

export function registrationData(
  chainId: number,
  providerRegistry: Address,
  registration: object,
): TypedData {
  return {
    domain: signingDomain(BigInt(chainId), providerRegistry),
    types: PROVIDER_REGISTRATION_TYPES,
    message: { ...registration },
  };
}

/** ERC-2612: lets `spender` take up to `valueWei` of the wrapped coin. */
export function permitData(
  chainId: number,
  token: Address,
  permit: {
    readonly owner: Address;
    readonly spender: Address;
    readonly valueWei: string;
    readonly nonce: string;
    readonly deadline: string;
  },
): TypedData {
  return {
    domain: { name: TOKEN_NAME, version: "1", chainId: BigInt(chainId), verifyingContract: token },
    types: PERMIT_TYPES,
    message: {
      owner: permit.owner,
      spender: permit.spender,
      value: permit.valueWei,
      nonce: permit.nonce,
      deadline: permit.deadline,
    },
  };
}

/** JSON exactly as `eth_signTypedData_v4` takes it. */
export function typedDataJson(data: TypedData): string {
  return JSON.stringify(TypedDataEncoder.getPayload(data.domain, data.types, { ...data.message }));
}

/** EIP-712 digest: what is signed. */
export function typedDataDigest(data: TypedData): string {
  return TypedDataEncoder.hash(data.domain, data.types, { ...data.message });
}

/** The job's id is the digest of its order. */
export function jobIdOf(data: TypedData): JobId {
  return jobId(typedDataDigest(data));
}

/** Account that signed the data, or undefined for a signature that is none. */
export function signerOf(data: TypedData, signature: string): Address | undefined {
  try {
    return address(verifyTypedData(data.domain, data.types, { ...data.message }, signature));
  } catch {
    return undefined;
  }
}

/** Account that signed the text (EIP-191), or undefined for a signature that is none. */
export function textSignerOf(text: string, signature: string): Address | undefined {
  try {
    return address(verifyMessage(text, signature));
  } catch {
    return undefined;
  }
}
