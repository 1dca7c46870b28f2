import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { R1cs, R1csMatrix } from "@aios/core-zkml/r1cs";
import { SCALAR_FIELD_ORDER } from "@aios/core-zkml/scalar-field";
import { bn254 } from "@noble/curves/bn254.js";
import { encodeCircuit, encodeScalars } from "../src/circuit-encoding.js";
import { deriveScalars } from "../src/derived-scalars.js";
import { concatBytes, type PointRun, splitKeyPoints } from "../src/key-points.js";
import { BASE_FIELD_ORDER } from "../src/points.js";
import { WasmProver } from "../src/wasm-prover.js";

const { Fr } = bn254.fields;
const WORD = 32;
const MONTGOMERY = 1n << 256n;
/** Flags of arkworks in a point's last byte. */
const FLAGS = 0xc0;
const INFINITY = 0x40;
const A = 0;
const B = 1;

/**
 * A development key of ours in snarkjs' `.zkey` format, without what only its ceremonies and exports read, so that
 * snarkjs proves under the same key. `points`: those of the key; `seed`: what it was made from.
 */
export async function peerKey(r1cs: R1cs, points: Uint8Array, seed: Uint8Array): Promise<Uint8Array> {
  const key = splitKeyPoints(points);
  const size = domainSize(r1cs);
  const header = concatBytes(
    ...[words(WORD), littleEndian(BASE_FIELD_ORDER), words(WORD), littleEndian(SCALAR_FIELD_ORDER)],
    words(r1cs.variables, r1cs.publicInputs, size),
    ...[key.alphaG1, key.betaG1].map((run) => montgomery(run, 2)),
    ...[key.betaG2, key.gammaG2].map((run) => montgomery(run, 4)),
    montgomery(key.deltaG1, 2),
    montgomery(key.deltaG2, 4),
  );
  return zkeyFile([
    [1, words(1)],
    [2, header],
    [4, coefficientSection(r1cs)],
    [5, montgomery(key.aQuery, 2)],
    [6, montgomery(key.bQueryG1, 2)],
    [7, montgomery(key.bQueryG2, 4)],
    [8, montgomery(key.privateQuery, 2)],
    [9, montgomery(await oddLagrangePoints(size, seed), 2)],
  ]);
}

function domainSize({ constraints, publicInputs }: R1cs): number {
  return 2 ** Math.ceil(Math.log2(constraints + publicInputs + 1));
}

/**
 * Where our prover sums over the quotient's coefficients, snarkjs sums over A·B − C at the odd elements of the domain of
 * twice the size: it needs their Lagrange polynomials at tau, divided by delta. A set-up of rows that only say "this
 * signal is zero" has them as its private query. Its last row is taken by the constant, so tau is turned by one element,
 * which makes odd rows even ones.
 */
async function oddLagrangePoints(size: number, seed: Uint8Array): Promise<PointRun> {
  const [tau, delta] = deriveScalars(seed, ["tau", "delta"]) as [bigint, bigint];
  const element = Fr.pow(5n, (SCALAR_FIELD_ORDER - 1n) / BigInt(2 * size));
  const trapdoor = encodeScalars([Fr.mul(tau, element), 1n, 1n, 1n, delta]);
  const prover = await wasmProver();
  const circuit = prover.loadCircuit(encodeCircuit(zeroSignals(size)));
  const key = prover.developmentSetup(circuit, trapdoor, () => undefined);
  const turned = splitKeyPoints(prover.encodeKey(key)).privateQuery;
  // Row 2i is element 2i − 1 of the domain that is not turned: the first one is its last.
  const first = turned.length / size;
  return concatBytes(turned.subarray(first), turned.subarray(0, first));
}

/** 2 · size − 1 rows, every other one saying that a private signal of its own is zero. */
function zeroSignals(size: number): R1cs {
  const rows = 2 * size - 1;
  const none: R1csMatrix = {
    rowEnds: new Uint32Array(rows),
    columns: new Uint32Array(0),
    coefficientIds: new Uint32Array(0),
  };
  return {
    variables: size + 1,
    publicInputs: 0,
    constraints: rows,
    coefficients: [1n],
    a: none,
    b: none,
    c: {
      rowEnds: Uint32Array.from({ length: rows }, (_, row) => Math.floor(row / 2) + 1),
      columns: Uint32Array.from({ length: size }, (_, signal) => signal + 1),
      coefficientIds: new Uint32Array(size),
    },
    constraintNames: [],
    signalNames: [],
  };
}

