import type { ServiceTimes } from "@aios/core-proving-queue/service-times";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { WeiAmount } from "@aios/kernel/units";
import { keyFailed, keyNotFound, keyNotReady } from "../domain/errors.js";
import type { ModelKeyStore, ProofStore } from "../domain/ports.js";

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
    private readonly times: ServiceTimes,
    private readonly terms: {
      readonly priceWei: WeiAmount;
      readonly payout: Address;
      /** Proofs that this replica works on at a time. */
      readonly parallel: number;
    },
  ) {}

  async execute(modelCommitment: Bytes32): Promise<ProofQuote> {
    const record = await this.keys.find(modelCommitment);
    if (record === undefined) throw keyNotFound();
    if (record.failure !== undefined) throw keyFailed(record.failure.code, record.failure.message);
    if (record.material === undefined) throw keyNotReady();
    const load = { depth: await this.proofs.depth(), parallel: this.terms.parallel };
    return {
      priceWei: this.terms.priceWei,
      expectedMs: this.times.expectedMs(modelCommitment, record.material.constraintCount, load),
      trust: record.material.trust,
      prover: this.terms.payout,
      system: SYSTEM,
    };
  }
}
