import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { compileCircuit } from "@aios/core-zkml/circuit";
import { bn254 } from "@noble/curves/bn254.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publicInputsOf, sampleCircuit, sampleModel, sampleWitness } from "../test/sample-circuit.js";
import { Groth16Prover, type LoadedKey, type SetUpResult } from "./groth16-prover.js";
import type { G1Point, G2Point, Proof } from "./points.js";
import { decodeProof, encodeProof } from "./proof-encoding.js";
import type { ProverRequest } from "./prover-messages.js";
import { ProverThreadPort } from "./prover-thread-port.js";
import { verify } from "./verify.js";
import { WasmProver } from "./wasm-prover.js";

const { Fp2, Fr } = bn254.fields;
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const prover = new Groth16Prover({ maxPending: 4 });
let keys: SetUpResult;
let loaded: LoadedKey;
let proof: Proof;
const witness = sampleWitness();
const inputs = publicInputsOf(witness);

beforeAll(async () => {
  keys = await prover.developmentSetup(sampleCircuit, seed(1));
  loaded = await prover.load(keys.provingKey, keys.provingKeyHash, sampleCircuit);
  proof = await prover.prove(loaded, witness, seed(2));
});
afterAll(() => prover.close());

const g1 = (point: G1Point) => bn254.G1.Point.fromAffine(point);
const g2 = (point: G2Point) =>
  bn254.G2.Point.fromAffine({
    x: { c0: point.x.real, c1: point.x.imaginary },
    y: { c0: point.y.real, c1: point.y.imaginary },
  });
const fromG2 = (point: ReturnType<typeof g2>): G2Point => {
  const { x, y } = point.toAffine();
  return { x: { real: x.c0, imaginary: x.c1 }, y: { real: y.c0, imaginary: y.c1 } };
};

describe("prover and verifier", () => {
  it("agree on an honest proof", () => {
    expect(verify(keys.verifyingKey, inputs, proof)).toBe(true);
  });

  it("prove anything the circuit says about other inputs too", async () => {
    for (const input of [Uint8Array.of(0, 0, 0), Uint8Array.of(255, 255, 255), Uint8Array.of(255, 0, 1)]) {
      const other = sampleWitness(input, 5n);
      expect(
        verify(keys.verifyingKey, publicInputsOf(other), await prover.prove(loaded, other, seed(3))),
      ).toBe(true);
    }
  });

  it("refuse every public value tampered with, and every value outside the field", () => {
    for (let index = 0; index < inputs.length; index++) {
      for (const change of [1n, -1n, Fr.ORDER, 1n << 200n]) {
        const forged = inputs.map((value, at) => (at === index ? value + change : value));
        expect(verify(keys.verifyingKey, forged, proof)).toBe(false);
      }
    }
    expect(
      verify(keys.verifyingKey, [inputs[1] as bigint, inputs[0] as bigint, inputs[2] as bigint], proof),
    ).toBe(false);
  });

  it("refuse a proof with any one bit of any byte flipped", () => {
    const bytes = encodeProof(proof);
    for (let at = 0; at < bytes.length; at += 3) {
      const forged = bytes.slice();
      forged[at] = (forged[at] as number) ^ (1 << (at % 8));
      expect(() => {
        if (verify(keys.verifyingKey, inputs, decodeProof(forged))) throw new Error("accepted");
      }).toThrow(expect.objectContaining({ code: "malformed-proof" }));
    }
  });

  it("refuse valid points in the wrong places", () => {
    const other = g1(proof.a).double().toAffine();
    expect(verify(keys.verifyingKey, inputs, { ...proof, a: proof.c, c: proof.a })).toBe(false);
    expect(verify(keys.verifyingKey, inputs, { ...proof, a: other })).toBe(false);
    expect(verify(keys.verifyingKey, inputs, { ...proof, c: other })).toBe(false);
    expect(verify(keys.verifyingKey, inputs, { ...proof, b: keys.verifyingKey.beta })).toBe(false);
    expect(verify(keys.verifyingKey, inputs, { ...proof, a: g1(proof.a).negate().toAffine() })).toBe(false);
  });

  it("refuse points at infinity, off the curve and outside the subgroup", () => {
    const infinity = { x: 0n, y: 0n };
    const zero = { real: 0n, imaginary: 0n };
    const offTwist = { x: { real: 1n, imaginary: 1n }, y: { real: 1n, imaginary: 1n } };
    let x = { c0: 1n, c1: 0n };
    const b = bn254.G2.Point.CURVE().b;
    const square = (value: typeof x) => Fp2.add(Fp2.mul(Fp2.sqr(value), value), b);
    const isSquare = (value: typeof x): boolean => Fp2.eql(Fp2.pow(value, (Fp2.ORDER - 1n) / 2n), Fp2.ONE);
    while (!isSquare(square(x))) x = { c0: x.c0 + 1n, c1: 0n };
    const y = Fp2.sqrt(square(x));
    const outside: G2Point = { x: { real: x.c0, imaginary: x.c1 }, y: { real: y.c0, imaginary: y.c1 } };
    const forged: Proof[] = [
      { ...proof, a: infinity },
      { ...proof, c: infinity },
      { ...proof, b: { x: zero, y: zero } },
      { ...proof, a: { x: 1n, y: 1n } },
      { ...proof, b: offTwist },
      { ...proof, b: outside },
    ];
    for (const bad of forged)
      expect(() => verify(keys.verifyingKey, inputs, bad)).toThrow(
        expect.objectContaining({ code: "malformed-proof" }),
      );
    expect(() => verify({ ...keys.verifyingKey, delta: outside }, inputs, proof)).toThrow(
      expect.objectContaining({ code: "malformed-verifying-key" }),
    );
    expect(() => verify(keys.verifyingKey, inputs.slice(1), proof)).toThrow(
      expect.objectContaining({ code: "malformed-verifying-key" }),
    );
  });

  it("accept a re-randomised proof: bytes do not identify a proof, so replay protection keys on the job", () => {
    const [r1, r2] = [12_345n, 67_890n];
    const rerandomised: Proof = {
      a: g1(proof.a).multiply(Fr.inv(r1)).toAffine(),
      b: fromG2(
        g2(proof.b)
          .multiply(r1)
          .add(g2(keys.verifyingKey.delta).multiply(Fr.mul(r1, r2))),
      ),
      c: g1(proof.c).add(g1(proof.a).multiply(r2)).toAffine(),
    };
    expect(encodeProof(rerandomised)).not.toEqual(encodeProof(proof));
    expect(verify(keys.verifyingKey, inputs, rerandomised)).toBe(true);
    expect(verify(keys.verifyingKey, [(inputs[0] as bigint) + 1n, ...inputs.slice(1)], rerandomised)).toBe(
      false,
    );
  });

  it("refuse a proof under another key of the same circuit", async () => {
    const other = await prover.developmentSetup(sampleCircuit, seed(9));
    expect(verify(other.verifyingKey, inputs, proof)).toBe(false);
  });
});

