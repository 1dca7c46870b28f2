import { CodedError } from "@aios/kernel/coded-error";

/** What is wrong with a snapshot, by field; fields are few, so that they can be counted. */
export function snapshotInvalid(field: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "invalid-snapshot",
    kind: "invalid",
    field,
    message: `The snapshot is not valid: ${field}.`,
    ...(cause === undefined ? {} : { cause }),
  });
}
