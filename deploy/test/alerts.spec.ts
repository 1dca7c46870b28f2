import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const FOLDER = fileURLToPath(new URL("../helm/aios/monitoring", import.meta.url));
const KEPT = join(homedir(), ".cache", "aios", "bin", "promtool");
const SLOW_MS = 300_000;
const promtool = ["promtool", KEPT].find(
  (program) => (program === KEPT ? existsSync(KEPT) : true) && spawnSync(program, ["--version"]).status === 0,
);

describe.skipIf(promtool === undefined)(
  `Prometheus' own judgement${promtool === undefined ? " (skipped: no promtool on PATH or in ~/.cache/aios/bin)" : ""}`,
  () => {
    const run = (...argv: string[]): string =>
      execFileSync(promtool ?? "", argv, { cwd: FOLDER, encoding: "utf8", timeout: SLOW_MS });

    it("reads every rule", () => {
      expect(run("check", "rules", "rules.yaml")).toContain("SUCCESS");
    });

    it(
      "fires every alert on what it is there for, and none while all is well",
      () => {
        expect(run("test", "rules", "rules.test.yaml")).toContain("SUCCESS");
      },
      SLOW_MS,
    );
  },
);
