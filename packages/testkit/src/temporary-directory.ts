import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryDirectory {
  readonly path: string;
  remove(): void;
}

/** A fresh directory that other users may enter, as the database server does when tests run as root. */
export function temporaryDirectory(name: string): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), `aios-${name}-`));
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
