import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import type { R1cs } from "@aios/core-zkml/r1cs";
import type { TauG2Words } from "../domain/ports.js";

/** What is asked of UltraHonk's verifier on chain, in our EVM. */
export interface HonkQuestion {
  /** Of the reference string that the verifier is deployed with. */
  readonly tauG2: TauG2Words;
  readonly verifyingKey: Uint8Array;
  readonly publicInputs: readonly bigint[];
  readonly proof: Uint8Array;
}

/** Calculations of a quarter of a second and more, made where they keep no lease from being renewed. */
export interface Calculations {
  /** Throws what `compileCircuit` throws, and the signal's reason. */
  compile(model: ProvableModel, signal: AbortSignal): Promise<R1cs>;
  /** Throws `malformed-verifying-key`. */
  verifyHonk(question: HonkQuestion): Promise<boolean>;
}
