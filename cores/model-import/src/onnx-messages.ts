import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { malformedModel } from "./import-error.js";
import { MAX_DIMENSIONS, MAX_IMPORT_NODES, MAX_MODEL_BYTES, MAX_TENSORS } from "./imported-model.js";

/** The parts of onnx.proto (IR version 3 to 13) that are read. Sub-graphs and functions are not: nothing recurses. */
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly string[];
  /** Version of each operator set that its nodes may come from, by domain; "" is ONNX's own. */
  readonly operatorSets: ReadonlyMap<string, number>;
}

export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

export interface OnnxAttribute {
  float: number | undefined;
  int: number | undefined;
  text: string | undefined;
  ints: number[];
  tensor: OnnxTensor | undefined;
}

/** Values are views of the file's bytes until they are asked for. */
export interface OnnxTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly dataType: number;
  readonly raw: Uint8Array | undefined;
  /** Packed little-endian fields by field number: float_data 4, double_data 10. */
  readonly packed: ReadonlyMap<number, Uint8Array>;
  readonly integers: readonly number[];
  readonly isExternal: boolean;
}

export interface OnnxValue {
  readonly name: string;
  /** `undefined` for a dimension that is not fixed. */
  readonly dimensions: readonly (number | undefined)[];
}

const MAX_NAME_BYTES = 1_024;
/** Entries of a list of names, integers or operator sets. */
export const MAX_LIST = 1_024;

/** Calls `field` for each field of a message; what it leaves unread is skipped. Groups are refused: ONNX has none. */
function readMessage(
  bytes: Uint8Array,
  field: (number: number, wire: WireType, reader: BinaryReader) => boolean,
): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if (wire === WireType.StartGroup || wire === WireType.EndGroup)
      throw malformedModel("it contains protobuf groups, which no ONNX file has");
    if (!field(number, wire, reader)) reader.skip(wire, number);
    if (reader.pos > reader.len) throw malformedModel("a field is longer than the message around it");
  }
}

/** A length-delimited field as a view of the bytes. */
function view(reader: BinaryReader, wire: WireType): Uint8Array {
  if (wire !== WireType.LengthDelimited) throw malformedModel("a field has the wrong wire type");
  const bytes = reader.bytes();
  return bytes;
}

function text(reader: BinaryReader, wire: WireType): string {
  const bytes = view(reader, wire);
  if (bytes.length > MAX_NAME_BYTES) throw malformedModel(`a name has more than ${MAX_NAME_BYTES} bytes`);
  return new TextDecoder().decode(bytes);
}

/** Throws `malformed-model` for what a number does not hold exactly. */
export function wholeNumber(value: bigint | number | string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw malformedModel("an integer is out of range");
  return number;
}

/** A repeated integer, packed or not. */
function readIntegers(reader: BinaryReader, wire: WireType, into: number[], limit: number): void {
  const end = wire === WireType.LengthDelimited ? reader.uint32() + reader.pos : reader.pos;
  if (end > reader.len) throw malformedModel("a list is longer than the message around it");
  do {
    if (wire === WireType.LengthDelimited && reader.pos >= end) return;
    if (into.length >= limit) throw malformedModel(`a list has more than ${limit} integers`);
    into.push(wholeNumber(reader.int64()));
  } while (wire === WireType.LengthDelimited && reader.pos < end);
}

function readTensor(bytes: Uint8Array): OnnxTensor {
  const dimensions: number[] = [];
  const integers: number[] = [];
  const packed = new Map<number, Uint8Array>();
  let [name, dataType, isExternal] = ["", 0, false];
  let raw: Uint8Array | undefined;
  readMessage(bytes, (number, wire, reader) => {
    switch (number) {
      case 1:
        readIntegers(reader, wire, dimensions, MAX_DIMENSIONS);
        return true;
      case 2:
        dataType = reader.int32();
        return true;
      case 4:
      case 10:
        if (packed.has(number)) throw malformedModel("a tensor's data is split");
        packed.set(number, view(reader, wire));
        return true;
      case 7:
        readIntegers(reader, wire, integers, MAX_LIST);
        return true;
      case 8:
        name = text(reader, wire);
        return true;
      case 9:
        raw = view(reader, wire);
        return true;
      case 13:
        isExternal = true;
        return false;
      case 14:
        isExternal ||= reader.int32() !== 0;
        return true;
      default:
        return false;
    }
  });
  return { name, dimensions, dataType, raw, packed, integers, isExternal };
}

function readAttribute(bytes: Uint8Array): readonly [string, OnnxAttribute] {
  let name = "";
  const attribute: OnnxAttribute = {
    float: undefined,
    int: undefined,
    text: undefined,
    ints: [],
    tensor: undefined,
  };
  readMessage(bytes, (number, wire, reader) => {
    switch (number) {
      case 1:
        name = text(reader, wire);
        return true;
      case 2:
        attribute.float = reader.float();
        return true;
      case 3:
        attribute.int = wholeNumber(reader.int64());
        return true;
      case 4:
        attribute.text = text(reader, wire);
        return true;
      case 5:
        attribute.tensor = readTensor(view(reader, wire));
        return true;
      case 8:
        readIntegers(reader, wire, attribute.ints, MAX_LIST);
        return true;
      default:
        return false;
    }
  });
  return [name, attribute];
}

