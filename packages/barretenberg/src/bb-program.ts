import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
const SYSTEMS: Readonly<Record<string, string>> = { linux: "linux", darwin: "macos" };

/**
 * Where the package has `bb` for this machine; `undefined` where it has none. The package's own search goes by a global
 * `__dirname`, which Prisma's clients set.
 */
export function bbProgram(): string | undefined {
  const [architecture, system] = [ARCHITECTURES[process.arch], SYSTEMS[process.platform]];
  if (architecture === undefined || system === undefined) return undefined;
  // dest/node/index.js, two folders below the package.
  const root = fileURLToPath(new URL("../../", import.meta.resolve("@aztec/bb.js")));
  const program = join(root, "build", `${architecture}-${system}`, "bb");
  return existsSync(program) ? program : undefined;
}
