/**
 * Writes WebAssembly (core specification 1.0, chapter 5) for functions that JavaScript has no fast numbers for. An
 * expression is its bytes; operands come first, so that nesting calls reads like a formula. Nothing is checked here: the
 * engine validates the module when it is made.
 */
export type Code = readonly number[];

export const I32 = 0x7f;
export const I64 = 0x7e;
export type ValueType = typeof I32 | typeof I64;

/** Unsigned LEB128 of an integer below 2^31. */
function unsigned(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) out.push((rest & 0x7f) | 0x80);
  out.push(rest);
  return out;
}

/** Signed LEB128. */
function signed(value: bigint): number[] {
  const out: number[] = [];
  for (let rest = value; ; ) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) return [...out, low];
    out.push(low | 0x80);
  }
}

const binary =
  (opcode: number) =>
  (a: Code, b: Code): Code => [...a, ...b, opcode];
const unary =
  (opcode: number) =>
  (a: Code): Code => [...a, opcode];
const memory =
  (opcode: number, alignment: number) =>
  (address: Code, offset = 0): Code => [...address, opcode, alignment, ...unsigned(offset)];
const store =
  (opcode: number, alignment: number) =>
  (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    opcode,
    alignment,
    ...unsigned(offset),
  ];

export const local = {
  get: (index: number): Code => [0x20, ...unsigned(index)],
  set: (index: number, value: Code): Code => [...value, 0x21, ...unsigned(index)],
  /** Sets and leaves the value. */
  tee: (index: number, value: Code): Code => [...value, 0x22, ...unsigned(index)],
};

export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(BigInt(value))],
  isZero: unary(0x45),
  equal: binary(0x46),
  differs: binary(0x47),
  less: binary(0x48),
  atLeast: binary(0x4e),
  leadingZeros: unary(0x67),
  add: binary(0x6a),
  subtract: binary(0x6b),
  and: binary(0x71),
  shiftLeft: binary(0x74),
  fromI64: unary(0xa7),
  load: memory(0x28, 2),
  store: store(0x36, 2),
};

export const i64 = {
  constant: (value: bigint | number): Code => [0x42, ...signed(BigInt(value))],
  isZero: unary(0x50),
  less: binary(0x54),
  greater: binary(0x56),
  add: binary(0x7c),
  subtract: binary(0x7d),
  multiply: binary(0x7e),
  divide: binary(0x80),
  and: binary(0x83),
  or: binary(0x84),
  xor: binary(0x85),
  shiftLeft: binary(0x86),
  shiftRight: binary(0x88),
  shiftRightSigned: binary(0x87),
  rotateLeft: binary(0x89),
  fromI32: unary(0xad),
  load: memory(0x29, 3),
  load32: memory(0x35, 2),
  store: store(0x37, 3),
  store32: store(0x3e, 2),
};

const END = 0x0b;
const NO_RESULT = 0x40;

/** Runs its body, and again from the start when a branch of depth 0 is taken in it. */
export const loop = (...body: readonly Code[]): Code => [0x03, NO_RESULT, ...body.flat(), END];
/** A branch of depth 0 in it leaves it. */
export const block = (...body: readonly Code[]): Code => [0x02, NO_RESULT, ...body.flat(), END];
export const when = (condition: Code, ...body: readonly Code[]): Code => [
  ...condition,
  0x04,
  NO_RESULT,
  ...body.flat(),
  END,
];
export const branch = (depth: number): Code => [0x0c, ...unsigned(depth)];
export const branchIf = (condition: Code, depth: number): Code => [...condition, 0x0d, ...unsigned(depth)];

export interface WasmFunction {
  /** Under which it is exported. */
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result?: ValueType;
  /** Numbered on from the parameters. */
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content];
const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const sized = (content: Code): Code => [...unsigned(content.length), ...content];
const text = (value: string): Code => sized([...new TextEncoder().encode(value)]);

/** The bytes of a module that exports its functions, and `pages` of 64 KiB as `memory`. */
function assembleModule(functions: readonly WasmFunction[], pages: number): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, result }) => [
    0x60,
    ...vector(parameters.map((type) => [type])),
    ...vector(result === undefined ? [] : [[result]]),
  ]);
  const exported = functions.map(({ name }, index) => [...text(name), 0, ...unsigned(index)]);
  const bodies = functions.map(({ locals, body }) =>
    sized([...vector(locals.map((type) => [1, type])), ...body, END]),
  );
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(5, [1, 0, ...unsigned(pages)]),
    ...section(7, vector([[...text("memory"), 2, 0], ...exported])),
    ...section(10, vector(bodies)),
  ]);
}

/** What is used of the engine's interface; the types of browsers would bring all of the document model along. */
interface Engine {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}
const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly;

/** An instance with its own memory. Small modules are made at once everywhere, main threads of browsers included. */
export function instantiate<Exports>(
  functions: readonly WasmFunction[],
  pages: number,
): Exports & { readonly memory: { readonly buffer: ArrayBuffer } } {
  const { exports } = new Instance(new Module(assembleModule(functions, pages)));
  return exports as Exports & { readonly memory: { readonly buffer: ArrayBuffer } };
}
