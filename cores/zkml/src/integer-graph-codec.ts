import { keccak_256 } from "@noble/hashes/sha3.js";
import { ByteReader, ByteWriter, malformed } from "./byte-codec.js";
import { inferShapes, MAX_NODES, parameterCounts, shapedNode, shapeOf } from "./graph-shapes.js";
import { validateIntegerGraph } from "./integer-graph.js";
import {
  type IntegerGraph,
  type IntegerNode,
  inputsOf,
  type TensorShape,
  type Window,
} from "./integer-node.js";
import { SALT_BYTES } from "./model-limits.js";

const TAG = "AIOSIG01";
const WHAT = "integer-graph";
const KINDS = [
  "dense",
  "convolution",
  "sum-pool",
  "max-pool",
  "add",
  "concat",
  "flatten",
  "requantise",
  "table",
] as const satisfies readonly IntegerNode["kind"][];
const WINDOW_BYTES = 8;

function nodeBytes(node: IntegerNode): number {
  const head = 3 + 2 * inputsOf(node).length;
  switch (node.kind) {
    case "dense":
      return head + 4 + node.weights.length + 4 * node.biases.length;
    case "convolution":
      return head + 8 + WINDOW_BYTES + node.weights.length + 4 * node.biases.length;
    case "sum-pool":
    case "max-pool":
      return head + WINDOW_BYTES;
    case "add":
      return head + 4;
    case "requantise":
      return head + 8 + 2 * (node.multipliers.length + (node.slopes?.length ?? 0));
    case "table":
      return head + 2 + 512;
    default:
      return head;
  }
}

function writeWindow(writer: ByteWriter, { kernel, stride, padding }: Window): void {
  for (const side of [...kernel, ...stride, ...padding]) writer.uint8(side);
}

function readWindow(reader: ByteReader): Window {
  const pair = (): [number, number] => [reader.uint8(), reader.uint8()];
  return { kernel: pair(), stride: pair(), padding: [...pair(), ...pair()] };
}

function writeNode(writer: ByteWriter, node: IntegerNode): void {
  const inputs = inputsOf(node);
  writer.uint8(KINDS.indexOf(node.kind)).uint16(inputs.length);
  for (const input of inputs) writer.uint16(input);
  switch (node.kind) {
    case "dense":
      writer.uint32(node.outputs).int8Array(node.weights).int32Array(node.biases);
      break;
    case "convolution":
      writer.uint32(node.outputs).uint32(node.groups);
      writeWindow(writer, node.window);
      writer.int8Array(node.weights).int32Array(node.biases);
      break;
    case "sum-pool":
    case "max-pool":
      writeWindow(writer, node.window);
      break;
    case "add":
      writer.uint16(node.multipliers[0]).uint16(node.multipliers[1]);
      break;
    case "requantise":
      writer.uint32(node.multipliers.length);
      writer.uint8(node.slopes === undefined ? 0 : 1).uint8(node.shift);
      writer.uint16(-node.low);
      for (const value of [...node.multipliers, ...(node.slopes ?? [])]) writer.uint16(value);
      break;
    case "table":
      writer.uint16(-node.low);
      for (const value of node.table) writer.uint16(value & 0xffff);
      break;
    default:
  }
}

function readFactors(reader: ByteReader, count: number): Uint16Array {
  const bytes = new ByteReader(reader.bytes(count * 2), WHAT);
  return Uint16Array.from({ length: count }, () => bytes.uint16());
}

/** Negated when written, so that 0 to 255 stands for 0 to −255. */
function readLow(reader: ByteReader): number {
  const value = reader.uint16();
  return value === 0 ? 0 : -value;
}

