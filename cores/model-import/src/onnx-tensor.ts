import { malformedModel, unsupportedNode } from "./import-error.js";
import { MAX_LIST, type OnnxTensor, wholeNumber } from "./onnx-messages.js";

const FLOAT = 1;
const INT64 = 7;
const DOUBLE = 11;

/** A tensor of floats whose bytes bear out its shape; nothing is copied before `values`. */
export class FloatTensor {
  readonly count: number;
  readonly #bytes: Uint8Array;
  readonly #isDouble: boolean;

  /** Throws `unsupported-model`, `malformed-model`. */
  constructor(private readonly tensor: OnnxTensor) {
    const refuse = (problem: string) => unsupportedNode(tensor.name, "initializer", problem);
    if (tensor.isExternal) throw refuse("its data lies in another file");
    if (tensor.dataType !== FLOAT && tensor.dataType !== DOUBLE)
      throw refuse(`its data type is ${tensor.dataType}, neither float (1) nor double (11)`);
    const side = tensor.dimensions.find((length) => length < 1);
    if (side !== undefined) throw refuse(`one of its sides is ${side}, not 1 or more`);
    this.#isDouble = tensor.dataType === DOUBLE;
    this.#bytes = tensor.raw ?? tensor.packed.get(this.#isDouble ? 10 : 4) ?? new Uint8Array(0);
    this.count = tensor.dimensions.reduce((product, length) => product * length, 1);
    if (this.#bytes.length !== this.count * (this.#isDouble ? 8 : 4))
      throw malformedModel(`a tensor of ${this.count} values has ${this.#bytes.length} bytes`);
  }

  /** Its sides, each 1 or more; none for a scalar. */
  get dimensions(): readonly number[] {
    return this.tensor.dimensions;
  }

  /** A copy as 32-bit floats. */
  values(): Float32Array {
    const data = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
    const values = new Float32Array(this.count);
    for (let at = 0; at < this.count; at++)
      values[at] = this.#isDouble ? data.getFloat64(at * 8, true) : data.getFloat32(at * 4, true);
    return values;
  }
}

/** A short list of integers, such as a shape. Throws `unsupported-model`, `malformed-model`. */
export function integerValues(tensor: OnnxTensor): readonly number[] {
  if (tensor.dataType !== INT64)
    throw unsupportedNode(tensor.name, "initializer", "it does not hold int64 values");
  if (tensor.raw === undefined) return tensor.integers;
  const { raw } = tensor;
  if (raw.length % 8 !== 0 || raw.length > 8 * MAX_LIST)
    throw malformedModel("a list of integers is too long");
  const data = new DataView(raw.buffer, raw.byteOffset, raw.length);
  return Array.from({ length: raw.length / 8 }, (_, at) => wholeNumber(data.getBigInt64(at * 8, true)));
}
