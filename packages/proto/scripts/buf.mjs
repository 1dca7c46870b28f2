// Runs the pinned buf at the repository's root, so that it works from a workspace script and offline.
import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const binDir = join(root, "node_modules", ".bin");

export function buf(...argv) {
  return spawnSync(join(binDir, "buf"), argv, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, PATH: [dirname(process.execPath), binDir, process.env.PATH].join(delimiter) },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = buf(...process.argv.slice(2));
  process.stdout.write(result.stdout ?? "");
  process.stderr.write(result.stderr ?? "");
  if (result.error !== undefined) process.stderr.write(`buf did not start: ${result.error.message}\n`);
  process.exit(result.status ?? 1);
}
