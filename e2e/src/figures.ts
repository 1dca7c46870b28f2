/** One line of a benchmark's table. */
export interface Figure {
  readonly suite: string;
  readonly name: string;
  /** Null where it could not be measured; `note` says why. */
  readonly value: number | null;
  readonly unit: string;
  readonly goal?: number;
  readonly better: "lower" | "higher";
  readonly peer?: string;
  readonly peerValue?: number;
  readonly note?: string;
}

/** Prints the figures as one table, or, for machines, as a line of JSON each. */
export function printFigures(figures: readonly Figure[], json: boolean, out: NodeJS.WriteStream): void {
  if (json) {
    for (const figure of figures) out.write(`${JSON.stringify(figure)}\n`);
    return;
  }
  const width = Math.max(...figures.map((figure) => figure.name.length));
  for (const figure of figures) {
    const value = figure.value === null ? "not measured" : `${round(figure.value)} ${figure.unit}`;
    const goal =
      figure.goal === undefined
        ? ""
        : `  goal ${figure.better === "lower" ? "≤" : "≥"} ${round(figure.goal)} ${figure.unit}`;
    const verdict =
      figure.goal === undefined || figure.value === null ? "" : meets(figure) ? "  reached" : "  MISSED";
    const peer =
      figure.peer === undefined || figure.peerValue === undefined
        ? ""
        : `  beside ${round(figure.peerValue)} ${figure.unit}: ${figure.peer}`;
    out.write(
      `${figure.name.padEnd(width)}  ${value}${goal}${verdict}${peer}${figure.note === undefined ? "" : `  (${figure.note})`}\n`,
    );
  }
}

function meets({ value, goal, better }: Figure): boolean {
  if (value === null || goal === undefined) return false;
  return better === "lower" ? value <= goal : value >= goal;
}

function round(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}

/** The value below which the given share of the samples lies; nearest rank. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  return sorted[rank] ?? Number.NaN;
}
