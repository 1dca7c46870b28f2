import { CodedError } from "@aios/kernel/coded-error";
import { Field } from "@noble/curves/abstract/modular.js";
import { grainGenConstants, poseidon } from "@noble/curves/abstract/poseidon.js";
import { SCALAR_FIELD_ORDER } from "./scalar-field.js";

/**
 * Poseidon over BN254's scalar field with x^5, 128-bit security (eprint 2019/458): constants from the Grain LFSR of
 * the reference script, the parameters that circomlib and iden3 use, so digests agree with theirs.
 */
export interface PoseidonParameters {
  /** State width: one capacity element and `width − 1` inputs. */
  readonly width: number;
  readonly roundsFull: number;
  readonly roundsPartial: number;
  /** [round][element] */
  readonly roundConstants: readonly (readonly bigint[])[];
  /** [row][column] */
  readonly mds: readonly (readonly bigint[])[];
}

const ROUNDS_FULL = 8;
/** Index = number of inputs − 1. */
const ROUNDS_PARTIAL = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68] as const;
export const MAX_POSEIDON_INPUTS = ROUNDS_PARTIAL.length;

const scalars = Field(SCALAR_FIELD_ORDER);

interface Instance {
  readonly parameters: PoseidonParameters;
  readonly permute: (state: bigint[]) => bigint[];
}
const instances = new Map<number, Instance>();

function instance(inputs: number): Instance {
  const known = instances.get(inputs);
  if (known !== undefined) return known;
  const roundsPartial = ROUNDS_PARTIAL[inputs - 1];
  if (roundsPartial === undefined) {
    throw new CodedError({
      code: "invalid-poseidon-width",
      kind: "invalid",
      message: `Poseidon takes 1 to ${MAX_POSEIDON_INPUTS} inputs, not ${inputs}.`,
    });
  }
  const options = { Fp: scalars, t: inputs + 1, roundsFull: ROUNDS_FULL, roundsPartial };
  const constants = grainGenConstants(options);
  const made = {
    parameters: { width: inputs + 1, roundsFull: ROUNDS_FULL, roundsPartial, ...constants },
    permute: poseidon({ ...options, ...constants, sboxPower: 5 }),
  };
  instances.set(inputs, made);
  return made;
}

/** Constants for a number of inputs (1 to 16); computed once. Throws `invalid-poseidon-width`. */
export function poseidonParameters(inputs: number): PoseidonParameters {
  return instance(inputs).parameters;
}

/** Digest of 1 to 16 field elements, each in [0, order). Throws `invalid-poseidon-width`, `not-a-scalar`. */
export function poseidonHash(inputs: readonly bigint[]): bigint {
  for (const input of inputs) {
    if (input < 0n || input >= SCALAR_FIELD_ORDER) {
      throw new CodedError({
        code: "not-a-scalar",
        kind: "invalid",
        message: "A Poseidon input is not a field element.",
      });
    }
  }
  return instance(inputs.length).permute([0n, ...inputs])[0] as bigint;
}

/** S-boxes of one call: each costs three constraints in a circuit. Throws `invalid-poseidon-width`. */
export function poseidonSboxes(inputs: number): number {
  const { width, roundsFull, roundsPartial } = poseidonParameters(inputs);
  return roundsFull * width + roundsPartial;
}