async function wasmProver(): Promise<WasmProver> {
  const file = createRequire(import.meta.url).resolve("@aios/core-groth16/groth16.wasm");
  return new WasmProver(await WebAssembly.compile(await readFile(file)));
}

/** Matrix, row, signal and coefficient (times 2^512) of every term of A and B, and the rows of the public inputs. */
function coefficientSection({ a, b, coefficients, constraints, publicInputs }: R1cs): Uint8Array {
  const encoded = coefficients.map(peerCoefficient);
  const terms = a.columns.length + b.columns.length + publicInputs + 1;
  const out = new Uint8Array(4 + terms * (3 * 4 + WORD));
  const view = new DataView(out.buffer);
  view.setUint32(0, terms, true);
  let at = 4;
  const write = (matrix: number, row: number, signal: number, coefficient: Uint8Array): void => {
    for (const value of [matrix, row, signal]) {
      view.setUint32(at, value, true);
      at += 4;
    }
    out.set(coefficient, at);
    at += WORD;
  };
  for (const [id, matrix] of [
    [A, a],
    [B, b],
  ] as const) {
    let term = 0;
    for (let row = 0; row < constraints; row++)
      for (; term < (matrix.rowEnds[row] as number); term++) {
        const coefficient = encoded[matrix.coefficientIds[term] as number] as Uint8Array;
        write(id, row, matrix.columns[term] as number, coefficient);
      }
  }
  const one = peerCoefficient(1n);
  for (let signal = 0; signal <= publicInputs; signal++) write(A, constraints + signal, signal, one);
  return out;
}

function peerCoefficient(value: bigint): Uint8Array {
  return littleEndian((value * MONTGOMERY * MONTGOMERY) % SCALAR_FIELD_ORDER);
}

/** A run of points as arkworks writes them, with coordinates in Montgomery form; zeros are infinity. */
function montgomery(run: PointRun, coordinates: number): Uint8Array {
  const out = new Uint8Array(run.length);
  const [from, to] = [new DataView(run.buffer, run.byteOffset, run.length), new DataView(out.buffer)];
  const bytes = coordinates * WORD;
  for (let point = 0; point < run.length; point += bytes) {
    const last = point + bytes - 1;
    if (((run[last] as number) & INFINITY) !== 0) continue;
    for (let at = point; at < point + bytes; at += WORD) {
      const top = from.getBigUint64(at + 24, true);
      const limb = at + WORD > last ? top & ~(BigInt(FLAGS) << 56n) : top;
      const value =
        (limb << 192n) |
        (from.getBigUint64(at + 16, true) << 128n) |
        (from.getBigUint64(at + 8, true) << 64n) |
        from.getBigUint64(at, true);
      writeLittleEndian(to, at, (value * MONTGOMERY) % BASE_FIELD_ORDER);
    }
  }
  return out;
}

function writeLittleEndian(view: DataView, at: number, value: bigint): void {
  for (let limb = 0; limb < 4; limb++)
    view.setBigUint64(at + 8 * limb, (value >> BigInt(64 * limb)) & 0xffff_ffff_ffff_ffffn, true);
}

function littleEndian(value: bigint): Uint8Array {
  const out = new Uint8Array(WORD);
  writeLittleEndian(new DataView(out.buffer), 0, value);
  return out;
}

function words(...values: readonly number[]): Uint8Array {
  const out = new Uint8Array(4 * values.length);
  for (const [index, value] of values.entries()) new DataView(out.buffer).setUint32(4 * index, value, true);
  return out;
}

function zkeyFile(sections: readonly (readonly [id: number, body: Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [new TextEncoder().encode("zkey"), words(1, sections.length)];
  for (const [id, body] of sections) parts.push(words(id, body.length, 0), body);
  return concatBytes(...parts);
}
