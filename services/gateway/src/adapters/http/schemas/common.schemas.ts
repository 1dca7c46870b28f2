import { z } from "zod";

/** Schemas with an `id` become named components of the OpenAPI document. */
export const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "0x followed by 40 hex digits")
  .meta({ id: "Address", examples: ["0x71c7656ec7ab88b098defb751b7401b5f6d8976f"] });
export const bytes32 = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, "0x followed by 64 hex digits")
  .meta({ id: "Bytes32" });
export const hexBytes = z
  .string()
  .regex(/^0x([0-9a-fA-F]{2})*$/, "0x followed by whole bytes of hex")
  .meta({ id: "HexBytes" });
export const wei = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/, "a decimal integer of wei")
  .meta({ id: "Wei", examples: ["1500000000000000000"] });
export const cid = z
  .string()
  .regex(/^[a-zA-Z0-9]{10,128}$/, "a content identifier")
  .meta({ id: "Cid" });
export const uint = z.int().nonnegative();
export const json = z.unknown().meta({ id: "Json", description: "Any JSON value." });

export const progress = z
  .object({
    stage: z.string(),
    percent: uint.max(100),
    message: z.string(),
    figures: z.record(z.string(), z.string()),
  })
  .meta({ id: "Progress", description: "Where a unit of work stands." });

export const errorInfo = z
  .object({ code: z.string(), message: z.string(), details: z.unknown() })
  .meta({ id: "ErrorInfo", description: "An error as data, inside a resource." });

export const typedData = z
  .object({
    domain: z.object({
      name: z.string(),
      version: z.string(),
      chainId: z.union([z.int(), z.string()]),
      verifyingContract: z.string(),
    }),
    types: z.record(z.string(), z.array(z.object({ name: z.string(), type: z.string() }))),
    primaryType: z.string(),
    message: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "TypedData", description: "EIP-712 typed data as eth_signTypedData_v4 takes it." });

export const signingRequest = z
  .object({ name: z.string(), typedData })
  .meta({ id: "SigningRequest", description: "Something the account has to sign with its own key." });

export const signingRequests = z.object({ toSign: z.array(signingRequest) }).meta({ id: "SigningRequests" });

export const namedSignature = z
  .object({
    name: z.string().min(1).max(64),
    signature: z.string().regex(/^0x[0-9a-fA-F]{130}$/, "65 bytes of hex: r, s and v"),
  })
  .meta({ id: "NamedSignature" });

export const signaturesBody = z
  .strictObject({ signatures: z.array(namedSignature).min(1).max(8) })
  .meta({ id: "Signatures" });

export const emptyBody = z.strictObject({}).meta({ id: "Empty" });

export const pageQuery = z.object({
  cursor: z.string().max(512).optional().meta({ description: "nextCursor of the page before." }),
  pageSize: z.coerce.number().int().min(1).max(100).default(20),
});

export const problem = z
  .object({
    type: z.string().meta({ description: "URI reference that identifies the code." }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: "One sentence that says what to do." }),
    code: z.string().meta({ description: "Stable code." }),
    traceId: z.string().meta({ description: "Leads an operator to the cause." }),
    field: z.string().optional().meta({ description: "The field that is wrong." }),
    why: z.string().optional().meta({ description: "Where the reason is explained further." }),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: "Problem", description: "Problem details (RFC 9457)." });
