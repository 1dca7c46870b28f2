import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acirCircuit } from "@aios/core-ultra-honk/acir-circuit";
import { developmentReferenceString } from "@aios/core-ultra-honk/reference-string";
import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import { type ProvableModel, provableGraph } from "@aios/core-zkml/integer-graph";
import { elementCount } from "@aios/core-zkml/integer-node";
import { isCodedError } from "@aios/kernel/coded-error";
import { UltraHonkProver } from "../src/ultra-honk-prover.js";
import { type Figure, median, timed } from "./figures.js";
import { rng } from "./models.js";

/** Key, proof and size of one model under UltraHonk; a model that is too large is refused by name. */
export async function ultraHonkFigures(
  name: string,
  model: ProvableModel,
  threads: number,
  runs: number,
): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), "aios-bench-honk-"));
  const label = `${name}, UltraHonk`;
  await using prover = new UltraHonkProver({
    directory,
    threads,
    referenceString: async (logRows) => developmentReferenceString(logRows),
  });
  try {
    const r1cs = compileCircuit(model);
    const [circuit, encodeMs] = await timed(() => acirCircuit(r1cs));
    const program = await prover.prepare(r1cs, circuit);
    const [key, keyMs] = await timed(() => prover.verifyingKey(program));
    const size = elementCount(provableGraph(model).inputShape);
    const times: number[] = [];
    let proof = new Uint8Array();
    for (let run = 0; run < runs; run++) {
      const witness = computeWitness(model, r1cs, rng.bytes(size), rng.bytes(32), BigInt(run));
      const [made, ms] = await timed(() => prover.prove(program, key, witness));
      times.push(ms);
      proof = made as Uint8Array<ArrayBuffer>;
    }
    return [
      { name: `${label}: proof, p50`, value: median(times), unit: "ms" },
      { name: `${label}: gates`, value: program.gates, unit: "", note: `2^${program.logRows} rows` },
      { name: `${label}: circuit as ACIR`, value: encodeMs, unit: "ms" },
      { name: `${label}: ACIR`, value: program.acirBytes / 2 ** 20, unit: "MiB" },
      { name: `${label}: verifying key with reference string`, value: keyMs, unit: "ms" },
      { name: `${label}: proof`, value: proof.length, unit: "B" },
    ];
  } catch (error) {
    if (!isCodedError(error) || error.code !== "circuit-too-large") throw error;
    return [{ name: `${label}: proof, p50`, value: null, unit: "ms", note: error.message }];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
