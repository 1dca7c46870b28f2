import { groth16VerificationGas, honkVerificationGas } from "@aios/contracts/verification-gas";
import type { ServiceTimes } from "@aios/core-proving-queue/service-times";
import { decodeHonkKey } from "@aios/core-ultra-honk/honk-key";
import type { Address } from "@aios/kernel/identifiers";
import type { WeiAmount } from "@aios/kernel/units";
import { keyFailed, keyNotFound, keyNotReady } from "../domain/errors.js";
import type { ModelKeyStore, ProofStore } from "../domain/ports.js";
import { type ProofSystem, type ProvenModel, provenModelId } from "../domain/proof-system.js";
import type { OfferedSystems } from "./offered-systems.js";

export interface ProofQuote {
  readonly priceWei: WeiAmount;
  readonly expectedMs: number;
  readonly trust: string;
  readonly prover: Address;
  readonly system: string;
  /** What verifying it in the settling transaction takes, about. */
  readonly verificationGas: number;
  readonly absent: readonly AbsentProver[];
}

/** A prover of the same proofs on other hardware that somebody could expect. */
export interface AbsentProver {
  readonly name: string;
  readonly reason: string;
}

const NO_GPU = "this release has no prover for GPUs; proofs are made on the processor.";
/** By proof system: a GPU's prover would make the same proofs under the same keys. */
const ABSENT: Readonly<Record<ProofSystem, readonly AbsentProver[]>> = {
  groth16: [{ name: "groth16-bn254-cuda", reason: NO_GPU }],
  honk: [{ name: "ultrahonk-bn254-cuda", reason: NO_GPU }],
};

/** How long proofs take, by proof system: they differ by an order of magnitude for one circuit. */
export type ProofTimes = Readonly<Record<ProofSystem, ServiceTimes>>;

/** Price, time, gas and trust of a proof before anything is bought. */
export class QuoteProof {
  constructor(
    private readonly keys: ModelKeyStore,
    private readonly proofs: ProofStore,
    private readonly times: ProofTimes,
    private readonly offered: OfferedSystems,
    private readonly terms: {
      readonly priceWei: Readonly<Record<ProofSystem, WeiAmount>>;
      readonly payout: Address;
      /** Proofs that this replica works on at a time. */
      readonly parallel: number;
    },
  ) {}

  async execute(model: ProvenModel): Promise<ProofQuote> {
    const { proofSystem } = model;
    const backEnd = this.offered.backEnd(proofSystem);
    const record = await this.keys.find(model);
    if (record === undefined) throw keyNotFound();
    if (record.failure !== undefined) throw keyFailed(record.failure);
    if (record.material === undefined) throw keyNotReady();
    const load = { depth: await this.proofs.depth(), parallel: this.terms.parallel };
    const times = this.times[proofSystem];
    return {
      priceWei: this.terms.priceWei[proofSystem],
      expectedMs: times.expectedMs(provenModelId(model), record.material.constraintCount, load),
      trust: record.material.trust,
      prover: this.terms.payout,
      system: backEnd.name,
      verificationGas: verificationGas(proofSystem, record.material.verifyingKey),
      absent: ABSENT[proofSystem],
    };
  }
}

function verificationGas(system: ProofSystem, verifyingKey: Uint8Array): number {
  const { execution, calldata } =
    system === "groth16"
      ? groth16VerificationGas()
      : honkVerificationGas(decodeHonkKey(verifyingKey).logRows);
  return execution + calldata;
}
