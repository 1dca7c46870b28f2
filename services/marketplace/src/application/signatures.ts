import { signatureMissing } from "../domain/errors.js";

export interface NamedSignature {
  readonly name: string;
  readonly signature: Uint8Array;
}

/** Throws `signature-missing`. */
export function requireSignature(signatures: readonly NamedSignature[], name: string): Uint8Array {
  const found = signatures.find((signature) => signature.name === name);
  if (found === undefined || found.signature.length !== 65) throw signatureMissing(name);
  return found.signature;
}
