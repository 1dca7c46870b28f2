import { precompileAddress, precompileInput } from "./precompile-inputs.js";
import { ProgramWriter } from "./program-writer.js";
import type { Random } from "./random.js";
import { assemble, hexOf, type Program } from "./scenario.js";

/** What the code of a scenario can talk about. */
export interface Surroundings {
  /** Addresses in hex: contracts, senders, the coinbase, some that nobody has. */
  readonly addresses: readonly string[];
}

type Statement = (writer: ProgramWriter, around: Surroundings) => void;

const SMALL_OFFSETS = [0, 1, 31, 32, 33, 64, 96, 128, 300];
const HUGE = [1n << 20n, (1n << 32n) - 1n, 1n << 63n, (1n << 256n) - 1n];

function offset(writer: ProgramWriter): void {
  const { random } = writer;
  writer.push(random.chance(1) ? random.pick(HUGE) : random.pick(SMALL_OFFSETS));
}

function size(writer: ProgramWriter): void {
  const { random } = writer;
  if (random.chance(0.7)) writer.push(random.pick(HUGE));
  else writer.push(random.pick([0, 1, 20, 32, 32, 64, 85, 136, 200]));
}

function address(writer: ProgramWriter, { addresses }: Surroundings): void {
  const { random } = writer;
  if (random.chance(6)) writer.push(precompileAddress(random));
  else if (random.chance(5)) writer.op(0x30, 0, 1);
  else if (random.chance(3)) writer.push(random.word());
  else writer.push(BigInt(`0x${random.pick(addresses)}`));
}

const slot = (writer: ProgramWriter): void => void writer.push(writer.random.below(4));

const arithmetic: Statement = (writer) => {
  const [code, takes] = writer.random.pick([
    ...[
      1, 2, 3, 4, 5, 6, 7, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1a, 0x1b, 0x1c, 0x1d,
    ].map((binary) => [binary, 2] as const),
    ...[4, 5, 6, 7, 0x0a].map((binary) => [binary, 2] as const),
    ...[8, 9, 8, 9, 9].map((ternary) => [ternary, 3] as const),
    ...[0x15, 0x19, 0x1e].map((unary) => [unary, 1] as const),
  ]);
  if (writer.random.chance(60)) for (let i = 0; i < takes; i++) writer.push(writer.random.word());
  writer.need(takes).op(code, takes, 1);
};

const stack: Statement = (writer) => {
  const { random } = writer;
  const n = random.between(1, random.chance(80) ? 4 : 16);
  if (random.chance(50)) writer.need(n).op(0x7f + n, n, n + 1);
  else writer.need(n + 1).op(0x8f + n, n + 1, n + 1);
  if (random.chance(20)) writer.need(1).op(0x50, 1, 0);
};

const memory: Statement = (writer) => {
  const { random } = writer;
  const kind = random.below(6);
  if (kind < 2) {
    writer.need(1);
    offset(writer);
    writer.op(kind === 0 ? 0x52 : 0x53, 2, 0);
  } else if (kind === 2) {
    offset(writer);
    writer.op(0x51, 1, 1);
  } else if (kind === 3) writer.op(0x59, 0, 1);
  else {
    size(writer);
    offset(writer);
    offset(writer);
    writer.op(random.pick([0x5e, 0x37, 0x39, 0x3e]), 3, 0);
  }
};

const storage: Statement = (writer) => {
  const { random } = writer;
  const transient = random.chance(25);
  if (random.chance(60)) {
    writer.push(random.pick([0, 0, 1, 2, 3]));
    slot(writer);
    writer.op(transient ? 0x5d : 0x55, 2, 0);
  } else {
    slot(writer);
    writer.op(transient ? 0x5c : 0x54, 1, 1);
  }
};

const keep: Statement = (writer) => {
  writer.need(1);
  writer.push(writer.random.below(6)).op(0x55, 2, 0);
};

/** Stores the gas that is left: any difference of gas shows in the state root too. */
const keepGas: Statement = (writer) => {
  writer.op(0x5a, 0, 1).push(0x9a5).op(0x55, 2, 0);
};

