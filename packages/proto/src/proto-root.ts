import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Directory that holds the `.proto` files; import paths start below it. */
export const protoRoot: string = findProtoRoot(dirname(fileURLToPath(import.meta.url)));

function findProtoRoot(directory: string): string {
  const candidate = join(directory, "proto");
  if (existsSync(join(candidate, "aios", "events"))) return candidate;
  const parent = dirname(directory);
  if (parent === directory) throw new Error("the proto directory of this checkout is missing");
  return findProtoRoot(parent);
}
