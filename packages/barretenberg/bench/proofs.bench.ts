import { availableParallelism } from "node:os";
import { type Figure, printFigure } from "./figures.js";
import { groth16Figures } from "./groth16-figures.js";
import { MODELS } from "./models.js";
import { ultraHonkFigures } from "./ultra-honk-figures.js";

const RUNS = 5;
const threads = availableParallelism();
const isJson = process.argv.includes("--json");
const withPeer = !process.argv.includes("--without-peer");
const only = process.argv.slice(2).find((argument) => !argument.startsWith("--"));

function print(figures: readonly Figure[]): void {
  for (const figure of figures) printFigure(figure, isJson);
}

if (!isJson) process.stdout.write(`BN254, ${threads} threads, median of ${RUNS} runs\n`);
for (const { name, groth16GoalMs, make } of MODELS) {
  if (only !== undefined && !name.includes(only)) continue;
  const model = make();
  print(await groth16Figures(name, groth16GoalMs, model, threads, { runs: RUNS, withPeer }));
  print(await ultraHonkFigures(name, model, threads, RUNS));
}
