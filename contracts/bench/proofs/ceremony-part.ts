import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { contribute, openCeremony, verifyCeremony } from "@aios/core-groth16/ceremony";
import { CeremonyEngine } from "@aios/core-groth16/ceremony-engine";
import { readPowersOfTau } from "@aios/core-groth16/powers-of-tau";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { knownPowers } from "@aios/testkit/known-powers";
import { peakMemory, timed } from "./measure.js";
import type { PartContext } from "./part.js";

/**
 * A key from powers of tau by two contributors, checked as a prover does before it takes it: the first key is made again.
 * The powers' secret is known, which makes them sooner and is all that distinguishes them.
 */
export async function ceremonyPart({ figure, made }: PartContext): Promise<void> {
  const r1cs = compileCircuit(made.model);
  const power = Math.ceil(Math.log2(r1cs.constraints + r1cs.publicInputs + 1));
  const file = knownPowers(power, ["Ada", "Grace"]);
  const engine = new CeremonyEngine({ threads: availableParallelism() });
  try {
    const [[powers, firstKey], firstKeyMs] = await timed(async () => {
      const read = readPowersOfTau(file);
      return [read, await engine.firstKey(r1cs, read, randomBytes(32))] as const;
    });
    const opened = openCeremony(firstKey, powers);
    const [once, firstMs] = await timed(() => contribute(engine, opened, "developer", randomBytes(64)));
    const [twice, secondMs] = await timed(() => contribute(engine, once, "buyer", randomBytes(64)));
    const [, verificationMs] = await timed(async () => {
      const again = await engine.firstKey(r1cs, readPowersOfTau(file), randomBytes(32));
      await verifyCeremony(engine, twice, again, randomBytes(32));
    });
    figure("c.total", (firstKeyMs + firstMs + secondMs + verificationMs) / 1000);
    figure("c.first-key", firstKeyMs / 1000);
    figure("c.first", firstMs / 1000);
    figure("c.second", secondMs / 1000);
    figure("c.verification", verificationMs / 1000);
    figure("c.memory", peakMemory());
  } finally {
    await engine.close();
  }
}
