import {
  block,
  branchIf,
  type Code,
  I32,
  I64,
  i32,
  i64,
  instantiate,
  local,
  loop,
  type WasmFunction,
  when,
} from "@aios/core-keccak/wasm-assembler";

/**
 * Products and quotients of integers of up to 512 bits, in digits of 32 bits, least significant first. WebAssembly has
 * what JavaScript lacks: the 64-bit product of two digits. `bench/word.bench.ts` shows what that is worth.
 */
const DIGITS = 8;
const DIGIT_BYTES = 4;
const MASK = i64.constant(0xffffffff);
const BITS = i64.constant(32);
const { get, set, tee } = local;

/** Locals of a multiplication behind its three parameters: the digits of b, those of the result, one of a, a carry. */
const [OUT, A, B] = [0, 1, 2];
const digitOfB = (j: number): number => 3 + j;
const digitOfOut = (k: number): number => 11 + k;
const DIGIT_OF_A = 27;
const CARRY = 28;

/** TAOCP volume 2, 4.3.1 algorithm M, row by row; digits of the result above `count` are left out. */
function multiplication(name: string, count: number): WasmFunction {
  const body: Code[] = [];
  for (let j = 0; j < DIGITS; j++) body.push(set(digitOfB(j), i64.load32(get(B), j * DIGIT_BYTES)));
  for (let i = 0; i < DIGITS; i++) {
    body.push(set(DIGIT_OF_A, i64.load32(get(A), i * DIGIT_BYTES)));
    for (let j = 0; j < DIGITS && i + j < count; j++) {
      // At most (2^32 − 1)² + 2 × (2^32 − 1) = 2^64 − 1.
      let sum = i64.multiply(get(DIGIT_OF_A), get(digitOfB(j)));
      if (i > 0) sum = i64.add(sum, get(digitOfOut(i + j)));
      if (j > 0) sum = i64.add(sum, get(CARRY));
      body.push(set(CARRY, sum), set(digitOfOut(i + j), i64.and(get(CARRY), MASK)));
      body.push(set(CARRY, i64.shiftRight(get(CARRY), BITS)));
    }
    if (i + DIGITS < count) body.push(set(digitOfOut(i + DIGITS), get(CARRY)));
  }
  for (let k = 0; k < count; k++) body.push(i64.store32(get(OUT), get(digitOfOut(k)), k * DIGIT_BYTES));
  return {
    name,
    parameters: [I32, I32, I32],
    locals: new Array<typeof I64>(26).fill(I64),
    body: body.flat(),
  };
}

/** Parameters and locals of the division. Addresses and counts of bytes first, then numbers. */
const [U, V, Q, M_BYTES, N_BYTES] = [0, 1, 2, 3, 4];
const [J, I, SHIFT_BITS] = [5, 6, 7];
const [SHIFT, TOP, SECOND, HEAD, QUOTIENT, REST, T, K] = [8, 9, 10, 11, 12, 13, 14, 15];

const digitBytes = i32.constant(DIGIT_BYTES);
/** Addresses of the digits that the loops stand at, and of the head of the dividend's part that is divided next. */
const uAtIJ = i32.add(get(U), i32.add(get(I), get(J)));
const vAtI = i32.add(get(V), get(I));
const head = i32.add(get(U), i32.add(get(J), get(N_BYTES)));

/** Shifts a number left by SHIFT bits in place, from the digit at I down to its first. */
const shiftUp = (base: number): Code =>
  loop(
    i64.store32(
      i32.add(get(base), get(I)),
      i64.shiftRight(
        i64.shiftLeft(i64.load(i32.subtract(i32.add(get(base), get(I)), digitBytes)), get(SHIFT)),
        BITS,
      ),
    ),
    branchIf(i32.atLeast(tee(I, i32.subtract(get(I), digitBytes)), i32.constant(0)), 0),
  );

/** Steps D3's correction: at most twice too large, until the guess fits the second digit too. */
const correctQuotient = block(
  loop(
    when(
      i64.isZero(i64.shiftRight(get(QUOTIENT), BITS)),
      branchIf(
        i32.isZero(
          i64.greater(
            i64.multiply(get(QUOTIENT), get(SECOND)),
            i64.or(
              i64.shiftLeft(get(REST), BITS),
              i64.load32(i32.subtract(head, i32.constant(2 * DIGIT_BYTES))),
            ),
          ),
        ),
        2,
      ),
    ),
    set(QUOTIENT, i64.subtract(get(QUOTIENT), i64.constant(1))),
    set(REST, i64.add(get(REST), get(TOP))),
    branchIf(i64.isZero(i64.shiftRight(get(REST), BITS)), 0),
  ),
);

