import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** One field of a protobuf message: a whole number, a float, bytes or a text. */
export type Field = readonly [number: number, value: bigint | number | Uint8Array | string];

const VARINT = 0;
const BYTES = 2;
const FLOAT = 5;

/** Whole numbers are bigint, floats are number. */
export function message(fields: readonly Field[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value === "bigint") writer.tag(number, VARINT).int64(value);
    else if (typeof value === "number") writer.tag(number, FLOAT).float(value);
    else if (typeof value === "string") writer.tag(number, BYTES).string(value);
    else writer.tag(number, BYTES).bytes(value);
  }
  return writer.finish();
}

export function tensor(name: string, dimensions: readonly number[], values: readonly number[]): Uint8Array {
  return message([
    ...dimensions.map((side): Field => [1, BigInt(side)]),
    [2, 1n],
    [8, name],
    [9, new Uint8Array(Float32Array.from(values).buffer)],
  ]);
}

export function integers(name: string, values: readonly number[]): Uint8Array {
  const raw = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
  return message([
    [1, BigInt(values.length)],
    [2, 7n],
    [8, name],
    [9, raw],
  ]);
}

export type Attribute = bigint | number | string | readonly bigint[] | Uint8Array;

export function node(
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): Uint8Array {
  const written = Object.entries(attributes).map(([name, value]): Field => {
    const fields: Field[] = [[1, name]];
    if (typeof value === "bigint") fields.push([3, value]);
    else if (typeof value === "number") fields.push([2, value]);
    else if (typeof value === "string") fields.push([4, value]);
    else if (value instanceof Uint8Array) fields.push([5, value]);
    else for (const item of value) fields.push([8, item]);
    return [5, message(fields)];
  });
  return message([
    ...inputs.map((name): Field => [1, name]),
    [2, output],
    [3, `the ${output}`],
    [4, operator],
    ...written,
  ]);
}

/** Dimensions: a number, or a name for one that is not fixed. */
export function value(name: string, dimensions: readonly (number | string)[]): Uint8Array {
  const shape = message(
    dimensions.map((side): Field => [1, message([typeof side === "number" ? [1, BigInt(side)] : [2, side]])]),
  );
  return message([
    [1, name],
    [
      2,
      message([
        [
          1,
          message([
            [1, 1n],
            [2, shape],
          ]),
        ],
      ]),
    ],
  ]);
}

export function model(parts: {
  readonly nodes: readonly Uint8Array[];
  readonly tensors?: readonly Uint8Array[];
  readonly inputs?: readonly Uint8Array[];
  readonly output?: string;
  /** Versions of ONNX's own operator set that the file names. */
  readonly operatorSets?: readonly bigint[];
}): Uint8Array {
  const { nodes, tensors = [], inputs = [value("x", ["N", 4])], output = "y", operatorSets = [20n] } = parts;
  const graph = message([
    ...nodes.map((bytes): Field => [1, bytes]),
    ...tensors.map((bytes): Field => [5, bytes]),
    ...inputs.map((bytes): Field => [11, bytes]),
    [12, value(output, ["N", 2])],
  ]);
  return message([
    [1, 9n],
    [7, graph],
    ...operatorSets.map((version): Field => [8, message([[2, version]])]),
  ]);
}
