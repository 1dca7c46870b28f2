import type { MeasuredModel } from "./models.js";

/** One line of the table: a figure of every model. */
export interface Row {
  readonly id: string;
  readonly label: string;
  readonly unit: "ms" | "s" | "/s" | "gas" | "B" | "KiB" | "MiB" | "";
  readonly better?: "higher";
  /** At most this much. */
  readonly goal?: number | ((model: MeasuredModel) => number);
  /** The row whose figure stands beside this one in JSON. */
  readonly peerOf?: string;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

const GROTH16: readonly Row[] = [
  { id: "g.constraints", label: "constraints", unit: "" },
  { id: "g.compile", label: "circuit compiled", unit: "ms" },
  { id: "g.set-up", label: "key with a marked development set-up", unit: "ms", goal: 60_000 },
  { id: "g.load", label: "key loaded into the threads", unit: "ms" },
  {
    id: "g.total",
    label: "witness and proof, p50",
    unit: "ms",
    goal: ({ groth16GoalMs }) => groth16GoalMs,
  },
  { id: "g.witness", label: "  witness", unit: "ms" },
  { id: "g.proof", label: "  proof, satisfaction checked first", unit: "ms" },
  { id: "g.quotient", label: "    satisfaction and quotient, first thread", unit: "ms" },
  { id: "g.witness-sums", label: "    meanwhile sums over the witness, other threads", unit: "ms" },
  { id: "g.quotient-sums", label: "    sums over the quotient, all threads", unit: "ms" },
  { id: "g.assembly", label: "    assembled", unit: "ms" },
  { id: "g.rest", label: "    encoded and passed between threads", unit: "ms" },
  { id: "g.peer", label: "  snarkjs: proof under the same key", unit: "ms", peerOf: "g.proof" },
  { id: "g.verify", label: "verified in Node, p50", unit: "ms", goal: 30 },
  { id: "g.verify-first", label: "  the first under a key", unit: "ms" },
  { id: "g.gas", label: "verified on chain, alone", unit: "gas", goal: 260_000 },
  { id: "g.calldata", label: "  evidence as calldata", unit: "gas" },
  { id: "g.settle", label: "  transaction that settles the job by it", unit: "gas" },
  { id: "g.proving-key", label: "proving key", unit: "MiB" },
  { id: "g.verifying-key", label: "verifying key", unit: "B" },
  { id: "g.proof-bytes", label: "proof", unit: "B" },
  { id: "g.evidence", label: "evidence: verifying key and proof", unit: "B" },
  { id: "g.memory", label: "peak memory of set-up and proofs", unit: "MiB" },
];

const HONK: readonly Row[] = [
  { id: "h.gates", label: "gates", unit: "" },
  { id: "h.log-rows", label: "log2 of the rows", unit: "" },
  { id: "h.acir", label: "circuit as ACIR", unit: "MiB" },
  { id: "h.reference-string", label: "reference string, once for all models of a size", unit: "ms" },
  { id: "h.key", label: "verifying key", unit: "ms" },
  { id: "h.proof", label: "proof, satisfaction checked first, p50", unit: "ms" },
  { id: "h.verify", label: "verified in Node, p50", unit: "ms" },
  { id: "h.gas", label: "verified on chain, alone", unit: "gas" },
  { id: "h.calldata", label: "  evidence as calldata", unit: "gas" },
  { id: "h.settle", label: "  transaction that settles the job by it", unit: "gas" },
  { id: "h.verifying-key", label: "verifying key", unit: "B" },
  { id: "h.proof-bytes", label: "proof", unit: "B" },
  { id: "h.evidence", label: "evidence: verifying key and proof", unit: "B" },
  { id: "h.memory", label: "peak memory of the prover", unit: "MiB" },
];

const EVALUATOR: readonly Row[] = [
  { id: "e.own", label: "inferences a second", unit: "/s", better: "higher" },
  {
    id: "e.peer",
    label: "TensorFlow.js, WebAssembly, one thread, in floats",
    unit: "/s",
    better: "higher",
    peerOf: "e.own",
  },
];

const CEREMONY: readonly Row[] = [
  { id: "c.total", label: "all of it", unit: "s", goal: 180 },
  { id: "c.first-key", label: "  powers of tau checked, first key", unit: "s" },
  { id: "c.first", label: "  first contribution", unit: "s" },
  { id: "c.second", label: "  second contribution", unit: "s" },
  { id: "c.verification", label: "  everything verified again from the powers", unit: "s" },
  { id: "c.memory", label: "peak memory", unit: "MiB" },
];

export const SECTIONS: readonly Section[] = [
  { title: "Groth16", rows: GROTH16 },
  { title: "UltraHonk", rows: HONK },
  { title: "Reference evaluator", rows: EVALUATOR },
  { title: "Key by a ceremony of two contributors", rows: CEREMONY },
];

export function goalOf(row: Row, model: MeasuredModel): number | undefined {
  return typeof row.goal === "function" ? row.goal(model) : row.goal;
}
