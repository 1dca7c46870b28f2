import type { CodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import { MODEL_DOES_NOT_FIT, modelDoesNotFit, proofSystemNotOffered } from "../domain/errors.js";
import type { VerificationLevel } from "../domain/job.js";
import type {
  AbsentProver,
  KeyRefusal,
  ProofQuote,
  ProtocolFacts,
  Prover,
  PublishedModel,
} from "../domain/ports.js";
import type { PriceAnswer, PriceQuestion, Pricing } from "./pricing.js";

/** Four transactions of a block each, beside the work itself. */
const CHAIN_OVERHEAD_MS = 2_000;
const BPS_DENOMINATOR = 10_000n;
const INPUT_VISIBILITY = "The leased provider decrypts the input; storage and relayer see ciphertext only.";
export const NOBODY = `0x${"00".repeat(20)}` as Address;

/** The rungs that an inference can be bought with, cheapest promise first. */
export const INFERENCE_RUNGS: readonly VerificationLevel[] = ["none", "sample", "replicate", "proof", "honk"];

/** One way to verify a job: what it costs, how long it takes, whom it leaves to trust, and what goes into the order. */
export interface VerificationOffer {
  readonly verification: VerificationLevel;
  /** Undefined fees' receiver: nobody but the provider is paid. */
  readonly prover: Address;
  readonly proverFeeWei: bigint;
  readonly sampleShareBps: number;
  readonly cheapest: PriceAnswer;
  readonly question: PriceQuestion;
  readonly expectedMs: number;
  /** Of the proof in the settling transaction; 0 where none is verified. */
  readonly verificationGas: number;
  /** What a proof would be made by, and by what it is not; empty where nothing is ever proven. */
  readonly proofSystem: string;
  readonly absent: readonly AbsentProver[];
  readonly trust: string;
  readonly visibility: string;
}

/** What each rung of the ladder would cost and promise for an inference; quotes and orders say the same. */
export class VerificationOffers {
  constructor(
    private readonly prover: Pick<Prover, "quote">,
    private readonly pricing: Pricing,
    private readonly sampleShareBps: number,
  ) {}

  /**
   * Throws `no-provider-available`, `no-second-provider`, `proof-system-not-offered`, `model-does-not-fit` with what takes
   * it, and what the prover says where the rung needs it.
   */
  async inference(
    verification: VerificationLevel,
    model: PublishedModel,
    protocol: Pick<ProtocolFacts, "protocolFeeBps" | "challengeWindowSeconds">,
  ): Promise<VerificationOffer> {
    const question = {
      kind: "inference" as const,
      workUnits: model.workUnits,
      model,
      protocolFeeBps: protocol.protocolFeeBps,
    };
    const byWord = `final when you accept it or ${protocol.challengeWindowSeconds} s after delivery`;
    switch (verification) {
      case "none":
        return this.#offer(
          verification,
          { ...question, proverFeeWei: 0n },
          {
            trust: `The provider, for the output: its signed delivery is ${byWord}.`,
          },
        );
      case "sample": {
        const proof = await this.prover.quote(model.modelCommitment, "groth16");
        const share = this.sampleShareBps;
        const proverFeeWei =
          (BigInt(proof.priceWei) * BigInt(share) + BPS_DENOMINATOR - 1n) / BPS_DENOMINATOR;
        return this.#offer(
          verification,
          { ...question, proverFeeWei },
          {
            proof,
            sampleShareBps: share,
            extraMs: Math.ceil((proof.expectedMs * share) / Number(BPS_DENOMINATOR)),
            trust: `The provider, for what it would lose: of 10,000 deliveries ${share} are drawn, by the block that holds them and a secret that your order commits to and the draw shows, and proven; a wrong one is not paid, and takes from its provider's stake only what that provider put at risk under this key itself, which may be nothing. The platform knows the secret before: together with a provider it could choose what is drawn. Others are ${byWord}. A drawn one is proven under a key: ${proof.trust}.`,
            visibility: `${INPUT_VISIBILITY} Where the delivery is drawn the prover decrypts it too.`,
          },
        );
      }
      case "replicate": {
        const { second } = this.pricing.pair({ ...question, proverFeeWei: 0n });
        return this.#offer(
          verification,
          { ...question, proverFeeWei: second.cost.providerWei },
          {
            extraMs: duration(model.workUnits, second.unitsPerSecond),
            trust:
              "That two providers, each with a stake of its own, do not agree on a wrong output: the job is paid only when both signed the same one or a proof shows it. Where they differ, a proof decides, and whoever was wrong is not paid, except a wrong second one where the first delivered by itself before the proof: the terms on chain pay both. A stake is lost only as far as its provider put it at risk under the model's key itself.",
            visibility:
              "Both providers decrypt the input; storage and relayer see ciphertext only. Where they differ the prover decrypts it too.",
          },
        );
      }
      case "proof":
        return this.#proven(
          verification,
          await this.prover.quote(model.modelCommitment, "groth16"),
          question,
        );
      case "honk":
        if (model.honkKeyHash.length === 0) throw honkNotOffered(model.honkRefusal);
        return this.#proven(verification, await this.prover.quote(model.modelCommitment, "honk"), question);
    }
  }

  #proven(
    verification: VerificationLevel,
    proof: ProofQuote,
    question: Omit<PriceQuestion, "proverFeeWei">,
  ): VerificationOffer {
    return this.#offer(
      verification,
      { ...question, proverFeeWei: BigInt(proof.priceWei) },
      {
        proof,
        extraMs: proof.expectedMs,
        verificationGas: proof.verificationGas,
        trust: `Nobody for the output, but the ${verification === "honk" ? "UltraHonk" : "Groth16"} key: ${proof.trust}.`,
        visibility: `${INPUT_VISIBILITY} The prover decrypts it too.`,
      },
    );
  }

  #offer(
    verification: VerificationLevel,
    question: PriceQuestion,
    own: {
      readonly trust: string;
      /** What may have to be paid for, and by whom it would be made. */
      readonly proof?: ProofQuote;
      readonly sampleShareBps?: number;
      readonly extraMs?: number;
      readonly verificationGas?: number;
      readonly visibility?: string;
    },
  ): VerificationOffer {
    const cheapest =
      verification === "replicate" ? this.pricing.pair(question).first : this.pricing.cheapest(question);
    const workMs = duration(question.workUnits, cheapest.unitsPerSecond);
    return {
      verification,
      prover: own.proof?.prover ?? NOBODY,
      proverFeeWei: question.proverFeeWei,
      sampleShareBps: own.sampleShareBps ?? 0,
      cheapest,
      question,
      expectedMs: CHAIN_OVERHEAD_MS + workMs + (own.extraMs ?? 0),
      verificationGas: own.verificationGas ?? 0,
      proofSystem: own.proof?.system ?? "",
      absent: own.proof?.absent ?? [],
      trust: own.trust,
      visibility: own.visibility ?? INPUT_VISIBILITY,
    };
  }
}

