/** Pixels on a side. */
export const DIGIT_SIDE = 28;
/** Pixels of one digit. */
export const DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE;
/** Labels run from 0 to 9. */
export const DIGIT_CLASSES = 10;

/** Digit images with their labels; image `i` is `pixels[i × 784 … (i + 1) × 784)`, rows from the top, 0 = paper. */
export interface LabelledDigits {
  readonly count: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** One image, as a view (not a copy) of 784 grey values. */
export function digitAt(digits: LabelledDigits, index: number): Uint8Array {
  if (!Number.isInteger(index) || index < 0 || index >= digits.count) {
    throw new RangeError(`digit ${index} of ${digits.count}`);
  }
  return digits.pixels.subarray(index * DIGIT_PIXELS, (index + 1) * DIGIT_PIXELS);
}

/** The images at the given places, in that order, as a new set. */
export function selectDigits(digits: LabelledDigits, indices: readonly number[]): LabelledDigits {
  const pixels = new Uint8Array(indices.length * DIGIT_PIXELS);
  const labels = new Uint8Array(indices.length);
  for (const [position, index] of indices.entries()) {
    pixels.set(digitAt(digits, index), position * DIGIT_PIXELS);
    labels[position] = digits.labels[index] as number;
  }
  return { count: indices.length, pixels, labels };
}
