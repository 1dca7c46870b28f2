import { UsageError } from "./command.js";
import { readBytes } from "./files.js";

const MAX_BYTES = 256 * 1024 * 1024;

/** Right outputs: whole numbers between white space. */
export async function labelsIn(path: string): Promise<number[]> {
  const text = new TextDecoder().decode(await readBytes(path, MAX_BYTES));
  const words = text.split(/\s+/).filter((word) => word !== "");
  const labels = words.map(Number);
  const wrong = labels.findIndex((label) => !Number.isInteger(label) || label < 0);
  if (wrong >= 0) throw new UsageError(`Label ${wrong + 1} in ${path} is no whole number: ${words[wrong]}.`);
  return labels;
}
