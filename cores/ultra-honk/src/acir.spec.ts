import { gzipSync } from "node:zlib";
import type { R1cs, Witness } from "@aios/core-zkml/r1cs";
import { firstUnsatisfied } from "@aios/core-zkml/r1cs";
import { R1csBuilder, signalTerm } from "@aios/core-zkml/r1cs-builder";
import { SCALAR_FIELD_ORDER, toScalar } from "@aios/core-zkml/scalar-field";
import { decompressWitnessStack, executeProgram } from "@noir-lang/acvm_js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { acirCircuit, acirWitness, firstNonZero } from "./acir-circuit.js";
import { decodeAcirProgram, encodeAcirProgram, encodeAcirWitness } from "./acir-codec.js";

const SIGNALS = 6;
const scalar = fc.oneof(
  fc.bigInt({ min: -5n, max: 5n }),
  fc.bigInt({ min: 0n, max: SCALAR_FIELD_ORDER - 1n }),
);
const combination = fc
  .dictionary(fc.integer({ min: 0, max: SIGNALS }).map(String), scalar, { maxKeys: 4 })
  .map((terms) => new Map(Object.entries(terms).map(([at, value]) => [Number(at), value])));

function sumOf(terms: ReadonlyMap<number, bigint>, z: readonly bigint[]): bigint {
  let sum = 0n;
  for (const [at, coefficient] of terms) sum += coefficient * (z[at] as bigint);
  return toScalar(sum);
}

/** Rows (A·z)(B·z) = C·z, each mended by one fresh signal so that the given values satisfy it. */
const satisfied = fc
  .tuple(
    fc.array(fc.tuple(combination, combination, combination), { minLength: 1, maxLength: 6 }),
    fc.array(fc.bigInt({ min: 0n, max: SCALAR_FIELD_ORDER - 1n }), {
      minLength: SIGNALS,
      maxLength: SIGNALS,
    }),
  )
  .map(([rows, values]): { r1cs: R1cs; z: Witness } => {
    const builder = new R1csBuilder();
    builder.publicInput("p0");
    builder.publicInput("p1");
    for (let at = 2; at < SIGNALS; at++) builder.signal(`s${at}`);
    const z = [1n, ...values];
    for (const [index, [a, b, c]] of rows.entries()) {
      const rest = toScalar(sumOf(a, z) * sumOf(b, z) - sumOf(c, z));
      const fresh = builder.signal(`rest${index}`);
      z.push(rest);
      builder.constrain(`row${index}`, a, b, new Map([...c, ...signalTerm(fresh)]));
    }
    return { r1cs: builder.build(), z };
  });

describe("ACIR of a constraint system", () => {
  it("holds for what satisfies the system", () => {
    fc.assert(
      fc.property(satisfied, ({ r1cs, z }) => {
        const circuit = acirCircuit(r1cs);
        const values = acirWitness(r1cs, circuit.derived, z);
        expect(values).toHaveLength(circuit.witnesses);
        expect(firstNonZero(circuit, values)).toBeUndefined();
      }),
    );
  });

  it("fails for every change that breaks the system, whatever the derived sums are made of", () => {
    fc.assert(
      fc.property(satisfied, fc.nat(), scalar, ({ r1cs, z }, at, change) => {
        const changed = [...z];
        const index = 1 + (at % (z.length - 1));
        changed[index] = toScalar((changed[index] as bigint) + change);
        const circuit = acirCircuit(r1cs);
        const breaks = firstUnsatisfied(r1cs, changed) !== undefined;
        expect(firstNonZero(circuit, acirWitness(r1cs, circuit.derived, changed)) !== undefined).toBe(breaks);
      }),
    );
  });

  it("binds each derived sum: no other value of it passes", () => {
    fc.assert(
      fc.property(satisfied, fc.nat(), ({ r1cs, z }, at) => {
        const circuit = acirCircuit(r1cs);
        fc.pre(circuit.derived.length > 0);
        const values = acirWitness(r1cs, circuit.derived, z);
        const index = circuit.witnesses - 1 - (at % circuit.derived.length);
        values[index] = toScalar((values[index] as bigint) + 1n);
        expect(firstNonZero(circuit, values)).toBeDefined();
      }),
    );
  });

  it("comes back from its encoding", () => {
    fc.assert(
      fc.property(satisfied, ({ r1cs }) => {
        const { derived: _, ...circuit } = acirCircuit(r1cs);
        expect(decodeAcirProgram(encodeAcirProgram({ ...circuit, derived: new Uint32Array(0) }))).toEqual(
          circuit,
        );
      }),
    );
  });

  it.each([
    ["another format", Uint8Array.of(2, 0x90)],
    ["something behind it", Uint8Array.of(3, 0x90, 0x90)],
    ["no list", Uint8Array.of(3, 0x01)],
    ["another opcode", Buffer.from("03929196a46d61696e9181a443616c6c909090909090", "hex")],
  ])("refuses %s", (_, bytes) => {
    expect(() => decodeAcirProgram(bytes)).toThrow(expect.objectContaining({ code: "malformed-acir" }));
  });

  it("is what Noir's own machine reads: it works out the same derived values and refuses a broken witness", async () => {
    const samples = fc.sample(satisfied, { numRuns: 20, seed: 20_260_710 });
    for (const { r1cs, z } of samples) {
      const circuit = acirCircuit(r1cs);
      const program = gzipSync(encodeAcirProgram(circuit));
      const given = new Map(z.slice(1).map((value, index) => [index, hex(value)]));
      const solved = (await executeProgram(program, given, noForeignCalls))[0]?.witness;
      expect(solved).toEqual(
        new Map(acirWitness(r1cs, circuit.derived, z).map((value, index) => [index, hex(value)])),
      );
      const broken = [...z];
      broken[z.length - 1] = toScalar((z.at(-1) as bigint) + 1n);
      const wrong = new Map(broken.slice(1).map((value, index) => [index, hex(value)]));
      await expect(executeProgram(program, wrong, noForeignCalls)).rejects.toThrow();
    }
  });

  it("encodes a witness as Noir does", () => {
    const values = [1n, SCALAR_FIELD_ORDER - 1n, 0n];
    const [stack] = decompressWitnessStack(gzipSync(encodeAcirWitness(values)));
    expect(stack?.witness).toEqual(new Map(values.map((value, index) => [index, hex(value)])));
  });
});

function hex(value: bigint): string {
  return `0x${value.toString(16).padStart(64, "0")}`;
}

function noForeignCalls(): Promise<never> {
  return Promise.reject(new Error("an arithmetic circuit calls nothing"));
}
