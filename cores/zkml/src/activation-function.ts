import type { ActivationFunction } from "./float-graph.js";

/**
 * The error function by its Taylor series below 3 and a continued fraction above (Abramowitz and Stegun 7.1.6 and
 * 7.1.14): about 1e-12. Used for tables and accuracy reports, never inside a proof.
 */
export function erf(x: number): number {
  const z = Math.abs(x);
  let result: number;
  if (z < 3) {
    let [term, sum] = [z, z];
    for (let n = 1; n < 60; n++) {
      term *= (2 * z * z) / (2 * n + 1);
      sum += term;
    }
    result = (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
  } else {
    let fraction = z;
    for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
    result = 1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * fraction);
  }
  return x < 0 ? -result : result;
}

/** The function itself, in 64-bit floats. */
export function activate(activation: ActivationFunction, x: number): number {
  switch (activation.type) {
    case "relu":
      return Math.max(0, x);
    case "leaky-relu":
      return x < 0 ? x * activation.slope : x;
    case "sigmoid":
      return 1 / (1 + Math.exp(-x));
    case "tanh":
      return Math.tanh(x);
    case "gelu":
      return 0.5 * x * (1 + erf(x / Math.SQRT2));
    case "gelu-tanh":
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  }
}
