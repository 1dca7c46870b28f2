import { G2_BYTES } from "./key-points.js";
import type { ProverRequest } from "./prover-messages.js";
import { groupWeights, pointsOnTwist } from "./twist-powers.js";
import type { Handle, WasmProver } from "./wasm-prover.js";

type Bytes = Uint8Array<ArrayBuffer>;
type Request<K extends ProverRequest["kind"]> = Extract<ProverRequest, { readonly kind: K }>;

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

/** Points of a file of powers, each checked, in the module's own encoding. */
export function checkedPowers(prover: WasmProver, { group, points }: Request<"check-powers">): Bytes {
  return holding(prover, (hold) =>
    prover.encodePoints(hold(prover.checkPoints(group, "montgomery", points))),
  );
}

/**
 * As `checkedPowers`, of many points of G2: each is on the twist, and random combinations of them are in the group, which
 * costs a fourth of looking at each.
 */
export function checkedTwistPowers(
  prover: WasmProver,
  { points, seed }: Request<"check-twist-powers">,
): Bytes {
  const encoded = pointsOnTwist(points);
  return holding(prover, (hold) => {
    const run = hold(prover.loadPoints("g2", encoded));
    for (const weights of groupWeights(seed, encoded.length / G2_BYTES))
      prover.forget(prover.checkPoints("g2", "standard", prover.sumPoints(run, weights)));
    return encoded;
  });
}

export function sum(prover: WasmProver, { group, points, weights }: Request<"sum-points">): Bytes {
  return holding(prover, (hold) => prover.sumPoints(hold(prover.loadPoints(group, points)), weights));
}

export function combined(
  prover: WasmProver,
  circuit: Handle,
  { matrix, group, points }: Request<"combine">,
): Bytes {
  return holding(prover, (hold) =>
    prover.encodePoints(hold(prover.combinePoints(circuit, matrix, hold(prover.loadPoints(group, points))))),
  );
}

/** One by one, of G1. */
export function added(prover: WasmProver, { left, right, negate }: Request<"add-points">): Bytes {
  return holding(prover, (hold) => {
    const [a, b] = [hold(prover.loadPoints("g1", left)), hold(prover.loadPoints("g1", right))];
    return prover.encodePoints(hold(negate ? prover.subtractPoints(a, b) : prover.addPoints(a, b)));
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
