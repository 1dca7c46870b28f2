import { BASE_FIELD_ORDER, type G1Point } from "@aios/core-groth16/points";
import { bytesToInteger } from "@aios/core-zkml/scalar-field";
import { CodedError } from "@aios/kernel/coded-error";
import { bn254 } from "@noble/curves/bn254.js";
import { keccak_256 } from "@noble/hashes/sha3.js";

const WORD = 32;
const HEAD_WORDS = 3;
const POINTS = 28;
export const HONK_KEY_BYTES = WORD * (HEAD_WORDS + 2 * POINTS);
/** Circuits of up to 2^24 rows, as `HonkVerifier.sol`. */
export const MAX_LOG_ROWS = 24;
/** Public inputs that recursion would use; zero in ours. */
const RECURSION_INPUTS = 8;
const PUBLIC_INPUTS_OFFSET = 5n;
/** Lookup selector and tables; then range, elliptic, memory, non-native field and Poseidon2 selectors. */
const NOT_ARITHMETIC = [10, 11, 12, 13, 14, 22, 23, 24, 25, 26, 27];

/** An UltraHonk verifying key of a circuit of arithmetic gates. */
export interface HonkKey {
  /** log2 of the circuit's rows. */
  readonly logRows: number;
  readonly publicInputs: number;
  /** Commitments to selectors and permutations in the order of `Wire` of `HonkProof.sol`; (0, 0) is infinity. */
  readonly points: readonly G1Point[];
}

function malformedKey(problem: string): CodedError {
  return new CodedError({
    code: "malformed-verifying-key",
    kind: "invalid",
    message: `These bytes are not a valid UltraHonk verifying key: ${problem}.`,
    details: { problem },
  });
}

function pointOf(x: bigint, y: bigint): G1Point {
  if (x >= BASE_FIELD_ORDER || y >= BASE_FIELD_ORDER)
    throw malformedKey("a coordinate is not below the field's prime");
  if (x === 0n && y === 0n) return { x, y };
  try {
    bn254.G1.Point.fromAffine({ x, y }).assertValidity();
  } catch (cause) {
    const { code, kind, message, details } = malformedKey("a point is not on the curve");
    throw new CodedError({ code, kind, message, details, cause });
  }
  return { x, y };
}

/**
 * Reads 59 words: log2 of the rows, number of public inputs with those for recursion, their offset, 28 points. Checks
 * form, curve, and that no gate but arithmetic ones is used. Throws `malformed-verifying-key`.
 */
export function decodeHonkKey(bytes: Uint8Array): HonkKey {
  if (bytes.length !== HONK_KEY_BYTES) throw malformedKey(`it has ${bytes.length} bytes`);
  const word = (index: number): bigint => bytesToInteger(bytes.subarray(index * WORD, (index + 1) * WORD));
  const [logRows, publicInputs, offset] = [word(0), word(1), word(2)];
  if (logRows < 2n || logRows > BigInt(MAX_LOG_ROWS)) throw malformedKey(`it is for 2^${logRows} rows`);
  if (publicInputs < RECURSION_INPUTS || publicInputs > 1n << logRows)
    throw malformedKey(`it has ${publicInputs} public inputs`);
  if (offset !== PUBLIC_INPUTS_OFFSET) throw malformedKey("its public inputs are elsewhere");
  const points = Array.from({ length: POINTS }, (_, index) =>
    pointOf(word(HEAD_WORDS + 2 * index), word(HEAD_WORDS + 2 * index + 1)),
  );
  if (NOT_ARITHMETIC.some((index) => points[index]?.x !== 0n || points[index]?.y !== 0n))
    throw malformedKey("its circuit has gates that are not arithmetic");
  return { logRows: Number(logRows), publicInputs: Number(publicInputs) - RECURSION_INPUTS, points };
}

/** keccak256 of the encoding: what a published model and every statement name. 32 bytes. */
export function honkKeyHash(bytes: Uint8Array): Uint8Array {
  return keccak_256(bytes);
}
