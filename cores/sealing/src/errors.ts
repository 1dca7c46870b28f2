import { CodedError } from "@aios/kernel/coded-error";

/** A key, nonce or header has the wrong length or format. */
export function invalidSealing(field: string, expected: string): CodedError {
  return new CodedError({
    code: "invalid-sealing",
    kind: "invalid",
    message: `${field} must be ${expected}.`,
    field,
  });
}

/** A sealed key did not open: another recipient, another context, or altered bytes. The cause is not told apart. */
export function sealNotOpened(): CodedError {
  return new CodedError({
    code: "seal-not-opened",
    kind: "unprocessable",
    message: "The sealed key does not open: it was sealed to another recipient or purpose, or was altered.",
  });
}

/** Ciphertext that its key does not open: another key, or altered bytes. */
export function contentNotDecrypted(): CodedError {
  return new CodedError({
    code: "content-not-decrypted",
    kind: "unprocessable",
    message: "The content does not decrypt: it was encrypted under another key, or was altered.",
  });
}
