import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongFirst } from "./scripts/long-first.mjs";

/** Computes and does nothing else: what one file leaves behind is no matter to the next, and workers are kept. */
const PURE = [
  "cores/*/src/**/*.spec.ts",
  "packages/kernel/src/**/*.spec.ts",
  "services/*/src/domain/**/*.spec.ts",
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
      { extends: true, test: { name: "pure", include: PURE, isolate: false } },
      {
        extends: true,
        test: {
          name: "parts",
          include: ["**/src/**/*.spec.ts", "**/src/**/*.spec.tsx", "**/test/**/*.{spec,integration}.ts"],
          exclude: PURE,
        },
      },
      { extends: true, test: { name: "end-to-end", include: END_TO_END } },
    ],
  },
});
