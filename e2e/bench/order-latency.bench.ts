import { simulateHonorChain } from "../sim/src/simulated-honor-chain.js";
import { type Figure, percentile, printFigures } from "../src/figures.js";

// Order certificates of 21 nodes in virtual time: 100 ms one way, f of them crashed, every signature charged with what it
// costs on this machine (`npm run bench -- bls`), one at a time on a node's one thread.
const { afterInclusionMs, afterSubmissionMs } = simulateHonorChain({
  nodes: 21,
  crashed: 6,
  blocksPerSecond: 2,
  transactionsPerSecond: 25,
  transactionBytes: 110,
  // Until here the crashed leaders lose their turns.
  warmUpMs: 40_000,
  runMs: 120_000,
});
printFigures(
  [
    figure("order certificate after inclusion, p50", afterInclusionMs, 0.5, 1_000),
    figure("order certificate after inclusion, p95", afterInclusionMs, 0.95, 2_000),
    figure("order certificate after submission, p50", afterSubmissionMs, 0.5, 1_500),
    figure("order certificate after submission, p95", afterSubmissionMs, 0.95),
  ],
  process.argv.includes("--json"),
  process.stdout,
);

function figure(name: string, samples: readonly number[], quantile: number, goal?: number): Figure {
  return {
    suite: "order-latency",
    name,
    value: Math.round(percentile(samples, quantile)),
    unit: "ms",
    better: "lower",
    note: "virtual time",
    ...(goal === undefined ? {} : { goal }),
  };
}
