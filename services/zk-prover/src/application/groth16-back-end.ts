import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { decodeProof, encodeProof } from "@aios/core-groth16/proof-encoding";
import { verify } from "@aios/core-groth16/verify";
import { DEVELOPMENT_TRUST, decodeVerifyingKey, encodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import type { R1cs } from "@aios/core-zkml/r1cs";
import type { Rng } from "@aios/kernel/random";
import { keyNotReady } from "../domain/errors.js";
import type { CeremonyKeys } from "./ceremony-key.js";
import type { MadeKey } from "./made-key.js";
import type { CircuitToLoad, KeyToMake, ProofBackEnd, ReadyCircuit } from "./proof-back-end.js";

const SEED_BYTES = 64;
const BLINDING_BYTES = 64;

/** Keys of each model's own: made here for development, or from a ceremony, verified. Proofs of 256 bytes. */
export class Groth16BackEnd implements ProofBackEnd {
  readonly system = "groth16";
  readonly name = "groth16-bn254";

  constructor(
    private readonly prover: Groth16Prover,
    private readonly ceremonies: Pick<CeremonyKeys, "take">,
    private readonly rng: Rng,
  ) {}

  makeKey({ r1cs, ceremony, signal, onProgress }: KeyToMake): Promise<MadeKey> {
    return ceremony === undefined
      ? this.#setUp(r1cs, signal, onProgress)
      : this.ceremonies.take(ceremony, r1cs, signal);
  }

  async load({ r1cs, provingKey, signal }: CircuitToLoad): Promise<ReadyCircuit> {
    if (provingKey === undefined) throw keyNotReady();
    const { prover, rng } = this;
    const key = await prover.load(provingKey.bytes, provingKey.hash, r1cs, { signal });
    return {
      r1cs,
      isReady: () => prover.isLoaded(key),
      prove: async (witness, proveSignal, onPart) => {
        const onProgress = (fraction: number): void => onPart?.(fraction, partAt(fraction));
        onProgress(0);
        const options = { signal: proveSignal, onProgress };
        return encodeProof(await prover.prove(key, witness, rng.bytes(BLINDING_BYTES), options));
      },
      release: () => prover.unload(key),
    };
  }

  /** Some 20 ms, here. */
  async verify(
    verifyingKey: Uint8Array,
    publicInputs: readonly bigint[],
    proof: Uint8Array,
  ): Promise<boolean> {
    return verify(decodeVerifyingKey(verifyingKey), publicInputs, decodeProof(proof));
  }

  /** In a thread of its own, so that proofs do not wait for it; the seed is forgotten. */
  async #setUp(r1cs: R1cs, signal: AbortSignal, onProgress: (fraction: number) => void): Promise<MadeKey> {
    const prover = new Groth16Prover();
    const seed = this.rng.bytes(SEED_BYTES);
    try {
      const made = await prover.developmentSetup(r1cs, seed, { signal, onProgress });
      return {
        verifyingKey: encodeVerifyingKey(made.verifyingKey),
        provingKey: { bytes: made.provingKey, hash: made.provingKeyHash },
        constraintCount: r1cs.constraints,
        trust: DEVELOPMENT_TRUST,
        ceremonyTranscriptHash: undefined,
      };
    } finally {
      seed.fill(0);
      await prover.close();
    }
  }
}

function partAt(fraction: number): string {
  if (fraction === 0) return "The witness is checked; its quotient and the sums over it are computed.";
  return fraction < 1 ? "The sums over the quotient are computed." : "The proof is put together.";
}
