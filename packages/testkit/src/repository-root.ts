import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The checkout that holds this package, whether its sources run or what was built of them. */
export function repositoryRoot(from: string = import.meta.dirname): string {
  if (existsSync(join(from, "turbo.json"))) return from;
  const above = dirname(from);
  if (above === from) throw new Error(`no turbo.json above ${import.meta.dirname}`);
  return repositoryRoot(above);
}
