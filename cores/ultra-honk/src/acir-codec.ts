import { bytesToInteger, SCALAR_FIELD_ORDER, scalarToBytes } from "@aios/core-zkml/scalar-field";
import { CodedError } from "@aios/kernel/coded-error";
import { Packr } from "msgpackr";
import type { AcirCircuit, AcirExpression, AcirProduct, AcirTerm } from "./acir-circuit.js";

/** Noir's format byte for MessagePack with structures as arrays (noir 1.0.0-beta.26, `acvm-repo/acir`). */
const MSGPACK_COMPACT = 3;
const CIRCUIT_NAME = "main";

const packr = new Packr({ useRecords: false, mapsAsObjects: false, int64AsType: "number" });

function malformedAcir(problem: string): CodedError {
  return new CodedError({
    code: "malformed-acir",
    kind: "invalid",
    message: `These bytes are no arithmetic ACIR program: ${problem}.`,
    details: { problem },
  });
}

function framed(value: unknown): Uint8Array {
  const body = packr.pack(value);
  const out = new Uint8Array(1 + body.length);
  out[0] = MSGPACK_COMPACT;
  out.set(body, 1);
  return out;
}

function unframed(bytes: Uint8Array): unknown {
  if (bytes[0] !== MSGPACK_COMPACT) throw malformedAcir("its format is not compact MessagePack");
  try {
    return packr.unpack(bytes.subarray(1));
  } catch {
    throw malformedAcir("its MessagePack is cut short or has something behind it");
  }
}

function indices(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/**
 * An ACIR program of one function, as `bb` takes it (uncompressed): `[[[name, opcodes, private, public, returned,
 * messages]], []]`. Coefficients are 32 bytes, big-endian. About 40 bytes a term.
 */
export function encodeAcirProgram(circuit: AcirCircuit): Uint8Array {
  const encoded = new Map<bigint, Buffer>();
  const scalar = (value: bigint): Buffer => {
    const known = encoded.get(value);
    if (known !== undefined) return known;
    const made = Buffer.from(scalarToBytes(value));
    encoded.set(value, made);
    return made;
  };
  const opcodes = circuit.expressions.map(
    ({ products, terms, constant }) =>
      new Map([
        [
          "AssertZero",
          [
            products.map(([coefficient, left, right]) => [scalar(coefficient), left, right]),
            terms.map(([coefficient, witness]) => [scalar(coefficient), witness]),
            scalar(constant),
          ],
        ],
      ]),
  );
  const publicWitnesses = indices(0, circuit.publicWitnesses);
  const privateWitnesses = indices(circuit.publicWitnesses, circuit.witnesses);
  return framed([[[CIRCUIT_NAME, opcodes, privateWitnesses, publicWitnesses, [], []]], []]);
}

/** The values of all witnesses, as `bb` takes them (uncompressed). Secret. */
export function encodeAcirWitness(values: readonly bigint[]): Uint8Array {
  const byWitness = new Map(values.map((value, index) => [index, Buffer.from(scalarToBytes(value))]));
  return framed([[[0, byWitness]]]);
}

function scalarFrom(value: unknown): bigint {
  if (!(value instanceof Uint8Array) || value.length !== 32) throw malformedAcir("a number is not 32 bytes");
  const scalar = bytesToInteger(value);
  if (scalar >= SCALAR_FIELD_ORDER) throw malformedAcir("a number is not below the field's order");
  return scalar;
}

function listFrom(value: unknown, length?: number): readonly unknown[] {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length))
    throw malformedAcir("a list has another form");
  return value;
}

function witnessFrom(value: unknown, witnesses: number): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= witnesses)
    throw malformedAcir("it names an unknown witness");
  return value as number;
}

function expressionFrom(opcode: unknown, witnesses: number): AcirExpression {
  if (!(opcode instanceof Map) || opcode.size !== 1 || !opcode.has("AssertZero"))
    throw malformedAcir("an opcode is not AssertZero");
  const [products, terms, constant] = listFrom(opcode.get("AssertZero"), 3);
  return {
    products: listFrom(products).map((product): AcirProduct => {
      const [coefficient, left, right] = listFrom(product, 3);
      return [scalarFrom(coefficient), witnessFrom(left, witnesses), witnessFrom(right, witnesses)];
    }),
    terms: listFrom(terms).map((term): AcirTerm => {
      const [coefficient, witness] = listFrom(term, 2);
      return [scalarFrom(coefficient), witnessFrom(witness, witnesses)];
    }),
    constant: scalarFrom(constant),
  };
}

/** What `encodeAcirProgram` wrote, without `derived`. Throws `malformed-acir`. For programs of our own: not bounded. */
export function decodeAcirProgram(bytes: Uint8Array): Omit<AcirCircuit, "derived"> {
  const [functions] = listFrom(unframed(bytes), 2);
  const [circuit] = listFrom(functions, 1);
  const [, opcodes, privateWitnesses, publicWitnesses] = listFrom(circuit, 6);
  const publicCount = listFrom(publicWitnesses).length;
  const witnesses = publicCount + listFrom(privateWitnesses).length;
  return {
    witnesses,
    publicWitnesses: publicCount,
    expressions: listFrom(opcodes).map((opcode) => expressionFrom(opcode, witnesses)),
  };
}
