import { randomBytes } from "node:crypto";
import type { Sample } from "@aios/core-capability/test-set";
import { CodedError } from "@aios/kernel/coded-error";
import { hexText } from "./files.js";

const FORMAT = "aios-test-set-1";
const SALT_BYTES = 32;

/** Labelled inputs with fresh salts, as text. Secret: who has the salts can tell which inputs are in the set. */
export function encodeTestSet(inputs: readonly Uint8Array[], labels: readonly number[]): string {
  const samples = inputs.map((input, index) => ({
    input: hexText(input),
    salt: hexText(randomBytes(SALT_BYTES)),
    label: labels[index],
  }));
  return `${JSON.stringify({ format: FORMAT, samples })}\n`;
}

/** Inverse of `encodeTestSet`. Throws `malformed-test-set`. */
export function decodeTestSet(text: string): Sample[] {
  let value: { format?: unknown; samples?: unknown };
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    throw malformed("it is not JSON");
  }
  if (value === null || typeof value !== "object" || value.format !== FORMAT || !Array.isArray(value.samples))
    throw malformed(`its format is not ${FORMAT}`);
  return value.samples.map((sample: unknown, index): Sample => {
    const { input, salt, label } = (sample ?? {}) as Readonly<Record<string, unknown>>;
    if (!isHex(input) || !isHex(salt) || salt.length !== 2 * SALT_BYTES || !Number.isInteger(label))
      throw malformed(`sample ${index} lacks its input, its salt or its label`);
    return {
      input: new Uint8Array(Buffer.from(input, "hex")),
      salt: new Uint8Array(Buffer.from(salt, "hex")),
      label: label as number,
    };
  });
}

function isHex(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && /^([0-9a-f]{2})+$/.test(value);
}

function malformed(problem: string): CodedError {
  return new CodedError({
    code: "malformed-test-set",
    kind: "invalid",
    message: `This is no file of a test set: ${problem}.`,
  });
}
