import type { Brand } from "./brand.js";
import { CodedError } from "./coded-error.js";

/** 20-byte account, `0x` and lower-case hex. */
export type Address = Brand<string, "Address">;
/** 32 bytes, `0x` and lower-case hex. */
export type Bytes32 = Brand<string, "Bytes32">;
/** EIP-712 digest of the buyer's order: the job's identity on and off chain. */
export type JobId = Brand<string, "JobId">;
/** IPFS content identifier, version 1, base32. */
export type ContentId = Brand<string, "ContentId">;
/** Isolation boundary of stored data: one buyer, developer or organisation. */
export type TenantId = Brand<string, "TenantId">;

function hexOf(value: unknown, bytes: number, field: string): string {
  if (typeof value !== "string" || !new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`).test(value)) {
    throw new CodedError({
      code: "invalid-hex",
      kind: "invalid",
      message: `${field} must be 0x followed by ${bytes * 2} hex digits.`,
      field,
    });
  }
  return value.toLowerCase();
}

/** Throws `invalid-hex`. */
export function address(value: unknown, field = "address"): Address {
  return hexOf(value, 20, field) as Address;
}

/** Throws `invalid-hex`. */
export function bytes32(value: unknown, field = "bytes32"): Bytes32 {
  return hexOf(value, 32, field) as Bytes32;
}

/** Throws `invalid-hex`. */
export function jobId(value: unknown, field = "jobId"): JobId {
  return hexOf(value, 32, field) as JobId;
}

/**
 * Owner of what is no user's own: facts that anyone can read from the public chain, and the records of the installation
 * itself (its signers, its anchors, who is about to sign in).
 */
export const PLATFORM_TENANT = "platform" as TenantId;

/** The tenant that a signed-in account acts as. */
export function tenantOfAccount(account: Address): TenantId {
  return `account:${account}` as TenantId;
}
