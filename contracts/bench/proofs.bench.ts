// `npm run bench -- proofs`: what each back end needs for each model, in one table. A model's name after the suite, or a
// part of it, measures that one alone; `--part` one of groth16, ultra-honk, evaluator, ceremony; `--without-peer` leaves
// out snarkjs and TensorFlow.js. Each part of each model is a process of its own and is ended after its limit.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type MeasuredModel, MODELS } from "./proofs/models.js";
import { PARTS, type PartName } from "./proofs/part.js";
import { ProofChain } from "./proofs/proof-chain.js";
import { runPart } from "./proofs/run-part.js";
import { jsonLines, type Refusal, tableText } from "./proofs/table.js";

const RUNS = 5;
const RUNS_FOR_MS = 30_000;
const LIMITS_MS: Readonly<Record<PartName, number>> = {
  groth16: 480_000,
  "ultra-honk": 300_000,
  evaluator: 60_000,
  ceremony: 480_000,
};
const GAS_PREFIX: Readonly<Partial<Record<PartName, string>>> = { groth16: "g", "ultra-honk": "h" };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    "without-peer": { type: "boolean", default: false },
    part: { type: "string" },
  },
});
const threads = availableParallelism();
const models = MODELS.filter(({ name }) => positionals.every((wanted) => name.includes(wanted)));
const columns = new Map(models.map((model) => [model, new Map<string, number>()]));
const refusals: Refusal[] = [];
const directory = mkdtempSync(join(tmpdir(), "aios-bench-proofs-"));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));

const loadBefore = loadavg()[0] as number;
{
  await using chain = await ProofChain.start();
  for (const model of models)
    for (const part of PARTS) {
      if (values.part !== undefined && values.part !== part) continue;
      if (part !== "ceremony" || model.hasCeremony) await measure(chain, model, part);
    }
}
if (values.json) process.stdout.write(jsonLines(models, columns, refusals));
else {
  const machine = `${threads} threads, Node ${process.versions.node}, load before ${loadBefore.toFixed(1)}`;
  process.stdout.write(`BN254, ${machine}; p50 of up to ${RUNS}\n\n${tableText(models, columns, refusals)}`);
}

async function measure(chain: ProofChain, model: MeasuredModel, part: PartName): Promise<void> {
  const column = columns.get(model) as Map<string, number>;
  const startedAt = performance.now();
  const { evidence, reason, hasFailed } = await runPart({
    part,
    model: MODELS.indexOf(model),
    threads,
    runs: RUNS,
    forMs: RUNS_FOR_MS,
    withPeer: !values["without-peer"],
    directory,
    limitMs: LIMITS_MS[part],
    figure: (id, value) => column.set(id, value),
    order: (facts) => chain.order(facts),
  });
  if (reason !== undefined) refusals.push({ model: model.name, what: part, reason });
  if (hasFailed) process.exitCode = 1;
  const prefix = GAS_PREFIX[part];
  if (evidence !== undefined && prefix !== undefined) {
    const { alone, calldata, transaction } = await chain.settle(evidence);
    column.set(`${prefix}.gas`, alone);
    column.set(`${prefix}.calldata`, calldata);
    column.set(`${prefix}.settle`, transaction);
  }
  const tookS = (performance.now() - startedAt) / 1000;
  process.stderr.write(`${model.name}, ${part}: ${tookS.toFixed(0)} s\n`);
}