describe("prover", () => {
  it("is deterministic in its seeds and blinds by the randomness", async () => {
    const again = await prover.developmentSetup(sampleCircuit, seed(1));
    expect(again.provingKeyHash).toEqual(keys.provingKeyHash);
    expect(await prover.prove(loaded, witness, seed(2))).toEqual(proof);
    expect(await prover.prove(loaded, witness, seed(4))).not.toEqual(proof);
  });

  it("refuses an unsatisfied witness before proving and names the constraint", async () => {
    const forged = witness.map((value, index) => (index === 3 ? value + 1n : value));
    await expect(prover.prove(loaded, forged, seed(2))).rejects.toMatchObject({
      code: "unsatisfied-witness",
      details: { constraint: "packed output" },
    });
    await expect(prover.prove(loaded, witness.slice(1), seed(2))).rejects.toMatchObject({
      code: "prover-refused",
    });
  });

  it("refuses short seeds, altered keys and keys of another circuit", async () => {
    await expect(prover.developmentSetup(sampleCircuit, new Uint8Array(31))).rejects.toMatchObject({
      code: "seed-too-short",
    });
    await expect(prover.prove(loaded, witness, new Uint8Array(8))).rejects.toMatchObject({
      code: "seed-too-short",
    });
    const altered = keys.provingKey.slice();
    altered[altered.length - 1] = (altered[altered.length - 1] as number) ^ 1;
    await expect(prover.load(altered, keys.provingKeyHash, sampleCircuit)).rejects.toMatchObject({
      code: "proving-key-altered",
    });
    const [first, last] = sampleModel.layers;
    if (first === undefined || last === undefined) throw new Error("the sample model has two layers");
    const other = compileCircuit({
      ...sampleModel,
      layers: [first, { ...last, biases: Int32Array.of(-9, 41) }],
    });
    await expect(prover.load(keys.provingKey, keys.provingKeyHash, other)).rejects.toMatchObject({
      code: "proving-key-mismatch",
    });
  });

  it("reports progress up to the end", async () => {
    const seen: number[] = [];
    await prover.developmentSetup(sampleCircuit, seed(1), { onProgress: (fraction) => seen.push(fraction) });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
  });

  it("is bounded: calls beyond its queue are refused at once", async () => {
    const calls = Array.from({ length: 6 }, () => prover.prove(loaded, witness, seed(2)));
    const results = await Promise.allSettled(calls);
    expect(results.map((result) => result.status)).toEqual([
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
    ]);
    expect((results[5] as PromiseRejectedResult).reason).toMatchObject({
      code: "prover-busy",
      kind: "unavailable",
    });
  });

  it("gives the same proof from any number of threads, and refuses the same witness", async () => {
    for (const threads of [2, 3, 5]) {
      const own = new Groth16Prover({ threads });
      try {
        const key = await own.load(keys.provingKey, keys.provingKeyHash, sampleCircuit);
        expect(await own.prove(key, witness, seed(2))).toEqual(proof);
        const forged = witness.map((value, at) => (at === 3 ? value + 1n : value));
        await expect(own.prove(key, forged, seed(2))).rejects.toMatchObject({ code: "unsatisfied-witness" });
        expect(await own.prove(key, witness, seed(2))).toEqual(proof);
      } finally {
        await own.close();
      }
    }
  });

  it("starts anew on all threads when one call is given up", async () => {
    const own = new Groth16Prover({ threads: 3 });
    try {
      const key = await own.load(keys.provingKey, keys.provingKeyHash, sampleCircuit);
      const giveUp = new AbortController();
      const setUp = own.developmentSetup(sampleCircuit, seed(1), {
        signal: giveUp.signal,
        onProgress: () => giveUp.abort(),
      });
      await expect(setUp).rejects.toMatchObject({ code: "prover-stopped" });
      expect(own.isLoaded(key)).toBe(false);
      await expect(own.prove(key, witness, seed(2))).rejects.toMatchObject({ code: "key-not-loaded" });
      const reloaded = await own.load(keys.provingKey, keys.provingKeyHash, sampleCircuit);
      expect(await own.prove(reloaded, witness, seed(2))).toEqual(proof);
    } finally {
      await own.close();
    }
  });

  it("stops in the middle when the caller gives up, and works again afterwards", async () => {
    const own = new Groth16Prover();
    try {
      const ready = await own.load(keys.provingKey, keys.provingKeyHash, sampleCircuit);
      const giveUp = new AbortController();
      const stopped = own.developmentSetup(sampleCircuit, seed(1), {
        signal: giveUp.signal,
        onProgress: () => giveUp.abort(),
      });
      await expect(stopped).rejects.toMatchObject({ code: "prover-stopped", kind: "unavailable" });
      expect(own.isLoaded(ready)).toBe(false);
      await expect(own.prove(ready, witness, seed(2))).rejects.toMatchObject({ code: "key-not-loaded" });
      const reloaded = await own.load(keys.provingKey, keys.provingKeyHash, sampleCircuit);
      expect(await own.prove(reloaded, witness, seed(2))).toEqual(proof);
      await own.unload(reloaded);
      await expect(own.prove(reloaded, witness, seed(2))).rejects.toMatchObject({
        code: "key-not-loaded",
        kind: "unavailable",
      });
      expect(own.isLoaded(reloaded)).toBe(true);
    } finally {
      await own.close();
    }
    await expect(own.developmentSetup(sampleCircuit, seed(1))).rejects.toMatchObject({
      code: "prover-stopped",
    });
  });
});

