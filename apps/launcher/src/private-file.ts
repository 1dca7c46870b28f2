import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Content of a file that only its owner may read; made once, kept ever after. */
export function privateFile(file: string, make: () => string): string {
  if (existsSync(file)) return readFileSync(file, "utf8");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const content = make();
  writeFileSync(file, content, { mode: 0o600, flag: "wx" });
  return content;
}