function readNode(bytes: Uint8Array): OnnxNode {
  const [inputs, outputs]: [string[], string[]] = [[], []];
  const attributes = new Map<string, OnnxAttribute>();
  let [name, operator, domain] = ["", "", ""];
  readMessage(bytes, (number, wire, reader) => {
    if (inputs.length + outputs.length + attributes.size > MAX_LIST)
      throw malformedModel(`a node has more than ${MAX_LIST} inputs, outputs and attributes`);
    switch (number) {
      case 1:
        inputs.push(text(reader, wire));
        return true;
      case 2:
        outputs.push(text(reader, wire));
        return true;
      case 3:
        name = text(reader, wire);
        return true;
      case 4:
        operator = text(reader, wire);
        return true;
      case 5:
        attributes.set(...readAttribute(view(reader, wire)));
        return true;
      case 7:
        domain = text(reader, wire);
        return true;
      default:
        return false;
    }
  });
  return { name: name || (outputs[0] ?? ""), operator, domain, inputs, outputs, attributes };
}

function readDimension(bytes: Uint8Array): number | undefined {
  let value: number | undefined;
  readMessage(bytes, (number, _, reader) => {
    if (number !== 1) return false;
    value = wholeNumber(reader.int64());
    return true;
  });
  return value !== undefined && value > 0 ? value : undefined;
}

/** ValueInfoProto → TypeProto → Tensor → TensorShapeProto → Dimension: five fixed levels. */
function readValue(bytes: Uint8Array): OnnxValue {
  let name = "";
  const dimensions: (number | undefined)[] = [];
  const inside = (number: number, next: (bytes: Uint8Array) => void) => (bytes: Uint8Array) =>
    readMessage(bytes, (found, wire, reader) => {
      if (found !== number) return false;
      next(view(reader, wire));
      return true;
    });
  const shape = inside(1, (dimension) => {
    if (dimensions.length >= MAX_DIMENSIONS)
      throw malformedModel(`a value has more than ${MAX_DIMENSIONS} dimensions`);
    dimensions.push(readDimension(dimension));
  });
  readMessage(bytes, (number, wire, reader) => {
    if (number === 1) name = text(reader, wire);
    else if (number === 2) inside(1, inside(2, shape))(view(reader, wire));
    else return false;
    return true;
  });
  return { name, dimensions };
}

/** One operator set: its domain ("ai.onnx" is another name of "") and version. */
function readOperatorSet(bytes: Uint8Array): readonly [domain: string, version: number] {
  let [domain, version] = ["", 0];
  readMessage(bytes, (number, wire, reader) => {
    if (number === 1) domain = text(reader, wire);
    else if (number === 2) version = wholeNumber(reader.int64());
    else return false;
    return true;
  });
  return [domain === "ai.onnx" ? "" : domain, version];
}

function readGraph(bytes: Uint8Array): Omit<OnnxModel, "operatorSets"> {
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, OnnxTensor>();
  const inputs: OnnxValue[] = [];
  const outputs: string[] = [];
  readMessage(bytes, (number, wire, reader) => {
    switch (number) {
      case 1:
        if (nodes.length >= MAX_IMPORT_NODES)
          throw malformedModel(`it has more than ${MAX_IMPORT_NODES} nodes`);
        nodes.push(readNode(view(reader, wire)));
        return true;
      case 5: {
        if (initializers.size >= MAX_TENSORS) throw malformedModel(`it has more than ${MAX_TENSORS} tensors`);
        const tensor = readTensor(view(reader, wire));
        initializers.set(tensor.name, tensor);
        return true;
      }
      case 11:
      case 12: {
        const value = readValue(view(reader, wire));
        if (inputs.length + outputs.length >= MAX_TENSORS)
          throw malformedModel("it has too many inputs and outputs");
        if (number === 11) inputs.push(value);
        else outputs.push(value.name);
        return true;
      }
      default:
        return false;
    }
  });
  return { nodes, initializers, inputs, outputs };
}

/**
 * Reads an ONNX file without copying its weights: tensors stay views of `bytes`. Memory beyond that is bounded by the
 * limits above, whatever lengths and depths the file claims. Throws `malformed-model`.
 */
export function readOnnx(bytes: Uint8Array): OnnxModel {
  if (bytes.length > MAX_MODEL_BYTES) throw malformedModel(`it has more than ${MAX_MODEL_BYTES} bytes`);
  if ((bytes[0] === 0x50 && bytes[1] === 0x4b) || (bytes[0] === 0x1f && bytes[1] === 0x8b))
    throw malformedModel("it is compressed; give the plain .onnx file");
  let graph: Omit<OnnxModel, "operatorSets"> | undefined;
  const operatorSets = new Map<string, number>();
  try {
    readMessage(bytes, (number, wire, reader) => {
      if (number === 7) {
        if (graph !== undefined) throw malformedModel("it holds two graphs");
        graph = readGraph(view(reader, wire));
      } else if (number === 8) {
        const [domain, version] = readOperatorSet(view(reader, wire));
        if (operatorSets.has(domain)) throw malformedModel("it names two versions of an operator set");
        if (operatorSets.size >= MAX_LIST) throw malformedModel(`it has more than ${MAX_LIST} operator sets`);
        operatorSets.set(domain, version);
      } else return false;
      return true;
    });
  } catch (error) {
    // The reader's own complaints: cut short, bad varint, bad tag.
    if (error instanceof RangeError || (error instanceof Error && error.constructor === Error))
      throw malformedModel("it is not a protobuf message");
    throw error;
  }
  if (graph === undefined) throw malformedModel("it holds no graph");
  return { ...graph, operatorSets };
}
