import { DIGIT_PIXELS, DIGIT_SIDE } from "./labelled-digits.js";

/** Copies an image into `target`, moved by whole pixels (right and down are positive); what enters is paper (0). */
export function shiftDigit(source: Uint8Array, target: Uint8Array, right: number, down: number): void {
  target.fill(0, 0, DIGIT_PIXELS);
  for (let row = Math.max(0, down); row < Math.min(DIGIT_SIDE, DIGIT_SIDE + down); row++) {
    const from = (row - down) * DIGIT_SIDE + Math.max(0, -right);
    const length = DIGIT_SIDE - Math.abs(right);
    if (length > 0) target.set(source.subarray(from, from + length), row * DIGIT_SIDE + Math.max(0, right));
  }
}
