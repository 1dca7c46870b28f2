import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import { evaluate } from "@aios/core-zkml/evaluator";
import { packOutput } from "@aios/core-zkml/output-packing";
import type { Witness } from "@aios/core-zkml/r1cs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MadeKey } from "../../src/application/made-key.js";
import type { ProofBackEnd, ReadyCircuit } from "../../src/application/proof-back-end.js";
import { sampleModel } from "../support/sample-model.js";

export interface ProofBackEndUnderTest {
  readonly backEnd: ProofBackEnd;
  /** Ends what is proving, or about to, as a crash would. Absent where this machine gives no means to. */
  crash?(): Promise<void>;
  close(): Promise<void>;
}

const model = sampleModel(1);
const r1cs = compileCircuit(model);
const input = Uint8Array.of(200, 100, 7, 31);
const output = packOutput(evaluate(model, input));
const witness = computeWitness(model, r1cs, input, new Uint8Array(32).fill(9), 1n);
const [context, commitment] = [witness[1], witness[2]] as [bigint, bigint];
const { signal } = new AbortController();

/** What every `ProofBackEnd` does; the tests share one key. */
export function proofBackEndConformance(name: string, open: () => Promise<ProofBackEndUnderTest>): void {
  describe(`${name} as ProofBackEnd`, { timeout: 120_000 }, () => {
    let subject: ProofBackEndUnderTest;
    let key: MadeKey;
    let circuit: ReadyCircuit;
    beforeAll(async () => {
      subject = await open();
      const seen: number[] = [];
      key = await subject.backEnd.makeKey({
        r1cs,
        ceremony: undefined,
        signal,
        onProgress: (fraction) => seen.push(fraction),
      });
      for (const fraction of seen) expect(fraction >= 0 && fraction <= 1).toBe(true);
      circuit = await load();
    });
    afterAll(async () => {
      await circuit?.release();
      await subject?.close();
    });

    const load = (): Promise<ReadyCircuit> =>
      subject.backEnd.load({
        r1cs,
        verifyingKey: key.verifyingKey,
        provingKey: key.provingKey,
        signal,
      });
    const holds = (proof: Uint8Array, shown = output): Promise<boolean> =>
      subject.backEnd.verify(key.verifyingKey, [context, commitment, shown], proof);
    /** As whoever keeps circuits does: loads it again where what held it has ended. */
    const proveAgain = async (): Promise<Uint8Array> => {
      if (!circuit.isReady()) circuit = await load();
      return circuit.prove(witness, signal);
    };

    it("says whom the key asks to trust, and proves what a verifier takes for this output and no other", async () => {
      expect(key.trust).not.toBe("");
      expect(circuit.isReady()).toBe(true);
      const proof = await circuit.prove(witness, signal);
      expect(await holds(proof)).toBe(true);
      expect(await holds(proof, output + 1n)).toBe(false);
    });

    it("never proves the same twice: a proof says nothing of the input", async () => {
      const proofs = [await circuit.prove(witness, signal), await circuit.prove(witness, signal)];
      expect(proofs[0]).not.toEqual(proofs[1]);
    });

    it("refuses by name a witness that does not satisfy the circuit, and goes on", async () => {
      const wrong = witness.with(3, (witness[3] as bigint) + 1n) as Witness;
      await expect(circuit.prove(wrong, signal)).rejects.toMatchObject({ code: "unsatisfied-witness" });
      expect(await holds(await circuit.prove(witness, signal))).toBe(true);
    });

    it("gives up with its caller, and proves for the next", async () => {
      const giveUp = new AbortController();
      const given = expect(circuit.prove(witness, giveUp.signal)).rejects.toThrow();
      giveUp.abort(new Error("nobody waits"));
      await given;
      expect(await holds(await proveAgain())).toBe(true);
    });

    it("answers by name the proof under which it dies, and proves again once the circuit is loaded", async ({
      skip,
    }) => {
      const crash = subject.crash?.bind(subject);
      if (crash === undefined) return skip("nothing can be ended here");
      const dying = expect(proveAgain()).rejects.toMatchObject({ kind: "unavailable" });
      await crash();
      await dying;
      expect(await holds(await proveAgain())).toBe(true);
    });
  });
}
