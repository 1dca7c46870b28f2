import type { R1cs, R1csMatrix } from "./r1cs.js";
import { SCALAR_FIELD_ORDER, scalarToBytes } from "./scalar-field.js";

/** Little-endian output that grows by doubling. */
class GrowingWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #reserve(count: number): number {
    while (this.#length + count > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    const at = this.#length;
    this.#length += count;
    return at;
  }

  uint32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  uint64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

function section(out: GrowingWriter, type: number, body: GrowingWriter): void {
  const bytes = body.finish();
  out.uint32(type);
  out.uint64(bytes.length);
  out.bytes(bytes);
}

function scalarBytes(value: bigint): Uint8Array {
  return scalarToBytes(value).reverse();
}

/**
 * iden3's `.r1cs` binary format, version 1, for outside tools (https://github.com/iden3/r1csfile). Public inputs are
 * declared as such, not as outputs; labels are signal indices.
 */
export function encodeR1csFile(r1cs: R1cs): Uint8Array {
  const header = new GrowingWriter();
  header.uint32(32);
  header.bytes(scalarBytes(SCALAR_FIELD_ORDER));
  header.uint32(r1cs.variables);
  header.uint32(0);
  header.uint32(r1cs.publicInputs);
  header.uint32(r1cs.variables - r1cs.publicInputs - 1);
  header.uint64(r1cs.variables);
  header.uint32(r1cs.constraints);

  const constraints = new GrowingWriter();
  const coefficients = r1cs.coefficients.map(scalarBytes);
  const row = (matrix: R1csMatrix, index: number): void => {
    const [start, end] = [
      index === 0 ? 0 : (matrix.rowEnds[index - 1] as number),
      matrix.rowEnds[index] as number,
    ];
    constraints.uint32(end - start);
    for (let term = start; term < end; term++) {
      constraints.uint32(matrix.columns[term] as number);
      constraints.bytes(coefficients[matrix.coefficientIds[term] as number] as Uint8Array);
    }
  };
  for (let index = 0; index < r1cs.constraints; index++)
    for (const matrix of [r1cs.a, r1cs.b, r1cs.c]) row(matrix, index);

  const labels = new GrowingWriter();
  for (let signal = 0; signal < r1cs.variables; signal++) labels.uint64(signal);

  const out = new GrowingWriter();
  out.bytes(new TextEncoder().encode("r1cs"));
  out.uint32(1);
  out.uint32(3);
  section(out, 1, header);
  section(out, 2, constraints);
  section(out, 3, labels);
  return out.finish();
}
