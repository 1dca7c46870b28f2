import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** A program of Foundry, where npm has it for the platform. */
export function findFoundry(name: "cast" | "forge"): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`@foundry-rs/${name}-linux-amd64/package.json`);
    const path = join(dirname(manifest), "bin", name);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
