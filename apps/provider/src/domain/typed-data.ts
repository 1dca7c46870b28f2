import type { TypedDataDomain } from "@aios/core-settlement/signed-data";
import { CodedError } from "@aios/kernel/coded-error";

interface ParsedTypedData {
  readonly primaryType: string;
  readonly domain: TypedDataDomain;
  readonly message: Readonly<Record<string, unknown>>;
}

function refuse(message: string): CodedError {
  return new CodedError({ code: "signature-refused", kind: "forbidden", message });
}

/**
 * Reads typed data that somebody asks us to sign. Only the primary type's name, the domain and the message are taken;
 * the types that get signed are always our own. Throws `signature-refused`.
 */
export function parseTypedData(json: string): ParsedTypedData {
  let value: { primaryType?: unknown; domain?: Record<string, unknown>; message?: unknown };
  try {
    value = JSON.parse(json) as typeof value;
  } catch {
    throw refuse("The typed data is not JSON.");
  }
  const { primaryType, domain, message } = value;
  if (
    typeof primaryType !== "string" ||
    typeof message !== "object" ||
    message === null ||
    domain === undefined
  ) {
    throw refuse("The typed data has no primary type, domain or message.");
  }
  const { name, version, chainId, verifyingContract } = domain;
  if (typeof name !== "string" || typeof version !== "string" || typeof verifyingContract !== "string") {
    throw refuse("The domain has no name, version or contract.");
  }
  return {
    primaryType,
    domain: {
      name,
      version,
      chainId: wholeNumber(chainId, "domain.chainId"),
      verifyingContract: verifyingContract.toLowerCase(),
    },
    message: message as Readonly<Record<string, unknown>>,
  };
}

/** A field that must be a whole number, as decimal or 0x text or a number. Throws `signature-refused`. */
export function wholeNumber(value: unknown, field: string): bigint {
  try {
    if (typeof value === "string" || typeof value === "number") return BigInt(value);
  } catch {
    // Falls through to the error that names the field.
  }
  throw refuse(`${field} is not a whole number.`);
}

/** Throws `signature-refused` unless the field, compared as text without case, is what it has to be. */
export function requireField(
  message: Readonly<Record<string, unknown>>,
  field: string,
  expected: string,
): void {
  if (String(message[field]).toLowerCase() !== expected.toLowerCase()) {
    throw refuse(`${field} is ${String(message[field])}, not ${expected}: not signed.`);
  }
}

export { refuse as signatureRefused };
