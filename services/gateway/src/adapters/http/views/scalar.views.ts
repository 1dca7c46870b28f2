import { CodedError } from "@aios/kernel/coded-error";
import type {
  ErrorInfo,
  NamedSignature,
  Progress,
  TypedDataRequest,
} from "@aios/proto/aios/common/v1/common";
import type { z } from "zod";
import type { errorInfo, progress, signingRequest } from "../schemas/common.schemas.js";
import { typedData } from "../schemas/common.schemas.js";

export function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}

/** Proto3 cannot tell absent from empty: empty means absent in these fields. */
export function hexOrNull(bytes: Uint8Array): string | null {
  return bytes.length === 0 ? null : hex(bytes);
}

export function textOrNull(text: string): string | null {
  return text === "" ? null : text;
}

export function countOrNull(count: number): number | null {
  return count === 0 ? null : count;
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text.slice(2), "hex");
}

/** JSON that a service stored as text; null where it is empty. */
export function jsonOrNull(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw unreadableAnswer("JSON", cause);
  }
}

export function progressOrNull(value: Progress | undefined): z.infer<typeof progress> | null {
  return value === undefined
    ? null
    : {
        stage: value.stage,
        percent: Math.min(100, value.percent),
        message: value.message,
        figures: value.figures,
      };
}

export function errorOrNull(value: ErrorInfo | undefined): z.infer<typeof errorInfo> | null {
  return value === undefined || value.code === ""
    ? null
    : { code: value.code, message: value.message, details: jsonOrNull(value.detailsJson) };
}

export function signingRequestView(request: TypedDataRequest): z.infer<typeof signingRequest> {
  const parsed = typedData.safeParse(jsonOrNull(request.typedDataJson));
  if (!parsed.success) throw unreadableAnswer("typed data", parsed.error);
  return { name: request.name, typedData: parsed.data };
}

export function signatureMessages(
  signatures: readonly { name: string; signature: string }[],
): NamedSignature[] {
  return signatures.map(({ name, signature }) => ({ name, signature: Buffer.from(bytesOf(signature)) }));
}

/** Translates an enumeration both ways can name; a value this gateway does not know is a bug, not a guess. */
export function named<Name extends string>(names: Readonly<Record<number, Name>>, value: number): Name {
  const name = names[value];
  if (name === undefined) throw unreadableAnswer(`enumeration value ${value}`, undefined);
  return name;
}

function unreadableAnswer(what: string, cause: unknown): CodedError {
  return new CodedError({
    code: "unreadable-answer",
    kind: "internal",
    message:
      "A part of the platform gave an answer that the gateway cannot read. The trace id leads an operator to the cause.",
    details: { what },
    cause,
  });
}
