import type { NamedSignature, SigningRequest } from "./api-types.js";
import type { AccountSigner } from "./wallet.js";

/** Signs each request, one after the other, so that a wallet can ask its user about each. */
export async function signAll(
  signer: AccountSigner,
  requests: readonly SigningRequest[],
): Promise<NamedSignature[]> {
  const signatures: NamedSignature[] = [];
  for (const request of requests) {
    signatures.push({ name: request.name, signature: await signer.signTypedData(request.typedData) });
  }
  return signatures;
}
