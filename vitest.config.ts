import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/src/**/*.spec.ts", "**/src/**/*.spec.tsx", "**/test/**/*.{spec,integration,e2e}.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/generated/**", "**/.aios/**"],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    passWithNoTests: false,
  },
});