const hashing: Statement = (writer) => {
  size(writer);
  offset(writer);
  writer.op(0x20, 2, 1);
};

const environment: Statement = (writer, around) => {
  const { random } = writer;
  const kind = random.below(10);
  if (kind < 4)
    writer.op(random.pick([0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, 0x58, 0x59, 0x5a, 0x47]), 0, 1);
  else if (kind < 5) writer.op(random.pick([0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x48, 0x4a]), 0, 1);
  else if (kind < 6) {
    writer.push(random.pick([0, 1, 2, 990, 999, 1_000, 744, 743, 2_000]));
    writer.op(random.pick([0x40, 0x49, 0x35]), 1, 1);
  } else if (kind < 9) {
    address(writer, around);
    writer.op(random.pick([0x31, 0x3b, 0x3f]), 1, 1);
  } else {
    size(writer);
    offset(writer);
    offset(writer);
    address(writer, around);
    writer.op(0x3c, 4, 0);
  }
};

const log: Statement = (writer) => {
  const topics = writer.random.below(5);
  for (let i = 0; i < topics; i++) writer.push(writer.random.word());
  size(writer);
  offset(writer);
  writer.op(0xa0 + topics, topics + 2, 0);
};

function gasFor(writer: ProgramWriter): void {
  const { random } = writer;
  const kind = random.below(10);
  if (kind < 6) writer.op(0x5a, 0, 1);
  else if (kind < 9) writer.push(random.pick([0, 1, 700, 2_300, 3_000, 10_000, 40_000]));
  else writer.push(random.word());
}

/** What happens to the flag that a call leaves, and to what it returned. */
function after(writer: ProgramWriter): void {
  const { random } = writer;
  if (random.chance(30)) keep(writer, { addresses: [] });
  if (random.chance(25)) {
    if (random.chance(85)) writer.op(0x3d, 0, 1);
    else size(writer);
    writer.push(0);
    offset(writer);
    writer.op(0x3e, 3, 0);
  }
  if (random.chance(20)) writer.op(0x3d, 0, 1);
}

const call: Statement = (writer, around) => {
  const { random } = writer;
  const code = random.pick([0xf1, 0xf1, 0xf1, 0xf2, 0xf4, 0xf4, 0xfa, 0xfa]);
  size(writer);
  offset(writer);
  size(writer);
  offset(writer);
  const withValue = code === 0xf1 || code === 0xf2;
  if (withValue) writer.push(random.chance(60) ? 0 : random.chance(90) ? random.below(50) : random.word());
  address(writer, around);
  gasFor(writer);
  writer.op(code, withValue ? 7 : 6, 1);
  after(writer);
};

const callPrecompile: Statement = (writer) => {
  const { random } = writer;
  const at = precompileAddress(random);
  const input = precompileInput(random, at);
  const length = input.length / 2;
  writer.push(length).pushLabel(writer.data(input)).push(0).op(0x39, 3, 0);
  writer
    .push(random.pick([0, 32, 64, 64, 128]))
    .push(0)
    .push(length)
    .push(0);
  writer.push(at);
  gasFor(writer);
  writer.op(0xfa, 6, 1);
  after(writer);
};

/** Init code: short programs that deploy, revert, fail, destroy themselves or leave storage behind. */
function initCode(random: Random, around: Surroundings, nesting: number): string {
  const writer = new ProgramWriter(random);
  for (let left = random.below(4); left > 0; left--) statement(writer, around, nesting + 1);
  const runtime = new ProgramWriter(random);
  for (let left = random.below(5); left > 0; left--) statement(runtime, around, nesting + 1);
  const deployed = random.chance(6) ? "ef0001" : hexOf(assemble(runtime.program()));
  const label = writer.data(deployed);
  const kind = random.below(20);
  if (kind < 15) {
    const length = random.chance(3) ? random.pick([24_576, 24_577]) : deployed.length / 2;
    writer.push(length).pushLabel(label).push(0).op(0x39, 3, 0).push(length).push(0).op(0xf3, 2, 0);
  } else if (kind < 17) writer.push(32).push(0).op(0xfd, 2, 0);
  else if (kind < 19) {
    address(writer, around);
    writer.op(0xff, 1, 0);
  } else writer.op(0xfe, 0, 0);
  return hexOf(assemble(writer.program()));
}

