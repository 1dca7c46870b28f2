import type { Address } from "@aios/kernel/identifiers";
import type { PermitTerms } from "../domain/job.js";
import type { ChainReader } from "../domain/ports.js";

/** The permit (EIP-2612) that a job needs now; none where the buyer already lets the escrow take as much. */
export async function permitTermsFor(
  reader: ChainReader,
  buyer: Address,
  capWei: bigint,
  { wrappedAios, jobEscrow }: { readonly wrappedAios: Address; readonly jobEscrow: Address },
  deadline: string,
): Promise<PermitTerms | undefined> {
  const [allowanceWei, nonce] = await Promise.all([
    reader.allowanceWei(buyer, wrappedAios, jobEscrow),
    reader.permitNonce(buyer, wrappedAios),
  ]);
  if (allowanceWei >= capWei) return undefined;
  return { valueWei: capWei.toString(), nonce: nonce.toString(), deadline };
}