const eachDigitOfV = (...body: readonly Code[]): Code => [
  ...set(I, i32.constant(0)),
  ...loop(...body, branchIf(i32.less(tee(I, i32.add(get(I), digitBytes)), get(N_BYTES)), 0)),
];

/** Step D4: takes quotient × v from the part of u. K is what the next digit owes. */
const multiplyAndSubtract: Code = [
  ...set(K, i64.constant(0)),
  ...eachDigitOfV(
    set(REST, i64.multiply(get(QUOTIENT), i64.load32(vAtI))),
    set(T, i64.subtract(i64.subtract(i64.load32(uAtIJ), get(K)), i64.and(get(REST), MASK))),
    i64.store32(uAtIJ, get(T)),
    set(K, i64.subtract(i64.shiftRight(get(REST), BITS), i64.shiftRightSigned(get(T), BITS))),
  ),
  ...set(T, i64.subtract(i64.load32(head), get(K))),
  ...i64.store32(head, get(T)),
];

/** Step D6: the guess was one too large after all. */
const addBack: Code = [
  ...set(QUOTIENT, i64.subtract(get(QUOTIENT), i64.constant(1))),
  ...set(K, i64.constant(0)),
  ...eachDigitOfV(
    set(T, i64.add(i64.add(i64.load32(uAtIJ), i64.load32(vAtI)), get(K))),
    i64.store32(uAtIJ, get(T)),
    set(K, i64.shiftRight(get(T), BITS)),
  ),
  ...i64.store32(head, i64.add(i64.load32(head), get(K))),
];

/**
 * TAOCP volume 2, 4.3.1 algorithm D: `divide(u, v, q, m bytes, n bytes)`, m ≥ n ≥ one digit, the highest digit of v not
 * zero. Leaves the quotient at q and the remainder in the low digits of u. The digits in front of u and v are zero, the
 * one behind u is scratch; v is lost.
 */
const divide: WasmFunction = {
  name: "divide",
  parameters: [I32, I32, I32, I32, I32],
  locals: [I32, I32, I32, I64, I64, I64, I64, I64, I64, I64, I64],
  body: [
    ...set(SHIFT_BITS, i32.leadingZeros(i32.load(i32.subtract(i32.add(get(V), get(N_BYTES)), digitBytes)))),
    ...set(SHIFT, i64.fromI32(get(SHIFT_BITS))),
    ...set(I, i32.subtract(get(N_BYTES), digitBytes)),
    ...shiftUp(V),
    ...i32.store(i32.add(get(U), get(M_BYTES)), i32.constant(0)),
    ...set(I, get(M_BYTES)),
    ...shiftUp(U),
    ...set(TOP, i64.load32(i32.subtract(i32.add(get(V), get(N_BYTES)), digitBytes))),
    ...set(SECOND, i64.load32(i32.subtract(i32.add(get(V), get(N_BYTES)), i32.constant(2 * DIGIT_BYTES)))),
    ...set(J, i32.subtract(get(M_BYTES), get(N_BYTES))),
    ...loop(
      set(HEAD, i64.load(i32.subtract(head, digitBytes))),
      set(QUOTIENT, i64.divide(get(HEAD), get(TOP))),
      set(REST, i64.subtract(get(HEAD), i64.multiply(get(QUOTIENT), get(TOP)))),
      correctQuotient,
      multiplyAndSubtract,
      when(i32.fromI64(i64.shiftRight(get(T), i64.constant(63))), addBack),
      i64.store32(i32.add(get(Q), get(J)), get(QUOTIENT)),
      branchIf(i32.atLeast(tee(J, i32.subtract(get(J), digitBytes)), i32.constant(0)), 0),
    ),
    ...eachDigitOfV(
      i64.store32(i32.add(get(U), get(I)), i64.shiftRight(i64.load(i32.add(get(U), get(I))), get(SHIFT))),
    ),
  ],
};

interface Kernel {
  /** `out` = a × b modulo 2^256; all byte addresses, `out` apart from the operands. */
  multiplyLow(out: number, a: number, b: number): void;
  /** `out` = a × b, 512 bits. */
  multiplyFull(out: number, a: number, b: number): void;
  divide(u: number, v: number, q: number, mBytes: number, nBytes: number): void;
}

const kernel = instantiate<Kernel>(
  [multiplication("multiplyLow", DIGITS), multiplication("multiplyFull", 2 * DIGITS), divide],
  1,
);

export const { multiplyLow, multiplyFull, divide: divideDigits } = kernel;
/** The kernel's memory, by digits. Its users share it: every operation writes what it reads first. */
export const digits = new Int32Array(kernel.memory.buffer);
