import { type PoseidonParameters, poseidonParameters } from "./poseidon.js";
import {
  combine,
  constantTerm,
  type LinearCombination,
  ONE,
  plus,
  type R1csBuilder,
  signalTerm,
} from "./r1cs-builder.js";
import { SCALAR_FIELD_ORDER, toScalar } from "./scalar-field.js";

/**
 * The partial rounds as linear maps over [1, s-box outputs of the full round before, s-box outputs of the partial
 * rounds so far]: what each partial round's one s-box takes, and the state after the last. They depend on the width
 * alone, so they are worked out once.
 */
interface PartialRounds {
  readonly sboxInputs: readonly (readonly bigint[])[];
  readonly state: readonly (readonly bigint[])[];
}

const partialRoundsOf = new Map<number, PartialRounds>();

function mix(
  mds: PoseidonParameters["mds"],
  state: readonly (readonly bigint[])[],
  length: number,
): bigint[][] {
  return mds.map((row) =>
    Array.from({ length }, (_, at) => {
      let sum = 0n;
      for (const [index, weight] of row.entries()) sum += weight * (state[index]?.[at] ?? 0n);
      return sum % SCALAR_FIELD_ORDER;
    }),
  );
}

function partialRounds(parameters: PoseidonParameters): PartialRounds {
  const { width, roundsFull, roundsPartial, roundConstants, mds } = parameters;
  const known = partialRoundsOf.get(width);
  if (known !== undefined) return known;
  let length = 1 + width;
  let state: bigint[][] = Array.from({ length: width }, (_, index) =>
    Array.from({ length }, (__, at) => (at === index + 1 ? 1n : 0n)),
  );
  state = mix(mds, state, length);
  const sboxInputs: bigint[][] = [];
  for (let round = 0; round < roundsPartial; round++) {
    const constants = roundConstants[roundsFull / 2 + round] as readonly bigint[];
    for (const [index, element] of state.entries())
      element[0] = toScalar((element[0] as bigint) + (constants[index] as bigint));
    sboxInputs.push(state[0] as bigint[]);
    const output = Array.from({ length: length + 1 }, (_, at) => (at === length ? 1n : 0n));
    length++;
    state = mix(mds, [output, ...state.slice(1)], length);
  }
  const made = { sboxInputs, state };
  partialRoundsOf.set(width, made);
  return made;
}

/** Value of a combination that has no signal in it, or `undefined`. */
function constantOf(combination: LinearCombination): bigint | undefined {
  let constant = 0n;
  for (const [signal, coefficient] of combination) {
    if (signal === 0) constant = toScalar(coefficient);
    else if (toScalar(coefficient) !== 0n) return undefined;
  }
  return constant;
}

/** x^5 in three constraints and three signals, none for a constant. The signals are fixed by x. */
function sbox(builder: R1csBuilder, name: string, x: LinearCombination): LinearCombination {
  const constant = constantOf(x);
  if (constant !== undefined) return constantTerm(toScalar(constant ** 5n));
  const square = builder.signal(`${name}.square`);
  const fourth = builder.signal(`${name}.fourth`);
  const fifth = builder.signal(`${name}.fifth`);
  builder.constrain(`${name}.square`, x, x, signalTerm(square));
  builder.constrain(`${name}.fourth`, signalTerm(square), signalTerm(square), signalTerm(fourth));
  builder.constrain(`${name}.fifth`, x, signalTerm(fourth), signalTerm(fifth));
  return signalTerm(fifth);
}

/**
 * Poseidon of 1 to 16 combinations: the digest as a combination of the last round's signals. Costs 3 constraints an
 * s-box, (8 · width + partial rounds) of them; mixing is free, it lives in the coefficients.
 */
export function poseidonGadget(
  builder: R1csBuilder,
  name: string,
  inputs: readonly LinearCombination[],
): LinearCombination {
  const parameters = poseidonParameters(inputs.length);
  const { roundsFull, roundsPartial, roundConstants, mds } = parameters;
  const half = roundsFull / 2;

  const fullRoundSboxes = (state: readonly LinearCombination[], round: number): LinearCombination[] => {
    const constants = roundConstants[round] as readonly bigint[];
    return state.map((element, index) =>
      sbox(
        builder,
        `${name}.round[${round}].sbox[${index}]`,
        plus(element, constantTerm(constants[index] as bigint)),
      ),
    );
  };
  const mixed = (state: readonly LinearCombination[]): LinearCombination[] =>
    mds.map((row) => combine(state.map((element, index) => [element, row[index] as bigint] as const)));

  let state: LinearCombination[] = [constantTerm(0n), ...inputs];
  for (let round = 0; round < half - 1; round++) state = mixed(fullRoundSboxes(state, round));
  const { sboxInputs, state: after } = partialRounds(parameters);
  const basis = [ONE, ...fullRoundSboxes(state, half - 1)];
  const over = (weights: readonly bigint[]): LinearCombination =>
    combine(weights.map((weight, index) => [basis[index] as LinearCombination, weight] as const));
  for (const [round, weights] of sboxInputs.entries()) {
    basis.push(sbox(builder, `${name}.round[${half + round}].sbox[0]`, over(weights)));
  }
  state = after.map(over);
  for (let round = half + roundsPartial; round < roundsFull + roundsPartial; round++)
    state = mixed(fullRoundSboxes(state, round));
  return state[0] as LinearCombination;
}

/** The gadget's signals for given input values, in the order it declares them, and the digest. `isConstant` marks inputs that hold no signal. */
export function poseidonWitness(
  inputs: readonly bigint[],
  isConstant: (input: number) => boolean,
): { readonly signals: bigint[]; readonly digest: bigint } {
  const { roundsFull, roundsPartial, roundConstants, mds } = poseidonParameters(inputs.length);
  const signals: bigint[] = [];
  let state = [0n, ...inputs];
  for (const [round, constants] of roundConstants.entries()) {
    const isFull = round < roundsFull / 2 || round >= roundsFull / 2 + roundsPartial;
    const next = state.map((element, index) => {
      const x = (element + (constants[index] as bigint)) % SCALAR_FIELD_ORDER;
      if (!isFull && index > 0) return x;
      const square = (x * x) % SCALAR_FIELD_ORDER;
      const fourth = (square * square) % SCALAR_FIELD_ORDER;
      const fifth = (fourth * x) % SCALAR_FIELD_ORDER;
      const known = round === 0 && (index === 0 || isConstant(index - 1));
      if (!known) signals.push(square, fourth, fifth);
      return fifth;
    });
    state = mds.map(
      (row) =>
        row.reduce((sum, weight, index) => sum + weight * (next[index] as bigint), 0n) % SCALAR_FIELD_ORDER,
    );
  }
  return { signals, digest: state[0] as bigint };
}
