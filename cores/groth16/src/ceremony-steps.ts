import { G1_BYTES } from "./key-points.js";
import type { CircuitPowers } from "./powers-of-tau.js";
import type { ConsistencySums, FirstKeyPoints, ProverRequest } from "./prover-messages.js";
import type { Handle, WasmProver } from "./wasm-prover.js";

type Bytes = Uint8Array<ArrayBuffer>;
type Request<K extends ProverRequest["kind"]> = Extract<ProverRequest, { readonly kind: K }>;

const SCALAR_BYTES = 32;

/** Runs `work` and forgets every object it was given, whatever happens. */
function holding<T>(prover: WasmProver, work: (hold: (handle: Handle) => Handle) => T): T {
  const held: Handle[] = [];
  try {
    return work((handle) => {
      held.push(handle);
      return handle;
    });
  } finally {
    for (const handle of held) prover.forget(handle);
  }
}

/** Σ weight · point over standard points that were checked already; as many weights as points. */
function sumOf(prover: WasmProver, points: Uint8Array, weights: Uint8Array): Bytes {
  return holding(prover, (hold) => prover.sumPoints(hold(prover.loadPoints("g1", points)), weights));
}

const LAST = -G1_BYTES;

/** The powers as objects of the module, every point checked; runs that are cut later as bytes too. */
function checkedPowers(prover: WasmProver, powers: CircuitPowers, hold: (handle: Handle) => Handle) {
  const g1 = (points: Uint8Array): Handle => hold(prover.checkPoints("g1", "montgomery", points));
  const g2 = (points: Uint8Array): Handle => hold(prover.checkPoints("g2", "montgomery", points));
  const standard = (points: Handle): Bytes => prover.encodePoints(points);
  return {
    tau: standard(g1(powers.tau)),
    tauG2: standard(g2(powers.tauG2)),
    alphaTau: standard(g1(powers.alphaTau)),
    betaG1: standard(g1(powers.betaG1)),
    betaG2: standard(g2(powers.betaG2)),
    lagrange: g1(powers.lagrange),
    alphaLagrange: g1(powers.alphaLagrange),
    betaLagrange: g1(powers.betaLagrange),
    lagrangeG2: g2(powers.lagrangeG2),
  };
}

type CheckedPowers = ReturnType<typeof checkedPowers>;

function consistencySums(
  prover: WasmProver,
  checked: CheckedPowers,
  weights: Uint8Array,
  size: number,
): ConsistencySums {
  const { tau, alphaTau } = checked;
  const first = (count: number): Uint8Array => weights.subarray(0, count * SCALAR_BYTES);
  const coefficients = prover.interpolate(first(size));
  return {
    one: tau.slice(0, G1_BYTES),
    tau: tau.slice(G1_BYTES, 2 * G1_BYTES),
    tauG2: checked.tauG2,
    tauLow: sumOf(prover, tau.subarray(0, LAST), first(2 * size - 2)),
    tauHigh: sumOf(prover, tau.subarray(G1_BYTES), first(2 * size - 2)),
    alphaLow: sumOf(prover, alphaTau.subarray(0, LAST), first(size - 1)),
    alphaHigh: sumOf(prover, alphaTau.subarray(G1_BYTES), first(size - 1)),
    lagrange: prover.sumPoints(checked.lagrange, first(size)),
    lagrangeByPowers: sumOf(prover, tau.subarray(0, size * G1_BYTES), coefficients),
    alphaLagrange: prover.sumPoints(checked.alphaLagrange, first(size)),
    alphaLagrangeByPowers: sumOf(prover, alphaTau, coefficients),
    betaLagrange: prover.sumPoints(checked.betaLagrange, first(size)),
    lagrangeG2: prover.sumPoints(checked.lagrangeG2, first(size)),
  };
}

/**
 * Checks every point of the powers, sums them up for the pairing checks that their consistency rests on, and computes the
 * points of the circuit's first key, with gamma and delta one.
 */
export function firstKey(
  prover: WasmProver,
  { circuit: encoded, powers, weights }: Request<"first-key">,
  onStep: (fraction: number) => void,
): { readonly points: FirstKeyPoints; readonly sums: ConsistencySums } {
  return holding(prover, (hold) => {
    const { size } = powers;
    const circuit = hold(prover.loadCircuit(encoded));
    const checked = checkedPowers(prover, powers, hold);
    onStep(0.4);
    const sums = consistencySums(prover, checked, weights, size);
    onStep(0.6);
    const combine = (matrix: 0 | 1 | 2, points: Handle): Handle =>
      hold(prover.combinePoints(circuit, matrix, points));
    const queries = {
      aQuery: prover.encodePoints(combine(0, checked.lagrange)),
      bQueryG1: prover.encodePoints(combine(1, checked.lagrange)),
      bQueryG2: prover.encodePoints(combine(1, checked.lagrangeG2)),
    };
    onStep(0.8);
    const products = prover.addPoints(combine(0, checked.betaLagrange), combine(1, checked.alphaLagrange));
    const combined = hold(prover.addPoints(hold(products), combine(2, checked.lagrange)));
    // tau^i · Z(tau) = tau^(i + size) − tau^i, the quotient's coefficients being monomial.
    const low = hold(prover.loadPoints("g1", checked.tau.subarray(0, (size - 1) * G1_BYTES)));
    const high = hold(prover.loadPoints("g1", checked.tau.subarray(size * G1_BYTES)));
    const quotient = hold(prover.subtractPoints(high, low));
    onStep(1);
    const points = {
      ...queries,
      alphaG1: checked.alphaTau.slice(0, G1_BYTES),
      betaG1: checked.betaG1,
      betaG2: checked.betaG2,
      combined: prover.encodePoints(combined),
      quotientQuery: prover.encodePoints(quotient),
    };
    return { points, sums };
  });
}

export function scaled(prover: WasmProver, { group, points, scalar }: Request<"scale">): Bytes {
  return holding(prover, (hold) =>
    prover.encodePoints(
      hold(prover.scalePoints(hold(prover.checkPoints(group, "standard", points)), scalar)),
    ),
  );
}

export function checkedSum(prover: WasmProver, { points, weights }: Request<"checked-sum">): Bytes {
  return holding(prover, (hold) =>
    prover.sumPoints(hold(prover.checkPoints("g1", "standard", points)), weights),
  );
}
