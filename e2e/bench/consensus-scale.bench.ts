import { parseArgs } from "node:util";
import {
  SIGNATURE_COST_MS,
  type SimulationChoice,
  simulateHonorChain,
} from "../sim/src/simulated-honor-chain.js";
import { type Figure, percentile, printFigures } from "../src/figures.js";

// `npm run bench -- consensus-scale [--nodes 21] [--blocks-per-second 2] [--transactions-per-second 25] [--crashed 0]
// [--seconds 30]`: one network in virtual time; docs/scale/consensus.md has the command beside each figure.
const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    nodes: text,
    crashed: text,
    seconds: text,
    "blocks-per-second": text,
    "transactions-per-second": text,
    "transaction-bytes": text,
  },
});
const number = (name: Exclude<keyof typeof values, "json">, usual: number): number => {
  const value = Number(values[name] ?? usual);
  if (!(value >= 0)) throw new RangeError(`--${name} is a number from 0.`);
  return value;
};
const crashed = number("crashed", 0);
// Crashed leaders cost a round each until they lose their turns.
const warmUpMs = crashed === 0 ? 4_000 : 40_000;
const choice: SimulationChoice = {
  nodes: number("nodes", 21),
  crashed,
  blocksPerSecond: number("blocks-per-second", 2),
  transactionsPerSecond: number("transactions-per-second", 25),
  transactionBytes: number("transaction-bytes", 110),
  warmUpMs,
  runMs: warmUpMs + 1_000 * number("seconds", 30),
};
const startedAt = process.cpuUsage();
const found = simulateHonorChain(choice);
const { user, system } = process.cpuUsage(startedAt);
const share = (value: number): number => Math.round(value * 1_000) / 10;

printFigures(
  [
    figure("order certificate after inclusion, p50", percentile(found.afterInclusionMs, 0.5), "ms"),
    figure("order certificate after inclusion, p95", percentile(found.afterInclusionMs, 0.95), "ms"),
    figure("order certificate after submission, p50", percentile(found.afterSubmissionMs, 0.5), "ms"),
    figure("order certificate after submission, p95", percentile(found.afterSubmissionMs, 0.95), "ms"),
    figure("checkpoints", found.checkpointsPerSecond, "/s"),
    figure("transactions ordered of those submitted", share(found.ordered / found.offered), "%"),
    figure(
      "signatures' share of the busiest node's thread",
      share(found.busiestShare),
      "%",
      `${SIGNATURE_COST_MS.verify} ms to verify, ${SIGNATURE_COST_MS.sign} ms to sign, each alone`,
    ),
    figure("received by a node", found.receivedBytesPerSecond / 1_000, "kB/s"),
    figure("received by a node for each byte submitted", found.receivedForEachByte, "×"),
    ...[...found.receivedByKind].map(([kind, times]) => figure(`  as ${kind}`, times, "×")),
    figure("processor time of the simulation", (user + system) / 1e6, "s"),
  ],
  values.json === true,
  process.stdout,
);

function figure(name: string, value: number, unit: string, note?: string): Figure {
  const rounded = Math.round(value * 1_000) / 1_000;
  const shown = Number.isNaN(rounded) ? null : rounded;
  return {
    suite: "consensus-scale",
    name,
    value: shown,
    unit,
    better: "lower",
    ...(note === undefined ? {} : { note }),
  };
}
