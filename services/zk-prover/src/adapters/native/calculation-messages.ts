import type { EncodedCircuit, WitnessToEncode } from "@aios/barretenberg/honk-encoder";
import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import type { R1cs } from "@aios/core-zkml/r1cs";
import type { CodedErrorInit } from "@aios/kernel/coded-error";
import type { HonkQuestion } from "../../application/calculations.js";

export type CalculationRequest =
  | { readonly kind: "compile"; readonly model: ProvableModel }
  /** Without names, which only the host needs. */
  | { readonly kind: "encode-circuit"; readonly r1cs: R1cs }
  | { readonly kind: "encode-witness"; readonly wanted: WitnessToEncode }
  | { readonly kind: "verify-honk"; readonly question: HonkQuestion };

export type CalculationResult =
  | { readonly kind: "circuit"; readonly r1cs: R1cs }
  | { readonly kind: "encoded-circuit"; readonly encoded: EncodedCircuit }
  | { readonly kind: "encoded-witness"; readonly bytes: Uint8Array }
  | { readonly kind: "unsatisfied"; readonly row: number }
  | { readonly kind: "verdict"; readonly holds: boolean };

export interface CalculationCall {
  readonly id: number;
  readonly request: CalculationRequest;
}

export type CalculationReply =
  | { readonly id: number; readonly type: "result"; readonly result: CalculationResult }
  | { readonly id: number; readonly type: "refused"; readonly error: CodedErrorInit };
