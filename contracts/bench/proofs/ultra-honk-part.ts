import { UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { encodeEvidence } from "@aios/core-groth16/evidence";
import { developmentReferenceString } from "@aios/core-ultra-honk/reference-string";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { HonkVerification } from "../../src/honk-verification.js";
import { DEVELOPMENT_TAU_G2 } from "../../src/parameters.js";
import { ChildMemory, median, repeated, timed } from "./measure.js";
import type { PartContext } from "./part.js";
import { orderedJob } from "./proven-job.js";

const MIB = 2 ** 20;

/** Key, proof and verification under UltraHonk. Throws `circuit-too-large`. */
export async function ultraHonkPart(context: PartContext): Promise<void> {
  const { figure, made, threads, directory, runs } = context;
  const r1cs = compileCircuit(made.model);
  let referenceStringMs = 0;
  await using prover = new UltraHonkProver({
    directory,
    threads,
    referenceString: async (logRows) => {
      const [string, ms] = await timed(() => developmentReferenceString(logRows));
      referenceStringMs = ms;
      return string;
    },
  });
  const program = await prover.prepare(r1cs);
  figure("h.gates", program.gates);
  figure("h.log-rows", program.logRows);
  figure("h.acir", program.acirBytes / MIB);
  using memory = new ChildMemory();
  const [key, keyMs] = await timed(() => prover.verifyingKey(program));
  figure("h.reference-string", referenceStringMs);
  figure("h.key", keyMs - referenceStringMs);
  figure("h.verifying-key", key.length);

  const job = await orderedJob(context, "ultra-honk", key);
  const witness = job.witness(r1cs);
  const [proveMs, verifyMs]: [number[], number[]] = [[], []];
  let proof = new Uint8Array();
  await repeated(runs, async () => {
    const [proven, ms] = await timed(() => prover.prove(program, key, witness));
    proof = Uint8Array.from(proven);
    proveMs.push(ms);
  });
  figure("h.proof", median(proveMs));
  figure("h.memory", memory.peak);
  const verification = new HonkVerification(DEVELOPMENT_TAU_G2);
  await repeated(runs, async () => {
    const [holds, ms] = await timed(() => verification.verify(key, job.inputs, proof));
    if (!holds) throw new Error("the proof does not verify");
    verifyMs.push(ms);
  });
  figure("h.verify", median(verifyMs));
  const evidence = encodeEvidence({ verifyingKey: key, proof });
  figure("h.proof-bytes", proof.length);
  figure("h.evidence", evidence.length);
  context.evidence(evidence);
}
