import type { MadeModel } from "./models.js";

/** What is measured of a model in a process of its own, so that its peak memory is its own. */
export const PARTS = ["groth16", "ultra-honk", "evaluator", "ceremony"] as const;
export type PartName = (typeof PARTS)[number];

/** A job on the chain that a proof is to settle; hex with 0x, and the output in decimal. */
export interface JobFacts {
  readonly system: "groth16" | "ultra-honk";
  readonly modelCommitment: string;
  readonly verifyingKeyHash: string;
  readonly inputCommitment: string;
  readonly output: string;
}

export interface PartContext {
  readonly made: MadeModel;
  readonly threads: number;
  /** Proofs whose median is taken, and how long they may take before fewer are made. */
  readonly runs: { readonly runs: number; readonly forMs: number };
  readonly withPeer: boolean;
  /** To be filled and forgotten. */
  readonly directory: string;
  /** A figure by its row's id; `undefined` where this machine does not tell. */
  figure(id: string, value: number | undefined): void;
  /** Puts a delivered job on the chain. Answers what its proof is bound to. */
  order(facts: JobFacts): Promise<bigint>;
  /** What settles that job. */
  evidence(evidence: Uint8Array): void;
}

export type PartMessage =
  | { readonly kind: "figure"; readonly id: string; readonly value: number }
  | { readonly kind: "order"; readonly facts: JobFacts }
  | { readonly kind: "evidence"; readonly evidence: string }
  /** The system refuses the model, by name. */
  | { readonly kind: "refused"; readonly reason: string };

/** Answers an order. */
export interface OrderAnswer {
  readonly context: string;
}
