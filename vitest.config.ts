import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongFirst } from "./scripts/long-first.mjs";

/** Beside the code they test, and done with what they begin: they share the processes of the runner. */
const UNIT = ["**/src/**/*.spec.{ts,tsx}"];
/** These put another module in the place of one, which a module that is loaded already does not notice. */
const REPLACES_MODULES = [
  "apps/launcher/src/backup/sync-tree.spec.ts",
  "apps/cluster/src/state/volume.spec.ts",
  "services/consensus/src/adapters/lmdb/lmdb-honor-log.spec.ts",
];
const END_TO_END = ["e2e/test/**/*.e2e.ts"];

export default defineConfig({
  test: {
    exclude: ["**/node_modules/**", "**/dist/**", "**/generated/**", "**/.aios/**"],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    // One more than there are processors: many of these files wait for a process, a disk or a deadline.
    maxWorkers: availableParallelism() + 1,
    passWithNoTests: false,
    sequence: { sequencer: LongFirst },
    projects: [
      { extends: true, test: { name: "unit", include: UNIT, exclude: REPLACES_MODULES, isolate: false } },
      {
        extends: true,
        test: { name: "parts", include: [...REPLACES_MODULES, "**/test/**/*.{spec,integration}.ts"] },
      },
      { extends: true, test: { name: "end-to-end", include: END_TO_END } },
    ],
  },
});
