import { DIGIT_SIDE } from "./labelled-digits.js";

const HALVES = [" ", "▀", "▄", "█"] as const;

/** The image for a terminal: 14 lines of 28 characters, two pixels a character, ink where the grey value is ≥ 96. */
export function digitAsText(pixels: Uint8Array): string {
  const ink = (row: number, column: number): boolean => (pixels[row * DIGIT_SIDE + column] ?? 0) >= 96;
  const lines: string[] = [];
  for (let row = 0; row < DIGIT_SIDE; row += 2) {
    let line = "";
    for (let column = 0; column < DIGIT_SIDE; column++) {
      line += HALVES[(ink(row, column) ? 1 : 0) + (ink(row + 1, column) ? 2 : 0)];
    }
    lines.push(line.trimEnd());
  }
  return lines.join("\n");
}
