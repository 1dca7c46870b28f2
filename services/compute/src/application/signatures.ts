import { signerOf, type TypedData } from "@aios/core-settlement/signed-data";
import type { Address } from "@aios/kernel/identifiers";
import { signatureMalformed, signatureMissing, signatureNotYours } from "../domain/errors.js";

export interface NamedSignature {
  readonly name: string;
  readonly signature: Uint8Array;
}

/** The named signature as hex. Throws `signature-missing`, `signature-malformed`, `signature-not-yours`. */
export function requireSignature(
  signatures: readonly NamedSignature[],
  name: string,
  data: TypedData,
  signer: Address,
): string {
  const found = signatures.find((candidate) => candidate.name === name);
  if (found === undefined) throw signatureMissing(name);
  if (found.signature.length !== 65) throw signatureMalformed(name);
  const signature = `0x${Buffer.from(found.signature).toString("hex")}`;
  const recovered = signerOf(data, signature);
  if (recovered === undefined) throw signatureMalformed(name);
  if (recovered !== signer) throw signatureNotYours(name, signer, recovered);
  return signature;
}
