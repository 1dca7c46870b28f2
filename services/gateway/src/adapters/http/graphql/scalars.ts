import { GraphQLScalarType, type ValueNode, valueFromASTUntyped } from "graphql";
import type { z } from "zod";
import { address, bytes32, cid, hexBytes, wei } from "../schemas/common.schemas.js";

/** Formats that the platform names: text on the wire. The operation's own schema checks it. */
const FORMATS: readonly { readonly schema: z.ZodString; readonly description: string }[] = [
  { schema: address, description: "An account: 0x followed by 40 hex digits." },
  { schema: bytes32, description: "0x followed by 64 hex digits." },
  { schema: hexBytes, description: "Bytes: 0x followed by whole bytes of hex." },
  { schema: wei, description: "An amount: a decimal integer of wei." },
  { schema: cid, description: "A content identifier." },
];

function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("a string is expected");
  return value;
}

function safeInteger(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw new TypeError("a whole number within ±(2^53 − 1) is expected");
  }
  return value;
}

const textScalars = FORMATS.map(({ schema, description }) => {
  const name = schema.meta()?.id ?? "";
  return {
    name,
    pattern: patternOf(schema),
    scalar: new GraphQLScalarType({ name, description, coerceOutputValue: text, coerceInputValue: text }),
  };
});

/** Times in milliseconds and sizes in bytes do not fit GraphQL's 32-bit Int. */
export const SAFE_INT = new GraphQLScalarType({
  name: "SafeInt",
  description: "A whole number within ±(2^53 − 1).",
  coerceOutputValue: safeInteger,
  coerceInputValue: safeInteger,
});

const anyJson = {
  coerceOutputValue: (value: unknown) => value,
  coerceInputValue: (value: unknown) => value,
  coerceInputLiteral: (literal: ValueNode) => valueFromASTUntyped(literal),
};

export const JSON_VALUE = new GraphQLScalarType({
  name: "JSON",
  description: "Any JSON value.",
  ...anyJson,
});

/** What a wallet takes whole has no fields to choose from. */
const TYPED_DATA = new GraphQLScalarType({
  name: "TypedData",
  description: "EIP-712 typed data as eth_signTypedData_v4 takes it: JSON.",
  ...anyJson,
});

export function scalarOfId(id: string | undefined): GraphQLScalarType | undefined {
  return id === "TypedData" ? TYPED_DATA : textScalars.find(({ name }) => name === id)?.scalar;
}

/** A format that was narrowed or described anew keeps its pattern, not its id. */
export function scalarOfPattern(patterns: readonly string[]): GraphQLScalarType | undefined {
  return textScalars.find(({ pattern }) => pattern !== undefined && patterns.includes(pattern))?.scalar;
}

function patternOf(schema: z.ZodString): string | undefined {
  const [check] = schema.def.checks ?? [];
  return (check?._zod.def as { readonly pattern?: RegExp } | undefined)?.pattern?.source;
}
