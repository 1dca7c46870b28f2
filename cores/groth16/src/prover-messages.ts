import type { ErrorKind } from "@aios/kernel/coded-error";
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
  /** Points as `.ptau` files hold them, checked and encoded as all others here. */
  | { readonly kind: "check-powers"; readonly group: PointGroup; readonly points: Bytes }
  /** The same of many points of G2, by random combinations from `seed`, which nobody knew when they were made. */
  | { readonly kind: "check-twist-powers"; readonly points: Bytes; readonly seed: Bytes }
  /** Coefficients of the polynomial with these values on the domain of as many elements. */
  | { readonly kind: "interpolate"; readonly values: Bytes }
  /** Σ weight · point; the points were checked before. */
  | {
      readonly kind: "sum-points";
      readonly group: PointGroup;
      readonly points: Bytes;
      readonly weights: Bytes;
    }
  /** For each variable of a loaded circuit the combination of points by its column of A (0), B (1) or C (2). */
  | {
      readonly kind: "combine";
      readonly key: string;
      readonly matrix: 0 | 1 | 2;
      readonly group: PointGroup;
      readonly points: Bytes;
    }
  /** One by one, of G1: left plus right, or minus. */
  | {
      readonly kind: "add-points";
      readonly left: Bytes;
      readonly right: Bytes;
      readonly negate: boolean;
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

export type ProverResult =
  | { readonly kind: "set-up"; readonly verifyingKey: Bytes; readonly points: Bytes }
  | { readonly kind: "loaded"; readonly key: string }
  | { readonly kind: "unsatisfied"; readonly row: number }
  | { readonly kind: "bytes"; readonly bytes: readonly Bytes[] }
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
