import { setBigint, toBigint } from "../src/word.js";
import { div, exp, mod, mulMod, multiply } from "../src/word-multiply.js";
import { multiplyIn16Bits, multiplyIn24Bits, withBigint } from "./word-candidates.js";

/** What one operation on words costs in the representations that were tried. Processor time, median of turns. */
const OPERATIONS = 100_000;
const TURNS = 5;
const TOP = (1n << 255n) - 19n;
const NEXT = 0xfedcba9876543210_0123456789abcdef_fedcba9876543210_0123456789abcdefn;
const HALF = (1n << 127n) - 1n;
const WORD = 1n << 256n;

type Operation = (stack: Int32Array, sp: number) => void;
const binary =
  (operation: (s: Int32Array, out: number, a: number, b: number) => void): Operation =>
  (s, sp) =>
    operation(s, sp - 16, sp - 8, sp - 16);

const cases: readonly {
  readonly name: string;
  readonly operands: readonly bigint[];
  readonly candidates: Readonly<Record<string, Operation>>;
}[] = [
  {
    name: "MUL, 256 × 256 bits",
    operands: [TOP, NEXT],
    candidates: {
      "32 bits, WebAssembly": binary(multiply),
      "24 bits, doubles": binary(multiplyIn24Bits),
      "16 bits, doubles": binary(multiplyIn16Bits),
      BigInt: withBigint((a, b) => (a * b) % WORD, 2),
    },
  },
  {
    name: "DIV, 256 by 127 bits",
    operands: [NEXT, HALF],
    candidates: { "32 bits, WebAssembly": div, BigInt: withBigint((a, b) => a / b, 2) },
  },
  {
    name: "MOD, 256 by 255 bits",
    operands: [NEXT, TOP],
    candidates: { "32 bits, WebAssembly": mod, BigInt: withBigint((a, b) => a % b, 2) },
  },
  {
    name: "MULMOD, 255 bits",
    operands: [TOP - 1n, NEXT, TOP],
    candidates: { "32 bits, WebAssembly": mulMod, BigInt: withBigint((a, b, n) => (a * b) % n, 3) },
  },
  {
    name: "EXP, 3 to the 100",
    operands: [3n, 100n],
    candidates: { "32 bits, WebAssembly": exp, BigInt: withBigint((a, b) => a ** b % WORD, 2) },
  },
];

/** Nanoseconds of an operation, and its result. */
function turn(
  operation: Operation,
  operands: readonly bigint[],
): { readonly ns: number; readonly result: bigint } {
  const sp = operands.length * 8;
  const fresh = new Int32Array(sp);
  operands.forEach((value, i) => {
    setBigint(fresh, sp - 8 * (i + 1), value);
  });
  const stack = new Int32Array(sp);
  const before = process.cpuUsage();
  for (let i = 0; i < OPERATIONS; i++) {
    stack.set(fresh);
    operation(stack, sp);
  }
  const { user, system } = process.cpuUsage(before);
  return { ns: ((user + system) * 1_000) / OPERATIONS, result: toBigint(stack, 0) };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

const figures = cases.flatMap(({ name, operands, candidates }) => {
  const times = Object.entries(candidates).map(([by, operation]) => ({ by, operation, all: [] as number[] }));
  const results = new Set<bigint>();
  for (let i = 0; i <= TURNS; i++)
    for (const { operation, all } of times) {
      const { ns, result } = turn(operation, operands);
      results.add(result);
      if (i > 0) all.push(ns);
    }
  if (results.size !== 1) throw new Error(`${name}: the candidates do not agree`);
  return times.map(({ by, all }) => ({
    suite: "word",
    name: `${name}: ${by}`,
    value: Math.round(median(all)),
    unit: "ns",
    goal: null,
    better: "lower",
  }));
});
if (process.argv.includes("--json")) for (const figure of figures) console.log(JSON.stringify(figure));
else console.table(figures.map(({ name, value, unit }) => ({ name, value, unit })));
