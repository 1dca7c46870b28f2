export interface Figure {
  readonly name: string;
  readonly value: number | null;
  readonly unit: string;
  readonly goal?: number;
  readonly peer?: string;
  readonly peerValue?: number;
  readonly note?: string;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

export async function timed<T>(work: () => T | Promise<T>): Promise<readonly [T, number]> {
  const start = performance.now();
  const result = await work();
  return [result, performance.now() - start];
}

/** One line a figure: for people, or JSON. */
export function printFigure(figure: Figure, isJson: boolean): void {
  if (isJson) {
    process.stdout.write(`${JSON.stringify({ suite: "proofs", better: "lower", ...figure })}\n`);
    return;
  }
  const { value, unit, goal, peer, peerValue, note } = figure;
  const shown = value === null ? "–" : `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
  const beside = [
    goal === undefined ? "" : `goal ≤ ${goal} ${unit}`,
    peer === undefined ? "" : `${peer} ${peerValue?.toFixed(0)} ${unit}`,
    note ?? "",
  ].filter((text) => text !== "");
  process.stdout.write(`${figure.name.padEnd(66)}${shown.padEnd(14)}${beside.join("; ")}\n`);
}
