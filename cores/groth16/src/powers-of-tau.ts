import { CodedError } from "@aios/kernel/coded-error";
import { sha256 } from "@noble/hashes/sha2.js";
import { G1_BYTES, G2_BYTES } from "./key-points.js";
import { BASE_FIELD_ORDER } from "./points.js";

/** Larger files hold powers for larger circuits than we prove: take one cut to the circuit's size. */
export const MAX_POWERS_BYTES = 640 * 1024 * 1024;
const MAX_POWER = 22;
const MAX_CONTRIBUTIONS = 1_000;
const MAX_SECTIONS = 64;
const WORD = 32;

/** Section numbers of snarkjs' `.ptau` format, version 1. */
const SECTION = {
  header: 1,
  tauG1: 2,
  tauG2: 3,
  alphaTauG1: 4,
  betaTauG1: 5,
  betaG2: 6,
  contributions: 7,
  lagrangeG1: 12,
  lagrangeG2: 13,
  alphaLagrangeG1: 14,
  betaLagrangeG1: 15,
} as const;

/** Bytes of a contribution up to its parameters: five points, the key's nine, a hash's state, the next challenge, its type. */
const CONTRIBUTION_BYTES = 3 * G1_BYTES + 2 * G2_BYTES + 6 * G1_BYTES + 3 * G2_BYTES + 216 + 64 + 4;

/** A file of powers of tau, parsed; its points are views of its bytes and not checked yet. */
export interface PowersOfTau {
  /** SHA-256 of the file. Compare it with what the ceremony published. */
  readonly hash: Uint8Array;
  /** For circuits of up to 2^power constraints and public values. */
  readonly power: number;
  /** Names that the contributors gave themselves, in order; empty where none was given. */
  readonly contributors: readonly string[];
  readonly sections: ReadonlyMap<number, Uint8Array>;
}

/** The powers that a circuit with a domain of `size` elements needs, in the file's encoding. */
export interface CircuitPowers {
  readonly size: number;
  /** tau^0 … tau^(2 · size − 2). */
  readonly tau: Uint8Array;
  readonly tauG2: Uint8Array;
  /** alpha · tau^0 … tau^(size − 1). */
  readonly alphaTau: Uint8Array;
  readonly betaG1: Uint8Array;
  readonly betaG2: Uint8Array;
  /** The domain's Lagrange polynomials at tau, and times alpha and beta. */
  readonly lagrange: Uint8Array;
  readonly lagrangeG2: Uint8Array;
  readonly alphaLagrange: Uint8Array;
  readonly betaLagrange: Uint8Array;
}

export function malformedPowers(problem: string): CodedError {
  return new CodedError({
    code: "malformed-powers-of-tau",
    kind: "invalid",
    message: `This is no usable file of powers of tau for BN254: ${problem}.`,
    details: { problem },
  });
}

function sectionsOf(file: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (file.length < 12 || new TextDecoder("latin1").decode(file.subarray(0, 4)) !== "ptau")
    throw malformedPowers("it does not begin with `ptau`");
  if (view.getUint32(4, true) !== 1) throw malformedPowers("its version is not 1");
  const count = view.getUint32(8, true);
  if (count > MAX_SECTIONS) throw malformedPowers(`it has ${count} sections`);
  const sections = new Map<number, Uint8Array>();
  let at = 12;
  for (let index = 0; index < count; index++) {
    if (at + 12 > file.length) throw malformedPowers("it is cut short");
    const [id, size] = [view.getUint32(at, true), view.getBigUint64(at + 4, true)];
    at += 12;
    if (size > BigInt(file.length - at)) throw malformedPowers("it is cut short");
    if (sections.has(id)) throw malformedPowers(`it has section ${id} twice`);
    sections.set(id, file.subarray(at, at + Number(size)));
    at += Number(size);
  }
  if (at !== file.length) throw malformedPowers("something follows its last section");
  return sections;
}

function powerOf(header: Uint8Array | undefined): number {
  if (header === undefined || header.length !== 4 + WORD + 8) throw malformedPowers("it has no header");
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  let prime = 0n;
  for (let at = 4 + WORD - 1; at >= 4; at--) prime = (prime << 8n) | BigInt(header[at] as number);
  if (view.getUint32(0, true) !== WORD || prime !== BASE_FIELD_ORDER)
    throw malformedPowers("it is for another curve");
  const power = view.getUint32(4 + WORD, true);
  if (power > MAX_POWER) throw malformedPowers(`it is for 2^${power}; at most 2^${MAX_POWER} is read`);
  return power;
}

/** Name of one contribution, from its sorted parameters: number, length, bytes. */
function nameIn(parameters: Uint8Array): string {
  if (parameters.length < 2 || parameters[0] !== 1) return "";
  return new TextDecoder().decode(parameters.subarray(2, 2 + (parameters[1] as number)));
}

