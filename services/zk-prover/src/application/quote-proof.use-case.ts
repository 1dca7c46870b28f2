import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { WeiAmount } from "@aios/kernel/units";
import { keyFailed, keyNotFound, keyNotReady } from "../domain/errors.js";
import type { ModelKeyStore, ProofStore } from "../domain/ports.js";
import type { ProveTimes } from "./prove-times.js";

export interface ProofQuote {
  readonly priceWei: WeiAmount;
  readonly expectedMs: number;
  readonly trust: string;
  readonly prover: Address;
  readonly system: string;
}

const SYSTEM = "groth16-bn254";

/** Price, time and trust of a proof before anything is bought. */
export class QuoteProof {
  constructor(
    private readonly keys: ModelKeyStore,
    private readonly proofs: ProofStore,
    private readonly times: ProveTimes,
    private readonly terms: { readonly priceWei: WeiAmount; readonly payout: Address },
  ) {}

  async execute(modelCommitment: Bytes32): Promise<ProofQuote> {
    const record = await this.keys.find(modelCommitment);
    if (record === undefined) throw keyNotFound();
    if (record.failure !== undefined) throw keyFailed(record.failure.code, record.failure.message);
    if (record.material === undefined) throw keyNotReady();
    return {
      priceWei: this.terms.priceWei,
      expectedMs: this.times.expectedMs(await this.proofs.unfinishedCount()),
      trust: record.material.trust,
      prover: this.terms.payout,
      system: SYSTEM,
    };
  }
}
