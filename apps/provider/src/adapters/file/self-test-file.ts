import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SelfTestFigures } from "../../domain/self-test.js";
import { writeAtomically } from "./atomic-file.js";

const FILE = "self-test.json";

interface StoredSelfTest {
  readonly softwareVersion: string;
  readonly figures: SelfTestFigures;
}

/** The last measurement, if this version of the software made it; a damaged file counts as none. */
export async function readSelfTest(
  directory: string,
  softwareVersion: string,
): Promise<SelfTestFigures | undefined> {
  try {
    const stored = JSON.parse(await readFile(join(directory, FILE), "utf8")) as Partial<StoredSelfTest>;
    return stored.softwareVersion === softwareVersion ? stored.figures : undefined;
  } catch {
    return undefined;
  }
}

export function writeSelfTest(
  directory: string,
  softwareVersion: string,
  figures: SelfTestFigures,
): Promise<void> {
  return writeAtomically(
    join(directory, FILE),
    JSON.stringify({ softwareVersion, figures } satisfies StoredSelfTest),
  );
}
