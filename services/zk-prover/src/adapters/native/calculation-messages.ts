import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import type { R1cs } from "@aios/core-zkml/r1cs";
import type { CodedErrorInit } from "@aios/kernel/coded-error";
import type { HonkQuestion } from "../../application/calculations.js";

export type CalculationRequest =
  | { readonly kind: "compile"; readonly model: ProvableModel }
  | { readonly kind: "verify-honk"; readonly question: HonkQuestion };

export type CalculationResult =
  | { readonly kind: "circuit"; readonly r1cs: R1cs }
  | { readonly kind: "verdict"; readonly holds: boolean };

export interface CalculationCall {
  readonly id: number;
  readonly request: CalculationRequest;
}

export type CalculationReply =
  | { readonly id: number; readonly type: "result"; readonly result: CalculationResult }
  | { readonly id: number; readonly type: "refused"; readonly error: CodedErrorInit };
