import type { MeasuredModel } from "./models.js";
import { goalOf, type Row, SECTIONS } from "./rows.js";

/** Figures of one model by the row's id. */
export type Column = ReadonlyMap<string, number>;

/** What could not be measured, and why. */
export interface Refusal {
  readonly model: string;
  readonly what: string;
  readonly reason: string;
}

const LABEL_WIDTH = 58;
const CELL_WIDTH = 13;
const MISSED = "!";

export function tableText(
  models: readonly MeasuredModel[],
  columns: ReadonlyMap<MeasuredModel, Column>,
  refusals: readonly Refusal[],
): string {
  const lines = [
    line(
      "",
      models.map(({ short }) => short),
      "goal",
    ),
  ];
  for (const { title, rows } of SECTIONS) {
    const filled = rows.filter(({ id }) => models.some((model) => columns.get(model)?.has(id)));
    if (filled.length > 0) lines.push("", title);
    for (const row of filled) {
      const cells = models.map((model) => cell(row, model, columns.get(model)?.get(row.id)));
      lines.push(line(`  ${row.label}${row.unit === "" ? "" : `, ${row.unit}`}`, cells, goals(row, models)));
    }
  }
  lines.push("", `${MISSED} not within the goal`);
  for (const { model, what, reason } of refusals) lines.push(`${what}, ${model}: ${reason}`);
  return `${lines.join("\n")}\n`;
}

/** A line of JSON for each figure, with the peer's beside it. */
export function jsonLines(
  models: readonly MeasuredModel[],
  columns: ReadonlyMap<MeasuredModel, Column>,
  refusals: readonly Refusal[],
): string {
  const lines: string[] = [];
  for (const model of models)
    for (const { title, rows } of SECTIONS)
      for (const row of rows) {
        const value = columns.get(model)?.get(row.id);
        if (value === undefined || row.peerOf !== undefined) continue;
        const peer = rows.find(({ peerOf }) => peerOf === row.id);
        const peerValue = peer === undefined ? undefined : columns.get(model)?.get(peer.id);
        lines.push(
          JSON.stringify({
            suite: "proofs",
            name: `${model.name}, ${title}: ${row.label.trim()}`,
            value,
            unit: row.unit,
            better: row.better ?? "lower",
            goal: goalOf(row, model),
            ...(peerValue === undefined ? {} : { peer: peer?.label.trim(), peerValue }),
          }),
        );
      }
  for (const { model, what, reason } of refusals)
    lines.push(JSON.stringify({ suite: "proofs", name: `${model}, ${what}`, value: null, note: reason }));
  return `${lines.join("\n")}\n`;
}

function line(label: string, cells: readonly string[], goal: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${cells.map((text) => text.padStart(CELL_WIDTH)).join("")}  ${goal}`.trimEnd();
}

function cell(row: Row, model: MeasuredModel, value: number | undefined): string {
  if (value === undefined) return "–";
  const goal = goalOf(row, model);
  return `${goal !== undefined && value > goal ? MISSED : ""}${numberText(value)}`;
}

function numberText(value: number): string {
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function goals(row: Row, models: readonly MeasuredModel[]): string {
  if (row.goal === undefined) return "";
  const each = [...new Set(models.map((model) => numberText(goalOf(row, model) as number)))];
  return `≤ ${each.join(" / ")}`;
}
