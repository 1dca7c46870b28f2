import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Suite } from "./suite.js";

/** The files of the suite under `path`, in order of name; a file named directly is taken as it is. */
export function vectorFiles(path: string, suite: Suite): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => suite.accepts(file))
    .sort();
}
