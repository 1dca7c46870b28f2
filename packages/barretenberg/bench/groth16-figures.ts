import { randomBytes } from "node:crypto";
import { encodeEvidence } from "@aios/core-groth16/evidence";
import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import type { Proof } from "@aios/core-groth16/points";
import { encodeProof } from "@aios/core-groth16/proof-encoding";
import { peerProofTimes } from "@aios/core-groth16/test/peer-prover";
import { verify } from "@aios/core-groth16/verify";
import { encodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import { evaluateGraph } from "@aios/core-zkml/graph-evaluator";
import { type ProvableModel, provableGraph } from "@aios/core-zkml/integer-graph";
import { elementCount } from "@aios/core-zkml/integer-node";
import type { Witness } from "@aios/core-zkml/r1cs";
import { type Figure, median, timed } from "./figures.js";
import { rng } from "./models.js";

/** snarkjs needs a ceremony of its own a circuit, minutes above this size. */
const PEER_CONSTRAINTS = 1 << 14;

/** Set-up, key, proof and verification of one model under Groth16, snarkjs beside it where that is bearable. */
export async function groth16Figures(
  name: string,
  goalMs: number,
  model: ProvableModel,
  threads: number,
  { runs, withPeer }: { readonly runs: number; readonly withPeer: boolean },
): Promise<Figure[]> {
  const graph = provableGraph(model);
  const size = elementCount(graph.inputShape);
  const [r1cs, compileMs] = await timed(() => compileCircuit(model));
  const prover = new Groth16Prover({ threads });
  try {
    const [keys, setUpMs] = await timed(() => prover.developmentSetup(r1cs, randomBytes(32)));
    const [loaded, loadMs] = await timed(() => prover.load(keys.provingKey, keys.provingKeyHash, r1cs));
    const [witnessMs, proveMs, verifyMs, evaluateMs]: [number[], number[], number[], number[]] = [
      [],
      [],
      [],
      [],
    ];
    const proofs: Proof[] = [];
    let witness: Witness = [];
    for (let run = 0; run < runs; run++) {
      const input = rng.bytes(size);
      evaluateMs.push((await timed(() => evaluateGraph(graph, input)))[1]);
      const [made, madeMs] = await timed(() =>
        computeWitness(model, r1cs, input, rng.bytes(32), BigInt(run)),
      );
      witness = made;
      witnessMs.push(madeMs);
      const [proof, ms] = await timed(() => prover.prove(loaded, witness, randomBytes(32)));
      proveMs.push(ms);
      proofs.push(proof);
      const [isValid, checkMs] = await timed(() => verify(keys.verifyingKey, witness.slice(1, 4), proof));
      if (!isValid) throw new Error("the proof does not verify");
      verifyMs.push(checkMs);
    }
    const hasPeer = withPeer && r1cs.constraints + r1cs.publicInputs < PEER_CONSTRAINTS;
    const peerMs = hasPeer ? median(await peerProofTimes(r1cs, witness, runs)) : undefined;
    const total = median(proveMs) + median(witnessMs);
    return [
      {
        name: `${name}: witness and proof, p50`,
        value: total,
        unit: "ms",
        goal: goalMs,
        note: `witness ${median(witnessMs).toFixed(0)} ms`,
      },
      {
        name: `${name}: proof, p50`,
        value: median(proveMs),
        unit: "ms",
        ...(peerMs === undefined
          ? { note: "snarkjs not measured: its set-up of this circuit takes minutes" }
          : { peer: "snarkjs", peerValue: peerMs }),
      },
      { name: `${name}: verify in Node, p50`, value: median(verifyMs), unit: "ms", goal: 30 },
      { name: `${name}: reference evaluator, p50`, value: median(evaluateMs), unit: "ms" },
      { name: `${name}: constraints`, value: r1cs.constraints, unit: "" },
      { name: `${name}: compile circuit`, value: compileMs, unit: "ms" },
      { name: `${name}: development set-up`, value: setUpMs, unit: "ms", goal: 60_000 },
      { name: `${name}: load key`, value: loadMs, unit: "ms" },
      { name: `${name}: proving key`, value: keys.provingKey.length / 2 ** 20, unit: "MiB" },
      { name: `${name}: proof`, value: encodeProof(proofs.at(-1) as Proof).length, unit: "B" },
      {
        name: `${name}: evidence`,
        value: encodeEvidence({
          verifyingKey: encodeVerifyingKey(keys.verifyingKey),
          proof: encodeProof(proofs.at(-1) as Proof),
        }).length,
        unit: "B",
      },
      { name: `${name}: resident memory`, value: process.memoryUsage.rss() / 2 ** 20, unit: "MiB" },
    ];
  } finally {
    await prover.close();
  }
}