function readNode(reader: ByteReader, shapes: readonly TensorShape[]): IntegerNode {
  const kind = KINDS[reader.uint8()];
  if (kind === undefined) throw malformed(WHAT, "a node has an unknown kind");
  const count = reader.uint16();
  if (count < 1 || count > MAX_NODES) throw malformed(WHAT, `a node reads ${count} tensors`);
  const inputs = Array.from({ length: count }, () => reader.uint16());
  const input = inputs[0] as number;
  const shape = shapes[input];
  const expected = kind === "add" ? 2 : kind === "concat" ? count : 1;
  if (shape === undefined || count !== expected) throw malformed(WHAT, "a node reads the wrong tensors");
  const parameters = (weights: number, biases: number) => ({
    weights: reader.int8Array(weights),
    biases: reader.int32Array(biases),
  });
  switch (kind) {
    case "dense": {
      const outputs = reader.uint32();
      const counts = parameterCounts({ kind, input, outputs }, shape);
      return { kind, input, outputs, ...parameters(counts.weights, counts.biases) };
    }
    case "convolution": {
      const [outputs, groups] = [reader.uint32(), reader.uint32()];
      const shaped = { kind, input, outputs, groups, window: readWindow(reader) };
      const problem = shapeOf(shaped, shapes);
      if (typeof problem === "string") throw malformed(WHAT, `a node ${problem}`);
      const counts = parameterCounts(shaped, shape);
      return { ...shaped, ...parameters(counts.weights, counts.biases) };
    }
    case "sum-pool":
    case "max-pool":
      return { kind, input, window: readWindow(reader) };
    case "add":
      return { kind, inputs: [input, inputs[1] as number], multipliers: [reader.uint16(), reader.uint16()] };
    case "concat":
      return { kind, inputs };
    case "flatten":
      return { kind, input };
    case "requantise": {
      const length = reader.uint32();
      const hasSlopes = reader.uint8();
      if (hasSlopes > 1) throw malformed(WHAT, "a node has an unknown flag");
      const [shift, low] = [reader.uint8(), readLow(reader)];
      const multipliers = readFactors(reader, length);
      return {
        kind,
        input,
        multipliers,
        slopes: hasSlopes ? readFactors(reader, length) : undefined,
        shift,
        low,
      };
    }
    case "table":
      return { kind, input, low: readLow(reader), table: Int16Array.from(readFactors(reader, 256)) };
  }
}

/**
 * Little-endian: tag "AIOSIG01", salt (32), input shape (3 × u32), node count (u32); per node its kind (u8, in the
 * order of `KINDS`), number of inputs (u16) and each (u16), then its fields in the order of `integer-node`, lengths
 * following from shapes. One graph, one encoding. Throws as `validateIntegerGraph`.
 */
export function encodeIntegerGraph(graph: IntegerGraph): Uint8Array {
  validateIntegerGraph(graph);
  const size = graph.nodes.reduce((sum, node) => sum + nodeBytes(node), 0);
  const writer = new ByteWriter(TAG.length + SALT_BYTES + 16 + size);
  writer.tag(TAG).bytes(graph.salt);
  for (const side of graph.inputShape) writer.uint32(side);
  writer.uint32(graph.nodes.length);
  for (const node of graph.nodes) writeNode(writer, node);
  return writer.finish();
}

/**
 * Inverse of `encodeIntegerGraph`. No length is believed before the bytes are there. Throws
 * `malformed-integer-graph` or as `validateIntegerGraph`.
 */
export function decodeIntegerGraph(bytes: Uint8Array): IntegerGraph {
  const reader = new ByteReader(bytes, WHAT);
  reader.tag(TAG);
  const salt = reader.bytes(SALT_BYTES);
  const inputShape: TensorShape = [reader.uint32(), reader.uint32(), reader.uint32()];
  const count = reader.uint32();
  if (count < 1 || count > MAX_NODES) throw malformed(WHAT, `it has ${count} nodes`);
  const refuse = (_: number, problem: string) => malformed(WHAT, `it ${problem}`);
  const nodes: IntegerNode[] = [];
  let shapes: TensorShape[] = [inputShape];
  for (let index = 0; index < count; index++) {
    nodes.push(readNode(reader, shapes));
    shapes = inferShapes(inputShape, nodes.map(shapedNode), refuse);
  }
  reader.end();
  const graph = { inputShape, nodes, salt };
  validateIntegerGraph(graph);
  return graph;
}

/** Whether the bytes claim to be a graph. */
export function isEncodedGraph(bytes: Uint8Array): boolean {
  return TAG.split("").every((letter, at) => bytes[at] === letter.charCodeAt(0));
}

/** keccak256 of the encoding, salt included: binds every weight and hides them. 32 bytes. */
export function graphCommitment(graph: IntegerGraph): Uint8Array {
  return keccak_256(encodeIntegerGraph(graph));
}
