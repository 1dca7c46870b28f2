import type { ErrorKind } from "@aios/kernel/coded-error";
import type { CircuitPowers } from "./powers-of-tau.js";
import type { SharePoints } from "./work-shares.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** What the host sends to a prover's thread. Byte arrays are moved, not copied, unless they are used again. */
export type ProverRequest =
  | { readonly kind: "development-setup"; readonly circuit: Bytes; readonly trapdoor: Bytes }
  /** The circuit goes to the thread that computes quotients only. */
  | {
      readonly kind: "load";
      readonly circuit: Bytes | undefined;
      readonly constraints: number;
      readonly points: SharePoints;
    }
  /** Checks satisfaction, then gives the quotient's coefficients. */
  | { readonly kind: "quotient"; readonly key: string; readonly witness: Bytes }
  /** Sums over the thread's share of the witness: a, b in G1, private, b in G2. */
  | {
      readonly kind: "sum-witness";
      readonly key: string;
      readonly variables: Bytes;
      readonly privates: Bytes;
    }
  | { readonly kind: "sum-quotient"; readonly key: string; readonly coefficients: Bytes }
  | { readonly kind: "assemble"; readonly points: Bytes; readonly blinding: Bytes }
  | { readonly kind: "unload"; readonly key: string }
  /** The points of a circuit's first key from powers of tau, with what their pairing checks need. */
  | {
      readonly kind: "first-key";
      readonly circuit: Bytes;
      readonly powers: CircuitPowers;
      readonly weights: Bytes;
    }
  /** Every point times a scalar; the points are checked first. */
  | {
      readonly kind: "scale";
      readonly group: PointGroup;
      readonly points: Bytes;
      readonly scalar: Bytes;
    }
  /** Σ weight · point; the points are checked first. */
  | { readonly kind: "checked-sum"; readonly points: Bytes; readonly weights: Bytes };

export type PointGroup = "g1" | "g2";

/** Runs of points of a circuit's first key, whose gamma and delta are one. */
export interface FirstKeyPoints {
  readonly alphaG1: Bytes;
  readonly betaG1: Bytes;
  readonly betaG2: Bytes;
  readonly aQuery: Bytes;
  readonly bQueryG1: Bytes;
  readonly bQueryG2: Bytes;
  /** Of every variable: inputs, then private ones. */
  readonly combined: Bytes;
  readonly quotientQuery: Bytes;
}

/** Single points; `sum` is by the request's weights. */
export interface ConsistencySums {
  /** tau^0, tau^1, and tau^1 in G2. */
  readonly one: Bytes;
  readonly tau: Bytes;
  readonly tauG2: Bytes;
  /** Over all powers but the last, and over all but the first. */
  readonly tauLow: Bytes;
  readonly tauHigh: Bytes;
  readonly alphaLow: Bytes;
  readonly alphaHigh: Bytes;
  /** Over the Lagrange points, and over the powers by the interpolated weights. */
  readonly lagrange: Bytes;
  readonly lagrangeByPowers: Bytes;
  readonly alphaLagrange: Bytes;
  readonly alphaLagrangeByPowers: Bytes;
  readonly betaLagrange: Bytes;
  readonly lagrangeG2: Bytes;
}

export type ProverResult =
  | { readonly kind: "set-up"; readonly verifyingKey: Bytes; readonly points: Bytes }
  | { readonly kind: "loaded"; readonly key: string }
  | { readonly kind: "unsatisfied"; readonly row: number }
  | { readonly kind: "bytes"; readonly bytes: readonly Bytes[] }
  | { readonly kind: "first-key"; readonly points: FirstKeyPoints; readonly sums: ConsistencySums }
  | { readonly kind: "unloaded" };

export interface ProverCall {
  readonly id: number;
  readonly request: ProverRequest;
}

export type ProverReply =
  /** The thread is of no use any more. */
  | { readonly id: number; readonly type: "out-of-memory" }
  | { readonly id: number; readonly type: "result"; readonly result: ProverResult }
  | { readonly id: number; readonly type: "progress"; readonly fraction: number }
  | {
      readonly id: number;
      readonly type: "refused";
      readonly code: string;
      readonly kind: ErrorKind;
      readonly message: string;
    };
