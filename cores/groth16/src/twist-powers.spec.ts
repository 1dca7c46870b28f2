import { bn254 } from "@noble/curves/bn254.js";
import { afterAll, expect, it } from "vitest";
import { CeremonyThreads } from "./ceremony-threads.js";
import { type CurveG2, G2_GENERATOR, g2FromRun } from "./curve-points.js";
import { concatBytes, G2_BYTES } from "./key-points.js";
import { BASE_FIELD_ORDER } from "./points.js";

const { Fp2 } = bn254.fields;
const threads = new CeremonyThreads(1);
afterAll(() => threads.close());

const little = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
/** As `.ptau` files hold it. */
function written(point: CurveG2): Uint8Array {
  const { x, y } = point.toAffine();
  const words = [x.c0, x.c1, y.c0, y.c1].map((word) => little((word << 256n) % BASE_FIELD_ORDER));
  return concatBytes(...words);
}

const POINTS: CurveG2[] = [G2_GENERATOR];
while (POINTS.length < 300) POINTS.push((POINTS.at(-1) as CurveG2).add(G2_GENERATOR));
const RUN = concatBytes(...POINTS.map(written));

/** On the twist, of an order that is not the group's. */
function outsider(): CurveG2 {
  for (let c0 = 1n; ; c0++) {
    const x = { c0, c1: 0n };
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b);
    try {
      const point = bn254.G2.Point.fromAffine({ x, y: Fp2.sqrt(square) });
      if (!point.isTorsionFree()) return point;
    } catch {
      // Its right side is no square.
    }
  }
}
/** What of a point is outside the group and of order 10,069: the smallest that can hide. */
function smallest(point: CurveG2): CurveG2 {
  const order = bn254.fields.Fr.ORDER;
  const cofactor = 2n * BASE_FIELD_ORDER - order;
  const times = (base: CurveG2, by: bigint): CurveG2 => {
    let sum = bn254.G2.Point.ZERO;
    for (const bit of by.toString(2)) {
      sum = sum.double();
      if (bit === "1") sum = sum.add(base);
    }
    return sum;
  };
  return times(times(point, order), cofactor / 10_069n);
}

const check = async (run: Uint8Array, seed = 7): Promise<Uint8Array> => {
  const points = run.slice() as Uint8Array<ArrayBuffer>;
  const request = { kind: "check-twist-powers", points, seed: new Uint8Array(32).fill(seed) } as const;
  return (await threads.share([{ request }], {}))[0] as Uint8Array;
};
const withPoint = (at: number, bytes: Uint8Array, run: Uint8Array = RUN): Uint8Array => {
  const changed = run.slice();
  changed.set(bytes, at * G2_BYTES);
  return changed;
};
const REFUSED = { code: "prover-refused" };

it("reads the points that a file holds", async () => {
  const encoded = await check(RUN);
  for (const at of [0, 1, 299])
    expect(
      g2FromRun(encoded.subarray(at * G2_BYTES, (at + 1) * G2_BYTES)).equals(POINTS[at] as CurveG2),
    ).toBe(true);
});

it("takes no point outside the group, however small its part there, alone or with one that would make up for it", async () => {
  const part = smallest(outsider());
  expect(part.is0()).toBe(false);
  const hidden = (POINTS[5] as CurveG2).add(part);
  for (const seed of [1, 2, 3]) {
    await expect(check(withPoint(5, written(outsider())), seed)).rejects.toMatchObject(REFUSED);
    await expect(check(withPoint(5, written(hidden)), seed)).rejects.toMatchObject(REFUSED);
    const madeUp = written((POINTS[9] as CurveG2).add(part.negate()));
    await expect(check(withPoint(9, madeUp, withPoint(5, written(hidden))), seed)).rejects.toMatchObject(
      REFUSED,
    );
  }
});

it("takes no point that is on no curve, none at infinity, and none in another form", async () => {
  const first = RUN.slice(0, G2_BYTES);
  const other = first.with(0, (first[0] as number) ^ 1);
  await expect(check(withPoint(3, other))).rejects.toMatchObject(REFUSED);
  await expect(check(withPoint(3, new Uint8Array(G2_BYTES)))).rejects.toMatchObject(REFUSED);
  const { x } = (POINTS[0] as CurveG2).toAffine();
  const beyond = first.slice();
  beyond.set(little(((x.c0 << 256n) % BASE_FIELD_ORDER) + BASE_FIELD_ORDER));
  await expect(check(withPoint(3, beyond))).rejects.toMatchObject(REFUSED);
});