function create(writer: ProgramWriter, around: Surroundings, nesting: number): void {
  const { random } = writer;
  const code = initCode(random, around, nesting);
  const length = code.length / 2;
  writer.push(length).pushLabel(writer.data(code)).push(0).op(0x39, 3, 0);
  const salted = random.chance(50);
  if (salted) writer.push(random.below(2));
  writer.push(random.chance(2) ? random.pick([49_152, 49_153]) : length).push(0);
  writer.push(random.chance(70) ? 0 : random.below(30));
  writer.op(salted ? 0xf5 : 0xf0, salted ? 4 : 3, 1);
  after(writer);
  if (!random.chance(50)) return;
  writer.need(1);
  writer.push(0).push(0).push(0).push(0).push(random.below(3)).op(0x85, 6, 7).op(0x5a, 0, 1);
  writer.op(0xf1, 7, 1);
}

const ending: Statement = (writer, around) => {
  const { random } = writer;
  const kind = random.below(12);
  if (kind < 4) {
    size(writer);
    offset(writer);
    writer.op(0xf3, 2, 0);
  } else if (kind < 7) {
    size(writer);
    offset(writer);
    writer.op(0xfd, 2, 0);
  } else if (kind < 10) {
    address(writer, around);
    writer.op(0xff, 1, 0);
  } else writer.op(kind === 10 ? 0xfe : 0x00, 0, 0);
};

function branch(writer: ProgramWriter, around: Surroundings, nesting: number): void {
  const { random } = writer;
  writer.need(1);
  const depth = Math.max(0, writer.depth - 1);
  const end = writer.label();
  // Most places are no JUMPDEST.
  if (random.chance(2)) writer.push(random.below(60)).op(0x57, 2, 0);
  else writer.pushLabel(end).op(0x57, 2, 0);
  for (let left = random.between(1, 3); left > 0; left--) statement(writer, around, nesting + 1);
  if (random.chance(25)) ending(writer, around);
  writer.level(depth).place(end);
}

function loop(writer: ProgramWriter, around: Surroundings, nesting: number): void {
  const { random } = writer;
  const start = writer.label();
  writer.push(random.between(1, 8)).place(start);
  const depth = writer.depth;
  for (let left = random.between(1, 3); left > 0; left--) statement(writer, around, nesting + 1);
  writer.level(depth);
  // Without the decrement the loop ends when its gas does.
  if (!random.chance(3)) writer.push(1).op(0x90, 2, 2).op(0x03, 2, 1);
  writer.op(0x80, 1, 2).pushLabel(start).op(0x57, 2, 0).op(0x50, 1, 0);
}

const MAX_NESTING = 3;

function statement(writer: ProgramWriter, around: Surroundings, nesting: number): void {
  const { random } = writer;
  const nested = nesting < MAX_NESTING ? 1 : 0;
  const chosen = random.weighted<(writer: ProgramWriter, around: Surroundings, nesting: number) => void>([
    [22, arithmetic],
    [8, stack],
    [10, memory],
    [12, storage],
    [4, keep],
    [2, keepGas],
    [4, hashing],
    [9, environment],
    [3, log],
    [9, call],
    [3, callPrecompile],
    [3 * nested, create],
    [4 * nested, branch],
    [2 * nested, loop],
    [1, ending],
  ]);
  chosen(writer, around, nesting);
}

/** The code of a contract, or with `creates` the init code of a transaction. */
export function generateProgram(random: Random, around: Surroundings, creates = false): Program {
  if (creates && random.chance(80)) return [initCode(random, around, 0)];
  if (random.chance(3)) return [hexOf(random.bytes(random.below(60)))];
  const writer = new ProgramWriter(random);
  for (let left = random.between(1, 14); left > 0; left--) statement(writer, around, 0);
  if (random.chance(40)) ending(writer, around);
  return writer.program();
}