/** Published models have a Groth16 key, so that takes what another system does not. */
function honkNotOffered(refusal: KeyRefusal | undefined): CodedError {
  const system = "ultrahonk-bn254";
  return refusal?.code === MODEL_DOES_NOT_FIT
    ? modelDoesNotFit(system, refusal.message, "proof")
    : proofSystemNotOffered(
        system,
        refusal?.message ||
          "This model is published without an UltraHonk key. A Groth16 proof of it is offered.",
      );
}

export function duration(workUnits: number, unitsPerSecond: number): number {
  return unitsPerSecond > 0 ? Math.ceil((workUnits * 1_000) / unitsPerSecond) : 0;
}

/** What a training costs and promises: it is offered without verification only. */
export function trainingOffer(
  pricing: Pricing,
  workUnits: number,
  {
    protocolFeeBps,
    challengeWindowSeconds,
  }: Pick<ProtocolFacts, "protocolFeeBps" | "challengeWindowSeconds">,
): VerificationOffer {
  const question = {
    kind: "training" as const,
    workUnits,
    model: undefined,
    proverFeeWei: 0n,
    protocolFeeBps,
  };
  const cheapest = pricing.cheapest(question);
  return {
    verification: "none",
    prover: NOBODY,
    proverFeeWei: 0n,
    sampleShareBps: 0,
    cheapest,
    question,
    expectedMs: CHAIN_OVERHEAD_MS + duration(workUnits, cheapest.unitsPerSecond),
    verificationGas: 0,
    proofSystem: "",
    absent: [],
    trust: `The provider, for the whole training: its signed delivery is final when you accept it or ${challengeWindowSeconds} s after delivery.`,
    visibility: "The data set is public; the trained model is sealed to your key, the provider sees it.",
  };
}
