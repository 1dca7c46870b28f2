import { type CodedErrorInit, toCodedError } from "@aios/kernel/coded-error";

/** An error as it goes to another thread. Its cause stays here, but for the words that an operator looks for. */
export function errorAcross(cause: unknown): Omit<CodedErrorInit, "cause"> {
  const { code, kind, message, details, field, retryAfterMs } = toCodedError(cause);
  return {
    code,
    kind,
    message: kind === "internal" && cause instanceof Error ? `${message} (${cause.message})` : message,
    details,
    ...(field === undefined ? {} : { field }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
