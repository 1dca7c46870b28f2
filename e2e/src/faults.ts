// `npm run test:faults`: every crash point of every process, alone and in pairs, and `kill -9` of every process in
// every state of a job. Prints the matrix; exit code 1 when a job did not finish once, or was not paid once.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@aios/service-kit/system-clock";
import { findCrashPoints, pairUp } from "./crash-points.js";
import { FaultBench } from "./fault-bench.js";

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const points = findCrashPoints(root);
const cases = [...points.map((point) => [point]), ...pairUp(points)];
const bench = await FaultBench.start(systemClock);
let failed = 0;
try {
  for (const [index, armed] of cases.entries()) {
    const label = armed.map((point) => point.name).join(" + ");
    const { fired, violations, tookMs } = await bench.run(armed);
    const missed = armed
      .filter((point) => !fired.includes(point.name))
      .map((point) => `${point.name} was not passed`);
    const problems = [...violations, ...missed];
    if (problems.length > 0) failed += 1;
    const verdict = problems.length === 0 ? "held" : `FAILED: ${problems.join("; ")}`;
    process.stdout.write(
      `${String(index + 1).padStart(3)}/${cases.length}  ${label.padEnd(70)} ${String(tookMs).padStart(6)} ms  ${verdict}\n`,
    );
  }
} finally {
  await bench.stop();
}
process.stdout.write(`\n${cases.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
