import { normalizeZ } from "@noble/curves/abstract/curve.js";
import { bn254 } from "@noble/curves/bn254.js";

const { Fr, Fp } = bn254.fields;
/** Small, so that a point times one of them is an addition or two. */
const [TAU, ALPHA, BETA] = [3n, 2n, 4n];
const MONTGOMERY = 1n << 256n;
const CONTRIBUTION_BYTES = 3 * 64 + 2 * 128 + 6 * 64 + 3 * 128 + 216 + 64 + 4;

function coordinate(value: bigint): Uint8Array {
  let rest = Fp.create(value * MONTGOMERY);
  return Uint8Array.from({ length: 32 }, () => {
    const byte = Number(rest & 0xffn);
    rest >>= 8n;
    return byte;
  });
}

type G1 = InstanceType<typeof bn254.G1.Point>;

/** Normalised together: an inversion a point would be most of the work. */
function encodeG1(points: G1[]): Uint8Array {
  return Buffer.concat(
    normalizeZ(bn254.G1.Point, points).flatMap((point) => [point.X, point.Y].map(coordinate)),
  );
}

function g2(...scalars: readonly bigint[]): Uint8Array {
  const { Point } = bn254.G2;
  const points = normalizeZ(
    Point,
    scalars.map((scalar) => Point.BASE.multiplyUnsafe(scalar)),
  );
  return Buffer.concat(points.flatMap(({ X, Y }) => [X.c0, X.c1, Y.c0, Y.c1].map(coordinate)));
}

/** The Lagrange polynomials of the domain of `size` elements at tau. */
function lagrange(size: number): bigint[] {
  const root = Fr.pow(5n, (Fr.ORDER - 1n) / BigInt(size));
  const scale = Fr.mul(Fr.sub(Fr.pow(TAU, BigInt(size)), 1n), Fr.inv(BigInt(size)));
  let element = 1n;
  return Array.from({ length: size }, () => {
    const value = Fr.mul(Fr.mul(scale, element), Fr.inv(Fr.sub(TAU, element)));
    element = Fr.mul(element, root);
    return value;
  });
}

/** By doubling and adding: quick for small factors. */
function multiple(point: G1, factor: bigint): G1 {
  if (factor === 1n) return point;
  const doubled = multiple(point, factor >> 1n).double();
  return factor % 2n === 0n ? doubled : doubled.add(point);
}

/** `first`, then each point tau times the one before. */
function powersTimes(first: G1, length: number): G1[] {
  const points = [first];
  while (points.length < length) points.push(multiple(points.at(-1) as G1, TAU));
  return points;
}

/**
 * Powers of tau in `.ptau` format whose secret stands above, so that they are made soon: for circuits of exactly 2^power
 * rows. `contributors` names are listed as if they had contributed.
 */
export function knownPowers(power: number, contributors: readonly string[]): Uint8Array {
  const size = 2 ** power;
  const { BASE } = bn254.G1.Point;
  const values = lagrange(size);
  const lagrangeG1 = values.map((value) => BASE.multiplyUnsafe(value));
  // Only the last domain of the Lagrange sections is filled.
  const lagrangeSection = (factor: bigint): Uint8Array =>
    Buffer.concat([
      Buffer.alloc((size - 1) * 64),
      encodeG1(lagrangeG1.map((point) => multiple(point, factor))),
    ]);
  const sections: [number, Uint8Array][] = [
    [1, header(power)],
    [2, encodeG1(powersTimes(BASE, 2 * size - 1))],
    [3, Buffer.concat([g2(1n, TAU), Buffer.alloc((size - 2) * 128)])],
    [4, encodeG1(powersTimes(multiple(BASE, ALPHA), size))],
    [5, Buffer.concat([encodeG1([multiple(BASE, BETA)]), Buffer.alloc((size - 1) * 64)])],
    [6, g2(BETA)],
    [7, contributionList(contributors)],
    [12, lagrangeSection(1n)],
    [13, Buffer.concat([Buffer.alloc((size - 1) * 128), g2(...values)])],
    [14, lagrangeSection(ALPHA)],
    [15, lagrangeSection(BETA)],
  ];
  return fileOf(sections);
}

/**
 * Powers of tau in `.ptau` format whose secret is three: what a universal set-up takes from such a file, for circuits of
 * up to 2^power rows. What only ceremonies of single circuits need is zeros.
 */
export function knownUniversalPowers(power: number, contributors: readonly string[]): Uint8Array {
  const size = 2 ** power;
  const points = powersTimes(bn254.G1.Point.BASE, 2 * size - 1);
  return fileOf([
    [1, header(power)],
    [2, encodeG1(points)],
    [3, Buffer.concat([g2(1n, TAU), Buffer.alloc((size - 2) * 128)])],
    [4, Buffer.alloc(size * 64)],
    [5, Buffer.alloc(size * 64)],
    [6, Buffer.alloc(128)],
    [7, contributionList(contributors)],
  ]);
}

function fileOf(sections: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const head = Buffer.alloc(12);
  head.write("ptau", 0, "latin1");
  head.writeUInt32LE(1, 4);
  head.writeUInt32LE(sections.length, 8);
  return new Uint8Array(Buffer.concat([head, ...sections.map(([id, body]) => section(id, body))]));
}

function section(id: number, body: Uint8Array): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(id, 0);
  head.writeBigUInt64LE(BigInt(body.length), 4);
  return Buffer.concat([head, body]);
}

function header(power: number): Uint8Array {
  const body = Buffer.alloc(44);
  body.writeUInt32LE(32, 0);
  let rest = Fp.ORDER;
  for (let at = 4; at < 36; at++) {
    body[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  body.writeUInt32LE(power, 36);
  body.writeUInt32LE(power, 40);
  return body;
}

function contributionList(names: readonly string[]): Uint8Array {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(names.length);
  const entries = names.map((name) => {
    const parameters = Buffer.concat([Uint8Array.of(1, name.length), Buffer.from(name)]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(parameters.length);
    return Buffer.concat([Buffer.alloc(CONTRIBUTION_BYTES), length, parameters]);
  });
  return Buffer.concat([count, ...entries]);
}
