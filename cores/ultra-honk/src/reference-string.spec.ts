import { readPowersOfTau } from "@aios/core-groth16/powers-of-tau";
import { peerPowers } from "@aios/core-groth16/test/powers-of-tau";
import { bytesToInteger } from "@aios/core-zkml/scalar-field";
import { bn254 } from "@noble/curves/bn254.js";
import { beforeAll, describe, expect, it } from "vitest";
import { developmentReferenceString, powersNeeded, referenceStringFromPowers } from "./reference-string.js";

const seed = new Uint8Array(32).fill(9);

function pointAt(points: Uint8Array, index: number) {
  const word = (at: number): bigint => bytesToInteger(points.subarray(at, at + 32));
  return bn254.G1.Point.fromAffine({ x: word(index * 64), y: word(index * 64 + 32) });
}

describe("the development reference string", () => {
  it("holds the powers of two, and says that everybody can forge under it", () => {
    const { points, tauG2, trust } = developmentReferenceString(5);
    expect(points.length).toBe(64 * powersNeeded(5));
    for (const power of [0, 1, 7, 32])
      expect(pointAt(points, power).equals(bn254.G1.Point.BASE.multiply(2n ** BigInt(power)))).toBe(true);
    const { x, y } = bn254.G2.Point.BASE.double().toAffine();
    expect(tauG2).toEqual({ x: { real: x.c0, imaginary: x.c1 }, y: { real: y.c0, imaginary: y.c1 } });
    expect(trust).toContain("forgeable by anybody");
  });

  it.each([1, 25, 3.5])("is not made for 2^%s rows", (logRows) => {
    expect(() => developmentReferenceString(logRows)).toThrow(
      expect.objectContaining({ code: "circuit-too-large" }),
    );
  });
});

describe("a reference string from powers of tau", () => {
  let file: Uint8Array;
  beforeAll(async () => {
    file = (await peerPowers(9)).contributed;
  }, 120_000);

  it("is consecutive powers of the ceremony's tau, and names who must have forgotten it", () => {
    const { points, tauG2, trust } = referenceStringFromPowers(readPowersOfTau(file), 4, seed);
    expect(points.length).toBe(64 * powersNeeded(4));
    const tau = bn254.G2.Point.fromAffine({
      x: { c0: tauG2.x.real, c1: tauG2.x.imaginary },
      y: { c0: tauG2.y.real, c1: tauG2.y.imaginary },
    });
    for (const power of [0, 5, 15]) {
      const left = bn254.pairing(pointAt(points, power + 1), bn254.G2.Point.BASE);
      const right = bn254.pairing(pointAt(points, power), tau);
      expect(bn254.fields.Fp12.eql(left, right)).toBe(true);
    }
    expect(trust).toBe(
      "forgeable by whoever calls themselves Ada, Grace, possibly one party, together: all 2 contributors to the powers of tau",
    );
  });

  it("is refused where the file is too small", () => {
    expect(() => referenceStringFromPowers(readPowersOfTau(file), 12, seed)).toThrow(
      expect.objectContaining({ code: "powers-of-tau-too-small" }),
    );
  });

  it("is refused where a point is not on the curve, or is another point of the curve", () => {
    const powers = readPowersOfTau(file);
    const g1 = powers.sections.get(2) as Uint8Array;
    const bent = g1.slice();
    bent[64 * 7] = (bent[64 * 7] as number) ^ 1;
    const swapped = g1.slice();
    swapped.set(g1.subarray(64 * 3, 64 * 4), 64 * 8);
    for (const section of [bent, swapped]) {
      const tampered = { ...powers, sections: new Map(powers.sections).set(2, section) };
      expect(() => referenceStringFromPowers(tampered, 4, seed)).toThrow(
        expect.objectContaining({ code: "malformed-powers-of-tau" }),
      );
    }
  });

  it("wants a seed that nobody knew before", () => {
    expect(() => referenceStringFromPowers(readPowersOfTau(file), 4, new Uint8Array(8))).toThrow(
      expect.objectContaining({ code: "seed-too-short" }),
    );
  });
});
