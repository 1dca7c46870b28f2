// Builds everything that changed: generated code (turbo, cached by input), TypeScript (incremental), the studio.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, "node_modules", ".bin", name);
// Generating a client needs no schema engine; naming any program keeps prisma from downloading one.
const noEngine = ["/bin/true", "/usr/bin/true"].find((file) => existsSync(file)) ?? process.execPath;
const quietTurbo = ["--output-logs=errors-only", "--log-prefix=none", "--no-update-notifier"];

step("generate code", bin("turbo"), ["run", "generate", ...quietTurbo]);
step("compile", bin("tsc"), ["-b"]);
step("bundle the studio", bin("turbo"), ["run", "bundle", ...quietTurbo]);

function step(name, file, argv) {
  const result = spawnSync(file, argv, {
    cwd: root,
    encoding: "utf8",
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: noEngine,
      TURBO_TELEMETRY_DISABLED: "1",
      DO_NOT_TRACK: "1",
    },
    maxBuffer: 64 * 1024 ** 2,
  });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}\naios: could not ${name}.\n`);
  process.exit(1);
}
