/** Of the widest picture of the DAG. */
export const MOST_COLUMNS = 24;
/** A column has as many whole ticks as this holds, at least one: of short ones most pass without a block. */
const COLUMN_MS = 900;
/** As many as a node shows at once. */
const MOST_TICKS = 256;

/** Ticks in a column of the picture. */
export function columnTicks(tickMs: number): number {
  return Math.max(1, Math.min(Math.floor(COLUMN_MS / tickMs), Math.floor(MOST_TICKS / MOST_COLUMNS)));
}

/** Ticks that the widest picture shows. */
export function windowTicks(tickMs: number): number {
  return MOST_COLUMNS * columnTicks(tickMs);
}
