import { concatBytes, G1_BYTES, G2_BYTES, type KeyPoints } from "./key-points.js";

/** Indices [from, to) of the three kinds of sums that one thread computes. */
export interface WorkShare {
  /** Of the queries over all variables. */
  readonly variables: Range;
  /** Of the query over private variables. */
  readonly privates: Range;
  /** Of the query over the quotient's coefficients. */
  readonly quotient: Range;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

function rangeOf(count: number, part: number, parts: number): Range {
  return { from: Math.floor((count * part) / parts), to: Math.floor((count * (part + 1)) / parts) };
}

const NOTHING: Range = { from: 0, to: 0 };

/**
 * What each of `threads` threads sums up. The first one computes the quotient while the others work on the witness, so
 * it takes no share of that; the quotient's own sum, the largest part, is split evenly. Every index belongs to exactly
 * one thread.
 */
export function workShares(
  sizes: { readonly variables: number; readonly privates: number; readonly quotient: number },
  threads: number,
): WorkShare[] {
  const workers = Math.max(1, threads - 1);
  return Array.from({ length: threads }, (_, thread) => {
    const worker = threads === 1 ? 0 : thread - 1;
    const isWorker = worker >= 0;
    return {
      variables: isWorker ? rangeOf(sizes.variables, worker, workers) : NOTHING,
      privates: isWorker ? rangeOf(sizes.privates, worker, workers) : NOTHING,
      quotient: rangeOf(sizes.quotient, thread, threads),
    };
  });
}

/** A thread's points: for witness sums a, b (G1), private, quotient, and b (G2). */
export interface SharePoints {
  readonly g1: readonly Uint8Array<ArrayBuffer>[];
  readonly g2: Uint8Array<ArrayBuffer>;
}

export function sharePoints(points: KeyPoints, share: WorkShare): SharePoints {
  const cut = (run: Uint8Array, range: Range, size: number): Uint8Array<ArrayBuffer> =>
    new Uint8Array(run.subarray(range.from * size, range.to * size));
  return {
    g1: [
      cut(points.aQuery, share.variables, G1_BYTES),
      cut(points.bQueryG1, share.variables, G1_BYTES),
      cut(points.privateQuery, share.privates, G1_BYTES),
      cut(points.quotientQuery, share.quotient, G1_BYTES),
    ],
    g2: cut(points.bQueryG2, share.variables, G2_BYTES),
  };
}

/** The fixed points that the crate's `assemble` starts with. */
export function fixedPoints(points: KeyPoints): Uint8Array<ArrayBuffer> {
  return concatBytes(points.alphaG1, points.betaG1, points.deltaG1, points.betaG2, points.deltaG2);
}