it("a thread that cannot be sent a request refuses that call alone", async () => {
  const port = new ProverThreadPort(4);
  const points = new Uint8Array(64);
  const gone = new ArrayBuffer(8);
  structuredClone(gone, { transfer: [gone] });
  try {
    await expect(port.call({ kind: "assemble", points, blinding: points }, [gone], {})).rejects.toThrow(
      /detached|transfer/,
    );
    await expect(port.call({ kind: "assemble", points, blinding: points }, [], {})).rejects.toMatchObject({
      code: "prover-refused",
    });
  } finally {
    await port.close();
  }
});

describe("a prover without memory", () => {
  it("says so, and is another one with memory for the next call", async () => {
    const port = new ProverThreadPort(4);
    const points = new Uint8Array(64);
    const request = (length: number) =>
      ({ kind: "development-setup", circuit: { length }, trapdoor: points }) as unknown as ProverRequest;
    try {
      // More than the module may have at all, though nothing lies there.
      await expect(port.call(request(2 ** 30), [], {})).rejects.toMatchObject({
        code: "prover-out-of-memory",
        kind: "unavailable",
      });
      await expect(port.call({ kind: "assemble", points, blinding: points }, [], {})).rejects.toMatchObject({
        code: "prover-refused",
      });
    } finally {
      await port.close();
    }
  });

  it("is told from one that failed otherwise", async () => {
    const path = createRequire(import.meta.url).resolve("@aios/core-groth16/groth16.wasm");
    const wasm = new WasmProver(await WebAssembly.compile(await readFile(path)));
    const trap = new WebAssembly.RuntimeError("unreachable");
    expect(wasm.isExhausted(new RangeError("Array buffer allocation failed"))).toBe(true);
    expect(wasm.isExhausted(new RangeError("Maximum call stack size exceeded"))).toBe(false);
    expect(wasm.isExhausted(new TypeError("memory"))).toBe(false);
    // Each answer lets it grow to twice its size, until there is no more to have.
    const answers = Array.from({ length: 12 }, () => wasm.isExhausted(trap));
    expect(answers[0]).toBe(false);
    expect(answers.at(-1)).toBe(true);
  });
});

describe("checked-in module", () => {
  it("has the checked-in hash and imports nothing", async () => {
    const path = createRequire(import.meta.url).resolve("@aios/core-groth16/groth16.wasm");
    const bytes = await readFile(path);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(
      (await readFile(`${path}.sha256`, "utf8")).slice(0, 64),
    );
    expect(WebAssembly.Module.imports(await WebAssembly.compile(bytes))).toEqual([]);
  });
});