function contributorsIn(section: Uint8Array | undefined): readonly string[] {
  if (section === undefined || section.length < 4) throw malformedPowers("it has no list of contributions");
  const view = new DataView(section.buffer, section.byteOffset, section.length);
  const count = view.getUint32(0, true);
  if (count > MAX_CONTRIBUTIONS) throw malformedPowers(`it lists ${count} contributions`);
  const names: string[] = [];
  let at = 4;
  for (let index = 0; index < count; index++) {
    at += CONTRIBUTION_BYTES;
    if (at + 4 > section.length) throw malformedPowers("its list of contributions is cut short");
    const length = view.getUint32(at, true);
    at += 4;
    if (length > section.length - at) throw malformedPowers("its list of contributions is cut short");
    names.push(nameIn(section.subarray(at, at + length)));
    at += length;
  }
  if (at !== section.length) throw malformedPowers("its list of contributions has another length");
  return names;
}

/**
 * Reads powers of tau in snarkjs' `.ptau` format, version 1, prepared for phase 2 (with Lagrange sections). `file`: at
 * most `MAX_POWERS_BYTES`. Only the layout is checked here; `CeremonyEngine.firstKey` checks the points. Hashes the file
 * once (about a second for 100 MB).
 *
 * Throws `malformed-powers-of-tau`; `development-powers-of-tau` for a file that nobody contributed to, whose tau
 * everybody knows: a ceremony on it would protect nobody.
 */
export function readPowersOfTau(file: Uint8Array): PowersOfTau {
  if (file.length > MAX_POWERS_BYTES) throw malformedPowers("it is too large");
  const sections = sectionsOf(file);
  const power = powerOf(sections.get(SECTION.header));
  const contributors = contributorsIn(sections.get(SECTION.contributions));
  if (contributors.length === 0 || power < 1) throw developmentPowers();
  for (const [id, count, size] of [
    [SECTION.tauG1, 2 ** (power + 1) - 1, G1_BYTES],
    [SECTION.tauG2, 2 ** power, G2_BYTES],
    [SECTION.alphaTauG1, 2 ** power, G1_BYTES],
    [SECTION.betaTauG1, 2 ** power, G1_BYTES],
    [SECTION.betaG2, 1, G2_BYTES],
  ] as const)
    if (sections.get(id)?.length !== count * size)
      throw malformedPowers(`section ${id} does not have ${count} points`);
  const tau = sections.get(SECTION.tauG1) as Uint8Array;
  const [one, first] = [tau.subarray(0, G1_BYTES), tau.subarray(G1_BYTES, 2 * G1_BYTES)];
  if (one.every((byte, at) => byte === first[at])) throw developmentPowers();
  return { hash: sha256(file), power, contributors, sections };
}

/** Powers whose secret is known to everybody, or to whoever made them. */
export function developmentPowers(): CodedError {
  return new CodedError({
    code: "development-powers-of-tau",
    kind: "unprocessable",
    message:
      "Nobody contributed to these powers of tau: their secret is known, and a ceremony on them would protect nobody. Take powers from a ceremony.",
  });
}

/**
 * Bytes that a file of powers at least has which a circuit with `rows` constraints and public values (the constant
 * included) can be taken from; snarkjs' have an eighth more.
 */
export function leastPowersBytes(rows: number): number {
  const size = domainOf(rows);
  const groups = { g1: 2 * size + 2 * size + 3 * 2 * size, g2: size + 2 * size };
  return groups.g1 * G1_BYTES + groups.g2 * G2_BYTES;
}

function domainOf(rows: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, rows)));
}

/**
 * What a circuit with `rows` constraints and public values (the constant included) needs. Throws
 * `powers-of-tau-too-small`, and `malformed-powers-of-tau` where the file is not prepared for phase 2.
 */
export function powersFor({ power, sections }: PowersOfTau, rows: number): CircuitPowers {
  const size = domainOf(rows);
  const exponent = Math.log2(size);
  if (exponent > power) {
    throw new CodedError({
      code: "powers-of-tau-too-small",
      kind: "unprocessable",
      message: `The circuit needs powers of tau for 2^${exponent}; this file has them for 2^${power}.`,
      details: { needed: exponent, present: power },
    });
  }
  const take = (id: number, from: number, count: number, bytes: number): Uint8Array => {
    const section = sections.get(id);
    if (section === undefined || section.length < (from + count) * bytes)
      throw malformedPowers(`it is not prepared for phase 2: section ${id} is missing or short`);
    return section.slice(from * bytes, (from + count) * bytes);
  };
  // Sections 12 to 15 hold the Lagrange points of every domain one after another: 1, 2, 4, … elements.
  const lagrange = (id: number, bytes: number): Uint8Array => take(id, size - 1, size, bytes);
  return {
    size,
    tau: take(SECTION.tauG1, 0, 2 * size - 1, G1_BYTES),
    tauG2: take(SECTION.tauG2, 1, 1, G2_BYTES),
    alphaTau: take(SECTION.alphaTauG1, 0, size, G1_BYTES),
    betaG1: take(SECTION.betaTauG1, 0, 1, G1_BYTES),
    betaG2: take(SECTION.betaG2, 0, 1, G2_BYTES),
    lagrange: lagrange(SECTION.lagrangeG1, G1_BYTES),
    lagrangeG2: lagrange(SECTION.lagrangeG2, G2_BYTES),
    alphaLagrange: lagrange(SECTION.alphaLagrangeG1, G1_BYTES),
    betaLagrange: lagrange(SECTION.betaLagrangeG1, G1_BYTES),
  };
}
