import { branchIf, type Code, I32, I64, i32, i64, local, loop, type WasmFunction } from "./wasm-assembler.js";

/** Bytes absorbed between two permutations, for a digest of 256 bits. */
export const RATE_BYTES = 136;
/** Memory of the module: state, round constants, then the input. */
export const STATE_AT = 0;
const STATE_BYTES = 200;
export const ROUND_CONSTANTS_AT = STATE_BYTES;
const ROUNDS = 24;
const ROUND_CONSTANTS_END = ROUND_CONSTANTS_AT + ROUNDS * 8;
export const INPUT_AT = 512;

/** FIPS 202, algorithm 5: the constants of the rounds, from a linear feedback shift register. */
export function roundConstants(): BigUint64Array {
  const constants = new BigUint64Array(ROUNDS);
  let register = 1;
  for (let round = 0; round < ROUNDS; round++) {
    for (let j = 0; j <= 6; j++) {
      if ((register & 1) === 1) constants[round] = (constants[round] as bigint) | (1n << BigInt(2 ** j - 1));
      register = (register << 1) ^ ((register >> 7) * 0x171);
    }
  }
  return constants;
}

/** Locals: where the next block is, how many are left, the constant of the round; 25 lanes, 5 columns, a moved lane. */
const INPUT = 0;
const BLOCKS_LEFT = 1;
const CONSTANT = 2;
const lane = (i: number): number => 3 + i;
const column = (x: number): number => 28 + x;
const MOVED = 33;

const { get, set, tee } = local;
const FIVE = [0, 1, 2, 3, 4];

/** FIPS 202, 3.2.1. */
function theta(): Code[] {
  const sums = FIVE.map((x) =>
    set(
      column(x),
      FIVE.slice(1).reduce((sum, y) => i64.xor(sum, get(lane(x + 5 * y))), get(lane(x))),
    ),
  );
  const spread = FIVE.flatMap((x) => [
    set(MOVED, i64.xor(get(column((x + 4) % 5)), i64.rotateLeft(get(column((x + 1) % 5)), i64.constant(1)))),
    ...FIVE.map((y) => set(lane(x + 5 * y), i64.xor(get(lane(x + 5 * y)), get(MOVED)))),
  ]);
  return [...sums, ...spread];
}

/** FIPS 202, 3.2.2 and 3.2.3, following one lane around the cycle that pi makes of all but the first. */
function rhoAndPi(): Code[] {
  const out = [set(MOVED, get(lane(1)))];
  let [x, y] = [1, 0];
  for (let t = 0; t < 24; t++) {
    [x, y] = [y, (2 * x + 3 * y) % 5];
    const target = lane(x + 5 * y);
    const rotation = (((t + 1) * (t + 2)) / 2) % 64;
    out.push(
      set(column(0), get(target)),
      set(target, i64.rotateLeft(get(MOVED), i64.constant(rotation))),
      set(MOVED, get(column(0))),
    );
  }
  return out;
}

/** FIPS 202, 3.2.4: row by row, keeping the two lanes that are overwritten before they are read. */
function chi(): Code[] {
  return FIVE.flatMap((y) => {
    const kept = [set(column(0), get(lane(5 * y))), set(column(1), get(lane(5 * y + 1)))];
    const before = (x: number): Code => (x < 5 ? get(lane(5 * y + x)) : get(column(x - 5)));
    const mixed = FIVE.map((x) => {
      const inverted = i64.xor(before(x + 1), i64.constant(-1));
      return set(lane(5 * y + x), i64.xor(get(lane(5 * y + x)), i64.and(inverted, before(x + 2))));
    });
    return [...kept, ...mixed];
  });
}

/** FIPS 202, 3.2.5. */
const iota = (): Code => set(lane(0), i64.xor(get(lane(0)), i64.load(get(CONSTANT))));

const LANES = Array.from({ length: STATE_BYTES / 8 }, (_, i) => i);
const NOWHERE = i32.constant(STATE_AT);

/** `absorb(input, blocks)`: takes whole blocks into the state (FIPS 202, algorithm 8). The state stays in registers. */
export const absorb: WasmFunction = {
  name: "absorb",
  parameters: [I32, I32],
  locals: [I32, ...new Array<typeof I64>(31).fill(I64)],
  body: [
    ...LANES.flatMap((i) => set(lane(i), i64.load(NOWHERE, i * 8))),
    ...loop(
      ...LANES.slice(0, RATE_BYTES / 8).map((i) =>
        set(lane(i), i64.xor(get(lane(i)), i64.load(get(INPUT), i * 8))),
      ),
      set(INPUT, i32.add(get(INPUT), i32.constant(RATE_BYTES))),
      set(CONSTANT, i32.constant(ROUND_CONSTANTS_AT)),
      loop(
        ...theta(),
        ...rhoAndPi(),
        ...chi(),
        iota(),
        branchIf(
          i32.differs(
            tee(CONSTANT, i32.add(get(CONSTANT), i32.constant(8))),
            i32.constant(ROUND_CONSTANTS_END),
          ),
          0,
        ),
      ),
      branchIf(tee(BLOCKS_LEFT, i32.subtract(get(BLOCKS_LEFT), i32.constant(1))), 0),
    ),
    ...LANES.flatMap((i) => i64.store(NOWHERE, get(lane(i)), i * 8)),
  ],
};
