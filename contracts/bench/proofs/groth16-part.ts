import { randomBytes } from "node:crypto";
import { encodeEvidence } from "@aios/core-groth16/evidence";
import { Groth16Prover, type LoadedKey, type SetUpResult } from "@aios/core-groth16/groth16-prover";
import type { Proof } from "@aios/core-groth16/points";
import { encodeProof } from "@aios/core-groth16/proof-encoding";
import { decodeProvingKey } from "@aios/core-groth16/proving-key";
import { peerProofs } from "@aios/core-groth16/test/peer-proofs";
import { verify } from "@aios/core-groth16/verify";
import { encodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import { compileCircuit } from "@aios/core-zkml/circuit";
import type { R1cs } from "@aios/core-zkml/r1cs";
import { median, peakMemory, repeated, timed } from "./measure.js";
import type { PartContext } from "./part.js";
import { orderedJob, type ProvenJob } from "./proven-job.js";
import { ThreadTimes } from "./thread-times.js";

const VERIFICATIONS = 9;
const MIB = 2 ** 20;

/** Set-up, key, proof and verification under Groth16; snarkjs afterwards, under the same key. */
export async function groth16Part(context: PartContext): Promise<void> {
  const { figure, made, threads } = context;
  const [r1cs, compileMs] = await timed(() => compileCircuit(made.model));
  figure("g.constraints", r1cs.constraints);
  figure("g.compile", compileMs);
  const prover = new Groth16Prover({ threads });
  const seed = randomBytes(32);
  try {
    const [keys, setUpMs] = await timed(() => prover.developmentSetup(r1cs, seed));
    figure("g.set-up", setUpMs);
    figure("g.proving-key", keys.provingKey.length / MIB);
    const [loaded, loadMs] = await timed(() => prover.load(keys.provingKey, keys.provingKeyHash, r1cs));
    figure("g.load", loadMs);
    const verifyingKey = encodeVerifyingKey(keys.verifyingKey);
    const job = await orderedJob(context, "groth16", verifyingKey);
    const proof = await proofs(context, prover, loaded, r1cs, job);
    await verifications(context, keys, job, proof);
    const evidence = encodeEvidence({ verifyingKey, proof: encodeProof(proof) });
    figure("g.verifying-key", verifyingKey.length);
    figure("g.proof-bytes", encodeProof(proof).length);
    figure("g.evidence", evidence.length);
    figure("g.memory", peakMemory());
    context.evidence(evidence);
    await prover.close();
    if (context.withPeer) await peer(context, keys, seed, r1cs, job);
  } finally {
    await prover.close();
  }
}

/** Each of the same statement, with other blinding; where the time goes as the host of the threads sees it. */
async function proofs(
  { figure, runs }: PartContext,
  prover: Groth16Prover,
  key: LoadedKey,
  r1cs: R1cs,
  job: ProvenJob,
): Promise<Proof> {
  using threads = new ThreadTimes();
  const times = new Map<string, number[]>();
  const note = (id: string, ms: number): void => void times.set(id, [...(times.get(id) ?? []), ms]);
  let last: Proof | undefined;
  await repeated(runs, async () => {
    const [witness, witnessMs] = await timed(() => job.witness(r1cs));
    threads.take();
    const [proof, proofMs] = await timed(() => prover.prove(key, witness, randomBytes(32)));
    last = proof;
    const longest = threads.take();
    const [quotient, witnessSums, quotientSums, assembly] = (
      ["quotient", "sum-witness", "sum-quotient", "assemble"] as const
    ).map((kind) => longest.get(kind) ?? 0) as [number, number, number, number];
    note("g.total", witnessMs + proofMs);
    note("g.witness", witnessMs);
    note("g.proof", proofMs);
    note("g.quotient", quotient);
    note("g.witness-sums", witnessSums);
    note("g.quotient-sums", quotientSums);
    note("g.assembly", assembly);
    note("g.rest", proofMs - Math.max(quotient, witnessSums) - quotientSums - assembly);
  });
  for (const [id, values] of times) figure(id, median(values));
  return last as Proof;
}

async function verifications(
  { figure }: PartContext,
  { verifyingKey }: SetUpResult,
  { inputs }: ProvenJob,
  proof: Proof,
): Promise<void> {
  const times: number[] = [];
  for (let run = 0; run <= VERIFICATIONS; run++) {
    const [holds, ms] = await timed(() => verify(verifyingKey, inputs, proof));
    if (!holds) throw new Error("the proof does not verify");
    times.push(ms);
  }
  figure("g.verify-first", times.shift());
  figure("g.verify", median(times));
}

async function peer(
  { figure, runs }: PartContext,
  keys: SetUpResult,
  seed: Uint8Array,
  r1cs: R1cs,
  job: ProvenJob,
): Promise<void> {
  const { points } = decodeProvingKey(keys.provingKey, keys.provingKeyHash);
  const made = await peerProofs(r1cs, { points, seed }, job.witness(r1cs), runs);
  if (!made.every(({ proof }) => verify(keys.verifyingKey, job.inputs, proof)))
    throw new Error("a proof of snarkjs does not verify");
  figure("g.peer", median(made.map(({ tookMs }) => tookMs)));
}
